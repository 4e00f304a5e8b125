/* rtlkey.h - private to rtlkey.c and rtlquery.c: keys by RelativeTo and Path, see
 * nt/rtl_registry.h. */
#ifndef ETUDE_RTLKEY_H
#define ETUDE_RTLKEY_H

#include "cmp.h"

/* Opens, or with Create makes, the key; with RTL_REGISTRY_HANDLE it is the caller's handle. */
NTSTATUS CmpOpenRelative(ULONG RelativeTo, PCWSTR Path, BOOLEAN Create, ACCESS_MASK Access,
                         PHANDLE Key);
/* Closes what CmpOpenRelative opened. */
void CmpCloseRelative(ULONG RelativeTo, HANDLE Key);

#endif
