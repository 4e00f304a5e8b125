/*
 * script.c - commands from the boot disk's exec.txt, for `make exec`.
 *
 * The file holds what a person typed, line by line. All of it is run, whatever fails: the output
 * tells more than a script that stops would.
 */
#include "ke.h"
#include "ldr.h"
#include "console.h"

#define SCRIPT "c:\\exec.txt"

void KdpRunScript(PKD_CONSOLE Console)
{
    const UCHAR *Data;
    SIZE_T Size, Start = 0;
    CHAR *Text;

    if (!LdrFindFile(SCRIPT, &Data, &Size)) {
        KdConsolePrint(Console, "console: the boot disk has no exec.txt\n");
        Console->Failures++;
        return;
    }
    Text = ExAllocatePool2(POOL_FLAG_PAGED, Size + 1, KDP_CONSOLE_TAG);
    if (Text == NULL) {
        KdConsolePrint(Console, "console: not enough memory for exec.txt\n");
        Console->Failures++;
        return;
    }
    memcpy(Text, Data, Size);
    for (SIZE_T i = 0; i <= Size; i++) {
        if (Text[i] == '\n' || Text[i] == '\r' || Text[i] == 0) {
            Text[i] = 0;
            KdpRunLine(Console, Text + Start);
            Start = i + 1;
        }
    }
    ExFreePoolWithTag(Text, KDP_CONSOLE_TAG);
}
