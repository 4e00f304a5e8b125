/*
 * Promise: texts of security descriptors become the bytes that Windows makes of them; every other
 * text is refused, and none is read or written beyond its end. What a descriptor gives to the
 * System is what its list says of those that the System is, and what its owner always has.
 * unit-sources: kernel/io/sddl.c kernel/io/dacl.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/io/sddl.h"

static int Failures;
#define CHECK(e) ((e) ? (void)0 : (void)(Failures++, printf("line %d: %s\n", __LINE__, #e)))

/* The text in memory of its own, so that the sanitizer sees what is read behind it. */
static NTSTATUS Parse(const char *Text, UCHAR *Out, ULONG Room, ULONG *Size)
{
    size_t Length = strlen(Text);
    WCHAR *Wide = malloc(Length * 2 + 2);
    UCHAR *Exact = malloc(Room + 1);
    for (size_t i = 0; i < Length; i++) {
        Wide[i] = (UCHAR)Text[i];
    }
    WCHAR *Tight = malloc(Length != 0 ? Length * 2 : 1);
    memcpy(Tight, Wide, Length * 2);
    UNICODE_STRING String = {(USHORT)(Length * 2), (USHORT)(Length * 2), Tight};
    NTSTATUS Status = IopParseSddl(&String, Exact, Room, Size);
    if (NT_SUCCESS(Status)) {
        memcpy(Out, Exact, *Size);
    }
    free(Tight);
    free(Exact);
    free(Wide);
    return Status;
}

static const char *const Bad[] = {
    "",
    "D",
    "D:Q",
    "d:P",
    "P",
    "D:P(",
    "D:P()",
    "D:P(A;;GA;;;SY",
    "D:P(A;;GA;;;XX)",
    "D:P(D;;GA;;;SY)",
    "D:P(A;;GZ;;;SY)",
    "D:P(A;;GA;;SY)",
    "D:P(A;;GA;;;SY))",
    "D:P(A;XX;GA;;;SY)",
    "D:P(A;;0x100000000;;;SY)",
    "D:P(A;;0x;;;SY)",
    "D:P(A;;GA;{x};;SY)",
    "O:SYD:P",
    "D:P(A;;GA;;;S-1)",
    "D:P(A;;GA;;;S-2-5-18)",
    "D:P(A;;GA;;;S-1-5-)",
    "D:P(A;;GA;;;S-1-5)",
    "D:P(A;;GA;;;SY)S:",
    "D:P(A;;GA;;;S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16)",
    "D:P(A;;G",
};

#define OWNERS (READ_CONTROL | WRITE_DAC)

static void CheckRights(void)
{
    static const struct {
        const char *Text;
        ACCESS_MASK Rights;
    } Table[] = {
        {"D:P", OWNERS},
        {"D:P(A;;GA;;;SY)", FILE_ALL_ACCESS},
        {"D:P(A;;GR;;;SY)", FILE_GENERIC_READ | OWNERS},
        {"D:P(A;;GR;;;WD)(A;;GW;;;BA)", FILE_GENERIC_READ | FILE_GENERIC_WRITE | OWNERS},
        {"D:P(A;;GX;;;AU)", FILE_GENERIC_EXECUTE | OWNERS},
        {"D:P(A;IO;GA;;;SY)", OWNERS},
        {"D:P(A;CIOI;0x2;;;SY)", 0x2 | OWNERS},
        {"D:P(A;;GA;;;BU)(A;;GA;;;LS)(A;;GA;;;RC)(A;;GA;;;CO)", OWNERS},
        {"D:P(A;;GA;;;S-1-5-32-545)(A;;0x1;;;S-1-5-32-544)", 0x1 | OWNERS},
        {"D:P(A;;GA;;;S-1-5-21-1-2-3-500)(A;;0x4;;;S-1-5-18)", 0x4 | OWNERS},
        {"D:P(A;;GA;;;S-1-5-18-1)(A;;GA;;;S-1-2-18)", OWNERS},
    };
    for (size_t i = 0; i < sizeof(Table) / sizeof(*Table); i++) {
        UCHAR Out[IOP_SDDL_ROOM];
        ULONG Size;
        NTSTATUS Status = Parse(Table[i].Text, Out, sizeof(Out), &Size);
        UCHAR *Exact = malloc(Size);
        memcpy(Exact, Out, Size);
        if (!NT_SUCCESS(Status) || IopSystemRights(Exact) != Table[i].Rights) {
            Failures++;
            printf("%s: %x\n", Table[i].Text, (unsigned)IopSystemRights(Exact));
        }
        free(Exact);
    }
}

int main(void)
{
    static const UCHAR Expected[] = {
        1, 0, 4,  0x90, 0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, /* header */
        2, 0, 52, 0,    2, 0, 0, 0,                                         /* list */
        0, 0, 20, 0,    0, 0, 0, 0x10, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, /* GA to SY */
        0, 0, 24, 0,    0, 0, 0, 0xE0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0,
    };
    UCHAR Out[IOP_SDDL_ROOM], Other[IOP_SDDL_ROOM];
    ULONG Size, OtherSize;
    const char *Text = "D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)";
    CHECK(Parse(Text, Out, sizeof(Out), &Size) == STATUS_SUCCESS && Size == sizeof(Expected));
    CHECK(memcmp(Out, Expected, sizeof(Expected)) == 0);
    CHECK(Parse("D:P(A;;0x10000000;;;S-1-5-18)(A;;GXGWGR;;;S-1-5-32-544)", Other, sizeof(Other),
                &OtherSize) == STATUS_SUCCESS);
    CHECK(OtherSize == Size && memcmp(Other, Out, Size) == 0);
    CheckRights();
    CHECK(Parse("D:P", Out, sizeof(Out), &Size) == STATUS_SUCCESS && Size == 28);
    CHECK(Parse("D:(A;OICI;FRFW;;;WD)", Out, sizeof(Out), &Size) == STATUS_SUCCESS && Out[29] == 3);
    for (ULONG Room = 0; Room < sizeof(Expected); Room++) {
        CHECK(Parse(Text, Out, Room, &Size) == STATUS_BUFFER_TOO_SMALL);
    }
    for (size_t i = 0; i < sizeof(Bad) / sizeof(*Bad); i++) {
        if (Parse(Bad[i], Out, sizeof(Out), &Size) != STATUS_INVALID_PARAMETER) {
            Failures++;
            printf("not refused: %s\n", Bad[i]);
        }
    }
    char Cut[64];
    for (size_t Length = 0; Length < strlen(Text); Length++) {
        memcpy(Cut, Text, Length);
        Cut[Length] = 0;
        Parse(Cut, Out, sizeof(Out), &Size);
    }
    return Failures != 0;
}
