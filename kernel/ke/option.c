/*
 * Words NAME=VALUE on the kernel's command line, with VALUE a number.
 */
#include "ke.h"
#include <loader.h>
#include "kd.h"

BOOLEAN KiQueryBootOption(const char *Name, ULONG64 *Value)
{
    SIZE_T Length = strlen(Name);
    const char *Line = KeLoaderBlock->CommandLine;

    for (const char *At = Line; (At = strstr(At, Name)) != NULL; At += Length) {
        CHAR Text[24];
        SIZE_T Digits = 0;

        if ((At != Line && At[-1] != ' ') || At[Length] != '=') {
            continue;
        }
        for (const char *Digit = At + Length + 1; *Digit != ' ' && *Digit != 0; Digit++) {
            if (Digits == sizeof(Text) - 1) {
                return FALSE;
            }
            Text[Digits++] = *Digit;
        }
        Text[Digits] = 0;
        return KdParseNumber(Text, Value);
    }
    return FALSE;
}
