/*
 * info.c - writes the multiboot2 information that the kernel's parser reads (grub/multiboot.c).
 * Pure: what does not fit is left out, and said at the end.
 */
#include "../grub/multiboot.h"
#include "loader.h"

/* Room for a tag of Size bytes, zeroed up to the next multiple of eight; NULL: there is none. */
static void *BlAddTag(BL_INFO *Info, uint32_t Type, size_t Size)
{
    size_t Whole = (Size + 7) & ~(size_t)7;
    MULTIBOOT_TAG *Tag = (MULTIBOOT_TAG *)(Info->Buffer + Info->Used);

    if (Whole < Size || Whole > Info->Room - Info->Used) {
        Info->Overflow = 1;
        return NULL;
    }
    for (size_t i = 0; i < Whole; i++) {
        Info->Buffer[Info->Used + i] = 0;
    }
    Info->Used += Whole;
    Tag->Type = Type;
    Tag->Size = (uint32_t)Size;
    return Tag;
}

void BlBeginInfo(BL_INFO *Info, void *Buffer, size_t Room)
{
    *Info = (BL_INFO){Buffer, Room, sizeof(MULTIBOOT_INFORMATION), 0};
}

static void BlAddText(BL_INFO *Info, uint32_t Type, const char *Text)
{
    size_t Length = 0;
    MULTIBOOT_STRING *Tag;

    while (Text[Length] != 0) {
        Length++;
    }
    Tag = BlAddTag(Info, Type, sizeof(*Tag) + Length + 1);
    for (size_t i = 0; Tag != NULL && i < Length; i++) {
        Tag->Text[i] = Text[i];
    }
}

void BlAddCommandLine(BL_INFO *Info, const char *Text)
{
    BlAddText(Info, MULTIBOOT_TAG_COMMAND_LINE, Text);
}

void BlAddLoaderName(BL_INFO *Info, const char *Text)
{
    BlAddText(Info, MULTIBOOT_TAG_LOADER_NAME, Text);
}

void BlAddModule(BL_INFO *Info, uint64_t Base, uint64_t Length)
{
    MULTIBOOT_MODULE *Tag = BlAddTag(Info, MULTIBOOT_TAG_MODULE, sizeof(*Tag) + 1);

    if (Tag != NULL) {
        Tag->Start = (ULONG)Base;
        Tag->End = (ULONG)(Base + Length);
    }
}

void BlAddScreen(BL_INFO *Info, const BL_SCREEN *Screen)
{
    MULTIBOOT_FRAMEBUFFER *Tag = BlAddTag(Info, MULTIBOOT_TAG_FRAMEBUFFER, sizeof(*Tag));

    if (Tag == NULL) {
        return;
    }
    Tag->Base = Screen->Base;
    Tag->Pitch = Screen->Pitch;
    Tag->Width = Screen->Width;
    Tag->Height = Screen->Height;
    Tag->BitsPerPixel = Screen->BitsPerPixel;
    Tag->Type = MULTIBOOT_FRAMEBUFFER_RGB;
    Tag->RedShift = Screen->RedShift;
    Tag->RedBits = Screen->RedBits;
    Tag->GreenShift = Screen->GreenShift;
    Tag->GreenBits = Screen->GreenBits;
    Tag->BlueShift = Screen->BlueShift;
    Tag->BlueBits = Screen->BlueBits;
}

void BlAddRsdp(BL_INFO *Info, const void *Rsdp, int New)
{
    size_t Size = New ? 36 : 20;
    MULTIBOOT_RSDP *Tag =
        BlAddTag(Info, New ? MULTIBOOT_TAG_RSDP_NEW : MULTIBOOT_TAG_RSDP_OLD, sizeof(*Tag) + Size);

    for (size_t i = 0; Tag != NULL && i < Size; i++) {
        Tag->Copy[i] = ((const UCHAR *)Rsdp)[i];
    }
}

void BlAddMemoryMap(BL_INFO *Info, const BL_MEMORY *Memory, size_t Count)
{
    MULTIBOOT_MEMORY_MAP *Tag = BlAddTag(Info, MULTIBOOT_TAG_MEMORY_MAP,
                                         sizeof(*Tag) + Count * sizeof(MULTIBOOT_MEMORY_ENTRY));

    if (Tag == NULL) {
        return;
    }
    Tag->EntrySize = sizeof(MULTIBOOT_MEMORY_ENTRY);
    for (size_t i = 0; i < Count; i++) {
        ((MULTIBOOT_MEMORY_ENTRY *)(Tag + 1))[i] =
            (MULTIBOOT_MEMORY_ENTRY){Memory[i].Base, Memory[i].Length, Memory[i].Type, 0};
    }
}

int BlEndInfo(BL_INFO *Info)
{
    BlAddTag(Info, MULTIBOOT_TAG_END, sizeof(MULTIBOOT_TAG));
    *(MULTIBOOT_INFORMATION *)Info->Buffer = (MULTIBOOT_INFORMATION){(ULONG)Info->Used, 0};
    return !Info->Overflow;
}

size_t BlAppendMemory(BL_MEMORY *Memory, size_t Count, size_t Capacity, BL_MEMORY Range)
{
    BL_MEMORY *Last = Count == 0 ? NULL : &Memory[Count - 1];

    if (Last != NULL && Last->Type == Range.Type && Last->Base + Last->Length == Range.Base) {
        Last->Length += Range.Length;
        return Count;
    }
    if (Count < Capacity) {
        Memory[Count] = Range;
    }
    return Count < Capacity ? Count + 1 : Capacity + 1;
}
