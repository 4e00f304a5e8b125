/*
 * cpio.c - the newc reader.
 *
 * A member is a header of 6 + 13 * 8 ASCII characters, a name with its zero, and the data; the last
 * two are padded to four bytes. A member called TRAILER!!! ends an archive.
 */
#include "cpio.h"
#include <nt/crt.h>

#define CPIO_MAGIC "070701"
#define CPIO_MAGIC_SIZE 6
#define CPIO_FIELD_SIZE 8
#define CPIO_HEADER_SIZE (CPIO_MAGIC_SIZE + 13 * CPIO_FIELD_SIZE)
#define CPIO_TRAILER "TRAILER!!!"

/* Numbers of the header's fields that matter here. */
#define CPIO_FIELD_MODE 1
#define CPIO_FIELD_FILE_SIZE 6
#define CPIO_FIELD_NAME_SIZE 11

/* The type bits of a Unix file mode, which the format writes. */
#define CPIO_MODE_TYPE 0170000
#define CPIO_MODE_REGULAR 0100000

/* Value of a hexadecimal digit, of either case; -1 for anything else. */
static int CpioDigit(UCHAR Character)
{
    if (Character >= '0' && Character <= '9') {
        return Character - '0';
    }
    Character |= 0x20;
    return Character >= 'a' && Character <= 'f' ? Character - 'a' + 10 : -1;
}

/* Number in the header's Field-th field. Writers pad with zeros, so all eight must be digits. */
static BOOLEAN CpioField(const UCHAR *Header, ULONG Field, ULONG *Value)
{
    const UCHAR *Text = Header + CPIO_MAGIC_SIZE + Field * CPIO_FIELD_SIZE;

    *Value = 0;
    for (ULONG i = 0; i < CPIO_FIELD_SIZE; i++) {
        int Digit = CpioDigit(Text[i]);
        if (Digit < 0) {
            return FALSE;
        }
        *Value = *Value << 4 | (ULONG)Digit;
    }
    return TRUE;
}

/* Moves over Length bytes and the padding behind them. Padding may be missing at the very end of
 * the archive, which some writers cut off. */
static BOOLEAN CpioAdvance(PCPIO_CURSOR Cursor, SIZE_T Length)
{
    SIZE_T Left = Cursor->Size - Cursor->Offset, Padding;

    if (Length > Left) {
        return FALSE;
    }
    Cursor->Offset += Length;
    Padding = -(Cursor->Offset - Cursor->Origin) & 3;
    Cursor->Offset += min(Padding, Left - Length);
    return TRUE;
}

/* Reads one member whatever its type; Mode is that of the file. The cursor moves only on
 * success. */
static BOOLEAN CpioReadMember(PCPIO_CURSOR Cursor, PCPIO_MEMBER Member, ULONG *Mode)
{
    CPIO_CURSOR Ahead = *Cursor; /* so that damage is reported at the member's start */
    const UCHAR *Header = Cursor->Bytes + Cursor->Offset;
    ULONG NameSize, FileSize;

    if (Cursor->Size - Cursor->Offset < CPIO_HEADER_SIZE ||
        memcmp(Header, CPIO_MAGIC, CPIO_MAGIC_SIZE) != 0 ||
        !CpioField(Header, CPIO_FIELD_MODE, Mode) ||
        !CpioField(Header, CPIO_FIELD_FILE_SIZE, &FileSize) ||
        !CpioField(Header, CPIO_FIELD_NAME_SIZE, &NameSize)) {
        return FALSE;
    }
    /* The sum cannot wrap: NameSize has 32 bits. */
    if (NameSize == 0 || !CpioAdvance(&Ahead, (SIZE_T)CPIO_HEADER_SIZE + NameSize)) {
        return FALSE;
    }
    Member->Name = (const CHAR *)Header + CPIO_HEADER_SIZE;
    if (Member->Name[NameSize - 1] != '\0') {
        return FALSE;
    }
    Member->Data = Ahead.Bytes + Ahead.Offset;
    Member->Size = FileSize;
    if (!CpioAdvance(&Ahead, FileSize)) {
        return FALSE;
    }
    *Cursor = Ahead;
    return TRUE;
}

/* After a trailer: goes over zero bytes to where another archive may start. Archives may be
 * concatenated, as Linux' initial RAM disks are; padding counts from each one's own beginning. */
static void CpioSkipToArchive(PCPIO_CURSOR Cursor)
{
    while (Cursor->Offset < Cursor->Size && Cursor->Bytes[Cursor->Offset] == 0) {
        Cursor->Offset++;
    }
    Cursor->Origin = Cursor->Offset;
}

void CpioOpen(PCPIO_CURSOR Cursor, const VOID *Bytes, SIZE_T Size)
{
    /* Zeros may come first, too. */
    *Cursor = (CPIO_CURSOR){.Bytes = Bytes, .Size = Size};
    CpioSkipToArchive(Cursor);
}

BOOLEAN CpioNext(PCPIO_CURSOR Cursor, PCPIO_MEMBER Member)
{
    ULONG Mode;

    while (Cursor->Offset < Cursor->Size) {
        if (!CpioReadMember(Cursor, Member, &Mode)) {
            Cursor->Damaged = TRUE;
            return FALSE;
        }
        if (strcmp(Member->Name, CPIO_TRAILER) == 0) {
            CpioSkipToArchive(Cursor);
        } else if ((Mode & CPIO_MODE_TYPE) == CPIO_MODE_REGULAR) {
            Member->Name += strncmp(Member->Name, "./", 2) == 0 ? 2 : 0;
            return TRUE;
        }
    }
    return FALSE;
}
