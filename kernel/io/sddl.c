/*
 * sddl.c - the security descriptor definition language, as far as devices use it.
 *
 *     D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;S-1-5-32-545)
 *
 * A discretionary list, perhaps protected (P, AI, AR), of entries: allowed ; inheritance flags ;
 * rights ; ; ; whom. The text is read once from left to right, and the descriptor is written as it
 * is read: header, list, one entry after another. Each of these begins with its size, which is
 * known only at its end: room is left first, and written once more then. When the buffer is full
 * reading goes on, since a text that is wrong is told before a buffer that is too small. The same
 * two letters mean one thing as a right and another as a person (WD, RC), so each place has its own
 * table. Pure code: no memory, no locks.
 */
#include "sddl.h"

#define SD_REVISION 1
#define SD_DACL_PRESENT 0x0004
#define SD_DACL_AUTO_INHERIT_REQUIRED 0x0100
#define SD_DACL_AUTO_INHERITED 0x0400
#define SD_DACL_PROTECTED 0x1000
#define SD_SELF_RELATIVE 0x8000
#define ACL_REVISION 2
#define SID_MOST_PARTS 15

typedef struct _SDDL {
    const WCHAR *At, *End;
    PUCHAR Buffer;
    ULONG Room, Used;
    BOOLEAN Full; /* the buffer was too small */
} SDDL, *PSDDL;

typedef struct _SDDL_WORD {
    WCHAR Name[2];
    ULONG Value;
} SDDL_WORD;

static const SDDL_WORD Rights[] = {
    {{'G', 'A'}, GENERIC_ALL},
    {{'G', 'R'}, GENERIC_READ},
    {{'G', 'W'}, GENERIC_WRITE},
    {{'G', 'X'}, GENERIC_EXECUTE},
    {{'R', 'C'}, READ_CONTROL},
    {{'S', 'D'}, DELETE},
    {{'W', 'D'}, WRITE_DAC},
    {{'W', 'O'}, WRITE_OWNER},
    {{'F', 'A'}, FILE_ALL_ACCESS},
    {{'F', 'R'}, FILE_GENERIC_READ},
    {{'F', 'W'}, FILE_GENERIC_WRITE},
    {{'F', 'X'}, FILE_GENERIC_EXECUTE},
    {{'C', 'C'}, 0x01},
    {{'D', 'C'}, 0x02},
    {{'L', 'C'}, 0x04},
    {{'S', 'W'}, 0x08},
    {{'R', 'P'}, 0x10},
    {{'W', 'P'}, 0x20},
    {{'D', 'T'}, 0x40},
    {{'L', 'O'}, 0x80},
    {{'C', 'R'}, 0x100},
};
static const SDDL_WORD Inheritance[] = {
    {{'O', 'I'}, 0x01}, {{'C', 'I'}, 0x02}, {{'N', 'P'}, 0x04}, {{'I', 'O'}, IOP_ACE_INHERIT_ONLY},
    {{'I', 'D'}, 0x10},
};
/* Value: authority << 16 | the first part; those of the built-in domain have 32 before it. */
#define BUILT_IN 0x80000000UL
#define SID_OF(Authority, Part) ((ULONG)(Authority) << 16 | (Part))
static const SDDL_WORD Sids[] = {
    {{'S', 'Y'}, SID_OF(5, 18)},
    {{'B', 'A'}, SID_OF(5, 544) | BUILT_IN},
    {{'B', 'U'}, SID_OF(5, 545) | BUILT_IN},
    {{'B', 'G'}, SID_OF(5, 546) | BUILT_IN},
    {{'W', 'D'}, SID_OF(1, 0)},
    {{'R', 'C'}, SID_OF(5, 12)},
    {{'A', 'U'}, SID_OF(5, 11)},
    {{'A', 'N'}, SID_OF(5, 7)},
    {{'L', 'S'}, SID_OF(5, 19)},
    {{'N', 'S'}, SID_OF(5, 20)},
    {{'I', 'U'}, SID_OF(5, 4)},
    {{'N', 'U'}, SID_OF(5, 2)},
    {{'S', 'U'}, SID_OF(5, 6)},
    {{'C', 'O'}, SID_OF(3, 0)},
    {{'C', 'G'}, SID_OF(3, 1)},
};

static WCHAR Peek(PSDDL Sddl)
{
    return Sddl->At < Sddl->End ? *Sddl->At : 0;
}

static BOOLEAN Take(PSDDL Sddl, WCHAR Wanted)
{
    BOOLEAN Same = Sddl->At < Sddl->End && *Sddl->At == Wanted;
    Sddl->At += Same;
    return Same;
}

static const SDDL_WORD *TakeWord(PSDDL Sddl, const SDDL_WORD *Words, ULONG Count)
{
    if (Sddl->End - Sddl->At < 2) {
        return NULL;
    }
    for (ULONG i = 0; i < Count; i++) {
        if (Words[i].Name[0] == Sddl->At[0] && Words[i].Name[1] == Sddl->At[1]) {
            Sddl->At += 2;
            return &Words[i];
        }
    }
    return NULL;
}

static void Put(PSDDL Sddl, const VOID *Data, ULONG Size)
{
    if (Sddl->Room - Sddl->Used < Size) {
        Sddl->Full = TRUE;
        return;
    }
    RtlCopyMemory(Sddl->Buffer + Sddl->Used, Data, Size);
    Sddl->Used += Size;
}

/* 99: it is none. */
static ULONG DigitOf(WCHAR Character)
{
    WCHAR Letter = Character | 0x20;
    if (Character >= '0' && Character <= '9') {
        return Character - (ULONG)'0';
    }
    return Letter >= 'a' && Letter <= 'f' ? Letter - (ULONG)'a' + 10 : 99;
}

/* A number, decimal or with 0x; FALSE: none, or more than 32 bits. */
static BOOLEAN TakeNumber(PSDDL Sddl, PULONG Number)
{
    ULONG64 Value = 0;
    ULONG Base = 10, Digits = 0;
    if (Sddl->End - Sddl->At > 2 && Sddl->At[0] == '0' && (Sddl->At[1] | 0x20) == 'x') {
        Base = 16;
        Sddl->At += 2;
    }
    for (;; Sddl->At++, Digits++) {
        ULONG Digit = DigitOf(Peek(Sddl));
        if (Digit >= Base) {
            break;
        }
        Value = Value * Base + Digit;
        if (Value > MAXULONG) {
            return FALSE;
        }
    }
    *Number = (ULONG)Value;
    return Digits != 0;
}

/* Words in a row, or one number, up to the next semicolon. */
static BOOLEAN TakeMask(PSDDL Sddl, const SDDL_WORD *Words, ULONG Count, PULONG Mask)
{
    const SDDL_WORD *Word;
    *Mask = 0;
    if (Peek(Sddl) >= '0' && Peek(Sddl) <= '9') {
        return TakeNumber(Sddl, Mask) && Take(Sddl, ';');
    }
    while ((Word = TakeWord(Sddl, Words, Count)) != NULL) {
        *Mask |= Word->Value;
    }
    return Take(Sddl, ';');
}

/* The authority is a number of 48 bits with its highest byte first, the parts are the processor's.
 */
static void PutSid(PSDDL Sddl, ULONG Authority, const ULONG *Parts, ULONG Count)
{
    UCHAR Header[8] = {1,
                       (UCHAR)Count,
                       0,
                       0,
                       (UCHAR)(Authority >> 24),
                       (UCHAR)(Authority >> 16),
                       (UCHAR)(Authority >> 8),
                       (UCHAR)Authority};
    Put(Sddl, Header, sizeof(Header));
    Put(Sddl, Parts, Count * (ULONG)sizeof(ULONG));
}

/* Two letters, or S-1-authority-part-part... */
static BOOLEAN TakeSid(PSDDL Sddl)
{
    ULONG Parts[SID_MOST_PARTS], Count = 0, Revision, Authority;
    if (Sddl->End - Sddl->At > 2 && Sddl->At[0] == 'S' && Sddl->At[1] == '-') {
        Sddl->At += 2;
        if (!TakeNumber(Sddl, &Revision) || Revision != 1 || !Take(Sddl, '-') ||
            !TakeNumber(Sddl, &Authority)) {
            return FALSE;
        }
        while (Take(Sddl, '-')) {
            if (Count == SID_MOST_PARTS || !TakeNumber(Sddl, &Parts[Count++])) {
                return FALSE;
            }
        }
        PutSid(Sddl, Authority, Parts, Count);
        return Count != 0;
    }
    const SDDL_WORD *Word = TakeWord(Sddl, Sids, ARRAYSIZE(Sids));
    if (Word == NULL) {
        return FALSE;
    }
    if (Word->Value & BUILT_IN) {
        Parts[Count++] = 32;
    }
    Parts[Count++] = Word->Value & 0xFFFF;
    PutSid(Sddl, (Word->Value & ~BUILT_IN) >> 16, Parts, Count);
    return TRUE;
}

/* After the opening parenthesis. */
static BOOLEAN TakeEntry(PSDDL Sddl)
{
    ULONG Start = Sddl->Used, Flags;
    IOP_ALLOW_ACE Ace = {0, 0, 0, 0};
    if (!Take(Sddl, 'A') || !Take(Sddl, ';') ||
        !TakeMask(Sddl, Inheritance, ARRAYSIZE(Inheritance), &Flags) ||
        !TakeMask(Sddl, Rights, ARRAYSIZE(Rights), &Ace.Mask) || !Take(Sddl, ';') ||
        !Take(Sddl, ';')) {
        return FALSE;
    }
    Ace.Flags = (UCHAR)Flags;
    Put(Sddl, &Ace, sizeof(Ace));
    if (!TakeSid(Sddl) || !Take(Sddl, ')')) {
        return FALSE;
    }
    if (!Sddl->Full) {
        Ace.Size = (USHORT)(Sddl->Used - Start);
        RtlCopyMemory(Sddl->Buffer + Start, &Ace, sizeof(Ace));
    }
    return TRUE;
}

static BOOLEAN TakeListFlags(PSDDL Sddl, PUSHORT Control)
{
    static const SDDL_WORD Words[] = {{{'A', 'I'}, SD_DACL_AUTO_INHERITED},
                                      {{'A', 'R'}, SD_DACL_AUTO_INHERIT_REQUIRED}};
    const SDDL_WORD *Word;
    while (Sddl->At < Sddl->End && Peek(Sddl) != '(') {
        if (Take(Sddl, 'P')) {
            *Control |= SD_DACL_PROTECTED;
        } else if ((Word = TakeWord(Sddl, Words, ARRAYSIZE(Words))) != NULL) {
            *Control |= (USHORT)Word->Value;
        } else {
            return FALSE;
        }
    }
    return TRUE;
}

NTSTATUS IopParseSddl(PCUNICODE_STRING Text, PUCHAR Buffer, ULONG Room, PULONG Size)
{
    SDDL Sddl = {Text->Buffer, Text->Buffer + Text->Length / sizeof(WCHAR), Buffer, Room, 0, FALSE};
    IOP_SD_HEADER Header = {SD_REVISION,   0, SD_DACL_PRESENT | SD_SELF_RELATIVE, 0, 0, 0,
                            sizeof(Header)};
    IOP_ACL_HEADER Acl = {ACL_REVISION, 0, 0, 0, 0};
    Put(&Sddl, &Header, sizeof(Header));
    Put(&Sddl, &Acl, sizeof(Acl));
    if (Text->Length == 0 || !Take(&Sddl, 'D') || !Take(&Sddl, ':') ||
        !TakeListFlags(&Sddl, &Header.Control)) {
        return STATUS_INVALID_PARAMETER;
    }
    while (Take(&Sddl, '(')) {
        if (!TakeEntry(&Sddl)) {
            return STATUS_INVALID_PARAMETER;
        }
        Acl.Count++;
    }
    if (Sddl.At != Sddl.End) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Sddl.Full) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    Acl.Size = (USHORT)(Sddl.Used - sizeof(Header));
    RtlCopyMemory(Buffer, &Header, sizeof(Header));
    RtlCopyMemory(Buffer + sizeof(Header), &Acl, sizeof(Acl));
    *Size = Sddl.Used;
    return STATUS_SUCCESS;
}
