/*
 * Loads driver images as the kernel does, on the host and under sanitizers, to see that no image
 * makes the loader read or write outside of it. Prints one line for each file named: "load", or why
 * it is refused. Built and run by test_corpus.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/ldr/pe.h"

#define ADDRESS 0xFFFFF80000010000ULL

static PVOID Resolve(const CHAR *Module, const PE_SYMBOL *Symbol, PVOID Context)
{
    static const char *const Known[] = {"ntoskrnl.exe!KeSetEvent",
                                        "ntoskrnl.exe!IofCompleteRequest", "hal.dll!HalMakeBeep"};
    char Text[64];

    if (Symbol->Name == NULL || strlen(Module) + strlen(Symbol->Name) + 2 > sizeof(Text)) {
        return NULL;
    }
    sprintf(Text, "%s!%s", Module, Symbol->Name);
    for (ULONG i = 0; i < ARRAYSIZE(Known); i++) {
        size_t Length = strlen(Module);
        if (strncasecmp(Text, Known[i], Length) == 0 &&
            strcmp(Text + Length, Known[i] + Length) == 0) {
            return Context;
        }
    }
    return NULL;
}

/* Exactly as many bytes as the file has: the sanitizer watches both ends. */
static UCHAR *ReadFile(const char *Path, SIZE_T *Size)
{
    FILE *File = fopen(Path, "rb");
    UCHAR *Data;

    if (File == NULL || fseek(File, 0, SEEK_END) != 0) {
        perror(Path);
        exit(2);
    }
    *Size = (SIZE_T)ftell(File);
    rewind(File);
    Data = malloc(*Size);
    if (fread(Data, 1, *Size, File) != *Size) {
        perror(Path);
        exit(2);
    }
    fclose(File);
    return Data;
}

static PE_REASON Load(const UCHAR *File, SIZE_T Size)
{
    PE_IMAGE Image;
    PE_REASON Reason = PeCheckImage(File, Size, &Image);
    UCHAR *Mapped;

    if (Reason != PeOk) {
        return Reason;
    }
    Mapped = calloc(1, Image.ImageSize);
    PeCopySections(&Image, Mapped);
    Reason = PeRelocate(&Image, Mapped, ADDRESS);
    if (Reason == PeOk) {
        Reason = PeBindImports(&Image, Mapped, Resolve, (PVOID)ADDRESS);
    }
    if (Reason == PeOk) {
        Reason = PeInitializeCookie(&Image, Mapped, ADDRESS, 1);
    }
    free(Mapped);
    return Reason;
}

int main(int Count, char **Names)
{
    for (int i = 1; i < Count; i++) {
        SIZE_T Size;
        UCHAR *File = ReadFile(Names[i], &Size);
        PE_REASON Reason = Load(File, Size);

        printf("%s\n", Reason == PeOk ? "load" : PeReasonText(Reason));
        free(File);
    }
    return 0;
}
