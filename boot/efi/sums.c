/*
 * sums.c - checksums of the files, so that damage on the way is told before it is executed. The
 * list has a line for each: eight hexadecimal digits of the CRC-32 (the one of zip and Ethernet), a
 * space, the name.
 */
#include "loader.h"

#define CRC_POLYNOMIAL 0xEDB88320u

uint32_t BlCrc32(uint32_t Crc, const void *Data, size_t Size)
{
    const uint8_t *Byte = Data;
    uint32_t Table[256];

    Crc = ~Crc;
    for (uint32_t i = 0; i < 256; i++) {
        Table[i] = i;
        for (int Bit = 0; Bit < 8; Bit++) {
            Table[i] = Table[i] >> 1 ^ ((Table[i] & 1) != 0 ? CRC_POLYNOMIAL : 0);
        }
    }
    for (size_t i = 0; i < Size; i++) {
        Crc = Crc >> 8 ^ Table[(Crc ^ Byte[i]) & 0xFF];
    }
    return ~Crc;
}

static int BlHexDigit(char Character)
{
    if (Character >= '0' && Character <= '9') {
        return Character - '0';
    }
    return Character >= 'a' && Character <= 'f' ? Character - 'a' + 10 : -1;
}

/* A line from Text on: TRUE when it is of Name. */
static int BlParseLine(const char *Text, size_t Length, const char *Name, uint32_t *Sum)
{
    size_t i;

    if (Length < 10 || Text[8] != ' ') {
        return 0;
    }
    *Sum = 0;
    for (i = 0; i < 8; i++) {
        int Digit = BlHexDigit(Text[i]);

        if (Digit < 0) {
            return 0;
        }
        *Sum = *Sum << 4 | (uint32_t)Digit;
    }
    for (i = 9; i < Length && Name[i - 9] != 0 && Text[i] == Name[i - 9]; i++) {
    }
    return i == Length && Name[i - 9] == 0;
}

int BlFindSum(const char *Text, size_t Size, const char *Name, uint32_t *Sum)
{
    for (size_t Start = 0, End; Start < Size; Start = End + 1) {
        for (End = Start; End < Size && Text[End] != '\n'; End++) {
        }
        if (BlParseLine(Text + Start, End - Start, Name, Sum)) {
            return 1;
        }
    }
    return 0;
}
