/*
 * guiddef.h - DEFINE_GUID, and how GUIDs compare. DEFINE_GUID declares a name; behind <initguid.h>,
 * or where INITGUID is defined when this is included, which may be more than once, it makes it.
 */
#ifndef _GUIDDEF_H_
#define _GUIDDEF_H_

#include <ntdef.h>

#ifdef __cplusplus
extern "C++" {
typedef const GUID &REFGUID;
inline bool IsEqualGUID(REFGUID Left, REFGUID Right)
{
    return __builtin_memcmp(&Left, &Right, sizeof(GUID)) == 0;
}
inline bool operator==(REFGUID Left, REFGUID Right)
{
    return IsEqualGUID(Left, Right);
}
inline bool operator!=(REFGUID Left, REFGUID Right)
{
    return !IsEqualGUID(Left, Right);
}
}
#define GUIDDEF_NAMED extern "C"
#else
typedef const GUID *REFGUID;
#define IsEqualGUID(Left, Right) (__builtin_memcmp((Left), (Right), sizeof(GUID)) == 0)
#define GUIDDEF_NAMED extern
#endif

/* Several files may make the same: the linker takes one. */
#if defined(_WIN32) && defined(__cplusplus)
#define GUIDDEF_MADE extern "C" __declspec(selectany)
#elif defined(_WIN32)
#define GUIDDEF_MADE __declspec(selectany) extern
#elif defined(__cplusplus)
#define GUIDDEF_MADE extern "C" __attribute__((weak))
#else
#define GUIDDEF_MADE __attribute__((weak))
#endif

#endif

#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(Name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                               \
    GUIDDEF_MADE const GUID Name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(Name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) GUIDDEF_NAMED const GUID Name
#endif
