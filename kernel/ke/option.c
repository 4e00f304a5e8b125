/*
 * Words NAME=VALUE on the kernel's command line.
 */
#include "ke.h"
#include <loader.h>
#include "kd.h"

const char *KiFindBootOption(const char *Name, ULONG Index, SIZE_T *Length)
{
    SIZE_T NameLength = strlen(Name);
    const char *Line = KeLoaderBlock->CommandLine;

    for (const char *At = Line; (At = strstr(At, Name)) != NULL; At += NameLength) {
        const char *Value = At + NameLength + 1;

        if ((At != Line && At[-1] != ' ') || At[NameLength] != '=' || Index-- != 0) {
            continue;
        }
        for (*Length = 0; Value[*Length] != ' ' && Value[*Length] != 0;) {
            *Length += 1;
        }
        return Value;
    }
    return NULL;
}

BOOLEAN KiQueryBootOption(const char *Name, ULONG64 *Value)
{
    CHAR Text[24];
    SIZE_T Length;
    const char *Word = KiFindBootOption(Name, 0, &Length);

    if (Word == NULL || Length >= sizeof(Text)) {
        return FALSE;
    }
    memcpy(Text, Word, Length);
    Text[Length] = 0;
    return KdParseNumber(Text, Value);
}
