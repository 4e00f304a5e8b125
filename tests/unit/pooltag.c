/*
 * Proves that pool tags are shown and matched as people write them.
 *
 * unit-sources: kernel/ex/pooltag.c
 */
#include <stdio.h>
#include <string.h>

#include "kernel/ex/pool.h"

static int Number, Failures;

static void Check(int Held, const char *Text)
{
    printf("%sok %d - %s\n", Held ? "" : "not ", ++Number, Text);
    Failures += !Held;
}

static ULONG Tag(const char *Text)
{
    ULONG Value;

    memcpy(&Value, Text, sizeof(Value));
    return Value;
}

int main(void)
{
    char Text[5];

    ExpFormatTag(Tag("Irp "), Text);
    Check(strcmp(Text, "Irp ") == 0, "a tag is its four letters");
    ExpFormatTag(Tag("A\0\x1F\x7F"), Text);
    Check(strcmp(Text, "A...") == 0, "what cannot be printed is a dot");
    ExpFormatTag(Tag("Prot") | 0x80000000U, Text);
    Check(strcmp(Text, "Prot") == 0, "the bit of a protected tag is not shown");
    Check(ExpMatchTag(Tag("Irp "), "Irp") && ExpMatchTag(Tag("Irp "), "Irp "),
          "blanks at the end need not be written");
    Check(!ExpMatchTag(Tag("Irps"), "Irp") && !ExpMatchTag(Tag("Irp "), "irp"),
          "other letters, and other cases, are other tags");
    Check(ExpMatchTag(Tag("Irp "), "*") && ExpMatchTag(Tag("Irp "), "I*") &&
              ExpMatchTag(Tag("Irp "), "*p*") && !ExpMatchTag(Tag("Irp "), "*q*"),
          "a star is any number of letters");
    Check(ExpMatchTag(Tag("Irp1"), "Ir??") && ExpMatchTag(Tag("Irp1"), "???1") &&
              !ExpMatchTag(Tag("Irp1"), "?????"),
          "a question mark is one letter");
    Check(ExpMatchTag(Tag("a*b "), "a*b") && !ExpMatchTag(Tag("abcd"), "") &&
              ExpMatchTag(Tag("    "), ""),
          "nothing means the blank tag only");
    printf("1..%d\n", Number);
    return Failures != 0;
}
