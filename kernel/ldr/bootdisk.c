/*
 * bootdisk.c - the boot disk by path: c:\ and \SystemRoot are both the root of the archive.
 *
 * The archive lies in the direct map, is never written, and stays for ever, so files are handed out
 * as pointers and nothing needs a lock. A look-up walks all headers, which is a few dozen steps.
 */
#include <ldr.h>
#include <mm.h>
#include <kd.h>
#include "cpio.h"
#include "ldrp.h"

static struct {
    const UCHAR *Bytes;
    SIZE_T Size;
} LdrpBootDisk;

/* Lower case, and one kind of slash. File names of the boot disk are ASCII. */
static CHAR LdrpFoldCharacter(CHAR Character)
{
    if (Character == '/') {
        return '\\';
    }
    return Character >= 'A' && Character <= 'Z' ? (CHAR)(Character | 0x20) : Character;
}

/* What stands behind Prefix in Path, or NULL when Path does not start with it. */
static const CHAR *LdrpSkipPrefix(const CHAR *Path, const CHAR *Prefix)
{
    for (; *Prefix != '\0'; Path++, Prefix++) {
        if (LdrpFoldCharacter(*Path) != *Prefix) {
            return NULL;
        }
    }
    return Path;
}

/* Strips all ways to say "the root of the boot disk", and the slashes behind them. */
static const CHAR *LdrpRelativePath(const CHAR *Path)
{
    static const CHAR *const Prefixes[] = {"\\??\\", "\\global??\\", "\\dosdevices\\",
                                           "\\systemroot\\", "c:"};

    /* In this order, each at most once: \??\c:\x is a drive in an object directory. */
    for (ULONG i = 0; i < ARRAYSIZE(Prefixes); i++) {
        const CHAR *Rest = LdrpSkipPrefix(Path, Prefixes[i]);
        Path = Rest != NULL ? Rest : Path;
    }
    while (LdrpFoldCharacter(*Path) == '\\') {
        Path++;
    }
    return Path;
}

/* Compares up to and with the terminators. */
static BOOLEAN LdrpSameName(const CHAR *Left, const CHAR *Right)
{
    while (*Left != '\0' && LdrpFoldCharacter(*Left) == LdrpFoldCharacter(*Right)) {
        Left++;
        Right++;
    }
    return *Left == *Right;
}

void LdrpOpenBootDisk(PLOADER_BLOCK LoaderBlock)
{
    CPIO_CURSOR Cursor;
    CPIO_MEMBER Member;

    LdrpBootDisk.Bytes = MmPhysicalToVirtual(LoaderBlock->BootDiskBase);
    LdrpBootDisk.Size = LoaderBlock->BootDiskSize;
    /* Damage is told of once, here; look-ups later just do not find what is behind it. */
    CpioOpen(&Cursor, LdrpBootDisk.Bytes, LdrpBootDisk.Size);
    while (CpioNext(&Cursor, &Member)) {
    }
    if (Cursor.Damaged) {
        KdPrintf("ldr: the boot disk is damaged at byte %llu of %llu; files behind it are lost\n",
                 Cursor.Offset, Cursor.Size);
    }
}

BOOLEAN LdrFindFile(const char *Path, const UCHAR **Data, SIZE_T *Size)
{
    const CHAR *Relative = LdrpRelativePath(Path);
    CPIO_CURSOR Cursor;
    CPIO_MEMBER Member;

    CpioOpen(&Cursor, LdrpBootDisk.Bytes, LdrpBootDisk.Size);
    while (CpioNext(&Cursor, &Member)) {
        if (LdrpSameName(Relative, Member.Name)) {
            *Data = Member.Data;
            *Size = Member.Size;
            return TRUE;
        }
    }
    return FALSE;
}

void LdrEnumerateFiles(BOOLEAN (*Callback)(const char *Name, SIZE_T Size, PVOID Context),
                       PVOID Context)
{
    CPIO_CURSOR Cursor;
    CPIO_MEMBER Member;

    CpioOpen(&Cursor, LdrpBootDisk.Bytes, LdrpBootDisk.Size);
    while (CpioNext(&Cursor, &Member) && Callback(Member.Name, Member.Size, Context)) {
    }
}
