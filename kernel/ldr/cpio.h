/*
 * cpio.h - reading a cpio archive in newc format that lies in memory. Pure: no state of its own.
 *
 * The archive is never trusted: every length is checked against the bytes that there are, and the
 * first damage ends the reading. Several archives may follow one another, with zero bytes between
 * them, as `cat a.cpio b.cpio` and tape blocking make them.
 */
#ifndef _LDR_CPIO_H_
#define _LDR_CPIO_H_

#include <ntdef.h>

typedef struct _CPIO_CURSOR {
    const UCHAR *Bytes;
    SIZE_T Size;
    SIZE_T Offset; /* of the next header */
    SIZE_T Origin; /* where the current archive starts: padding is relative to it */
    BOOLEAN Damaged;
} CPIO_CURSOR, *PCPIO_CURSOR;

typedef struct _CPIO_MEMBER {
    const CHAR *Name; /* in the archive, zero terminated, without a leading "./" */
    const UCHAR *Data;
    SIZE_T Size;
} CPIO_MEMBER, *PCPIO_MEMBER;

/* Puts Cursor before the first member of Size bytes at Bytes. */
void CpioOpen(PCPIO_CURSOR Cursor, const VOID *Bytes, SIZE_T Size);

/* Finds the next regular file. FALSE at the end, or at damage: then Cursor->Damaged is set and
 * Cursor->Offset tells where. Any IRQL. */
BOOLEAN CpioNext(PCPIO_CURSOR Cursor, PCPIO_MEMBER Member);

#endif
