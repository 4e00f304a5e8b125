/*
 * registers.c - a stopped processor's registers, for gdb.
 *
 * They lie in three places: the trap frame, the FXSAVE image, and what else was kept when the
 * processor stopped. One table, in the order of the description that gdb gets, says where each one
 * is; a few that gdb wants in another form than the processor keeps are made when they are asked
 * for. Segments and system registers are for looking only.
 */
#include "stub.h"

typedef enum _KDP_HOME {
    HomeFrame,     /* KTRAP_FRAME */
    HomeFx,        /* the FXSAVE image */
    HomeProcessor, /* KD_PROCESSOR; read-only */
    HomeTag        /* the FPU's tag word, from its short form; read-only */
} KDP_HOME;

typedef struct _KDP_REGISTER {
    UCHAR Home;
    UCHAR Size; /* bytes to gdb */
    UCHAR Kept; /* bytes that are there; the rest is zero */
    USHORT Offset;
} KDP_REGISTER;

#define LARGEST_REGISTER 16
#define FX_CONTROL 0 /* offsets in the FXSAVE image */
#define FX_STATUS 2
#define FX_TAG 4
#define FX_OPCODE 6
#define FX_CODE 8
#define FX_DATA 16
#define FX_STACK 32
#define FX_XMM 160
#define FIRST_XMM 40 /* number of xmm0 */
#define FRAME_XMMS 6 /* as many are in the trap frame, too */

/* clang-format off */
#define FRAME(Field) {HomeFrame, 8, 8, offsetof(KTRAP_FRAME, Field)}
#define FRAME4(Field) {HomeFrame, 4, 4, offsetof(KTRAP_FRAME, Field)}
#define SEGMENT(Field) {HomeProcessor, 4, 4, offsetof(KD_PROCESSOR, Field)}
#define SYSTEM(Field) {HomeProcessor, 8, 8, offsetof(KD_PROCESSOR, Field)}
#define STACK(i) {HomeFx, 10, 10, FX_STACK + 16 * (i)}
#define FX(Offset, Kept) {HomeFx, 4, Kept, Offset}
#define XMM(i) {HomeFx, 16, 16, FX_XMM + 16 * (i)}

static const KDP_REGISTER Registers[] = {
    FRAME(Rax), FRAME(Rbx), FRAME(Rcx), FRAME(Rdx), FRAME(Rsi), FRAME(Rdi), FRAME(Rbp), FRAME(Rsp),
    FRAME(R8), FRAME(R9), FRAME(R10), FRAME(R11), FRAME(R12), FRAME(R13), FRAME(R14), FRAME(R15),
    FRAME(Rip), FRAME4(EFlags), FRAME4(SegCs), FRAME4(SegSs),
    SEGMENT(Ds), SEGMENT(Es), SEGMENT(Fs), SEGMENT(Gs),
    STACK(0), STACK(1), STACK(2), STACK(3), STACK(4), STACK(5), STACK(6), STACK(7),
    FX(FX_CONTROL, 2), FX(FX_STATUS, 2), {HomeTag, 4, 2, FX_TAG},
    FX(FX_CODE + 4, 2), FX(FX_CODE, 4), FX(FX_DATA + 4, 2), FX(FX_DATA, 4), FX(FX_OPCODE, 2),
    XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7),
    XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15),
    FRAME4(MxCsr), SYSTEM(FsBase), SYSTEM(GsBase),
    SYSTEM(KernelGsBase), SYSTEM(Cr0), SYSTEM(Cr2), SYSTEM(Cr3), SYSTEM(Cr4), SYSTEM(Cr8), SYSTEM(Efer),
};

/* The order above. gdb wants features by these names, and knows what their registers mean; the last
 * one is ours. */
static const CHAR Description[] =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
    "<architecture>i386:x86-64</architecture><feature name=\"org.gnu.gdb.i386.core\">"
    "<flags id=\"eflags\" size=\"4\"><field name=\"CF\" start=\"0\" end=\"0\"/>"
    "<field name=\"\" start=\"1\" end=\"1\"/><field name=\"PF\" start=\"2\" end=\"2\"/>"
    "<field name=\"AF\" start=\"4\" end=\"4\"/><field name=\"ZF\" start=\"6\" end=\"6\"/>"
    "<field name=\"SF\" start=\"7\" end=\"7\"/><field name=\"TF\" start=\"8\" end=\"8\"/>"
    "<field name=\"IF\" start=\"9\" end=\"9\"/><field name=\"DF\" start=\"10\" end=\"10\"/>"
    "<field name=\"OF\" start=\"11\" end=\"11\"/><field name=\"RF\" start=\"16\" end=\"16\"/>"
    "<field name=\"AC\" start=\"18\" end=\"18\"/></flags>"
#define WIDE(Name) "<reg name=\"" Name "\" bitsize=\"64\" type=\"int64\"/>"
#define POINTER(Name, Type) "<reg name=\"" Name "\" bitsize=\"64\" type=\"" Type "\"/>"
#define SHORT(Name) "<reg name=\"" Name "\" bitsize=\"32\" type=\"int32\"/>"
#define FLOAT(Name) "<reg name=\"" Name "\" bitsize=\"80\" type=\"i387_ext\"/>"
#define FPU(Name) "<reg name=\"" Name "\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
#define VECTOR(Name) "<reg name=\"xmm" Name "\" bitsize=\"128\" type=\"vec128\"/>"
    WIDE("rax") WIDE("rbx") WIDE("rcx") WIDE("rdx") WIDE("rsi") WIDE("rdi")
    POINTER("rbp", "data_ptr") POINTER("rsp", "data_ptr")
    WIDE("r8") WIDE("r9") WIDE("r10") WIDE("r11") WIDE("r12") WIDE("r13") WIDE("r14") WIDE("r15")
    POINTER("rip", "code_ptr") "<reg name=\"eflags\" bitsize=\"32\" type=\"eflags\"/>"
    SHORT("cs") SHORT("ss") SHORT("ds") SHORT("es") SHORT("fs") SHORT("gs")
    FLOAT("st0") FLOAT("st1") FLOAT("st2") FLOAT("st3") FLOAT("st4") FLOAT("st5") FLOAT("st6") FLOAT("st7")
    FPU("fctrl") FPU("fstat") FPU("ftag") FPU("fiseg") FPU("fioff") FPU("foseg") FPU("fooff") FPU("fop")
    "</feature><feature name=\"org.gnu.gdb.i386.sse\">"
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
    "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
    "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
    "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\">"
    "<field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>"
    VECTOR("0") VECTOR("1") VECTOR("2") VECTOR("3") VECTOR("4") VECTOR("5") VECTOR("6") VECTOR("7")
    VECTOR("8") VECTOR("9") VECTOR("10") VECTOR("11") VECTOR("12") VECTOR("13") VECTOR("14") VECTOR("15")
    "<reg name=\"mxcsr\" bitsize=\"32\" type=\"int32\" group=\"vector\"/>"
    "</feature><feature name=\"org.gnu.gdb.i386.segments\">"
    WIDE("fs_base") WIDE("gs_base")
    "</feature><feature name=\"org.etude.system\">"
    WIDE("k_gs_base") WIDE("cr0") WIDE("cr2") WIDE("cr3") WIDE("cr4") WIDE("cr8") WIDE("efer")
    "</feature></target>";
/* clang-format on */

const CHAR *KdpTargetDescription(void)
{
    return Description;
}

static PVOID FindRegister(PKD_PROCESSOR Processor, const KDP_REGISTER *This)
{
    switch (This->Home) {
    case HomeFrame:
        return (PUCHAR)Processor->Frame + This->Offset;
    case HomeProcessor:
        return (PUCHAR)Processor + This->Offset;
    default:
        return Processor->Fx + This->Offset;
    }
}

/* FXSAVE keeps a bit for a register that is in use; gdb wants the processor's own two, 3 for an
 * empty one. What kind of value is in one in use gdb sees for itself. */
static USHORT FullTag(UCHAR Short)
{
    USHORT Full = 0;

    for (ULONG i = 0; i < 8; i++) {
        Full |= (Short >> i & 1) ? 0 : (USHORT)(3 << (2 * i));
    }
    return Full;
}

/* KeBugCheckEx's caller is shown at its call, not behind it: there another routine may begin. */
static void Read(PKD_PROCESSOR Processor, const KDP_REGISTER *This, UCHAR Value[LARGEST_REGISTER])
{
    PVOID From = FindRegister(Processor, This);

    memset(Value, 0, LARGEST_REGISTER);
    if (This->Home == HomeTag) {
        USHORT Tag = FullTag(*(PUCHAR)From);
        memcpy(Value, &Tag, sizeof(Tag));
    } else {
        memcpy(Value, From, This->Kept);
    }
    if (From == &Processor->Frame->Rip && Processor->Frame->Vector == KI_NO_VECTOR) {
        *(ULONG64 *)Value -= 1;
    }
}

static void AddRegister(PKD_PROCESSOR Processor, ULONG Number)
{
    UCHAR Value[LARGEST_REGISTER];

    Read(Processor, &Registers[Number], Value);
    KdpAddBytes(&KdpSession.Reply, Value, Registers[Number].Size);
}

static BOOLEAN IsWritable(ULONG Number)
{
    return (Registers[Number].Home == HomeFrame &&
            Registers[Number].Offset != offsetof(KTRAP_FRAME, SegCs) &&
            Registers[Number].Offset != offsetof(KTRAP_FRAME, SegSs)) ||
           Registers[Number].Home == HomeFx;
}

/* The way out of a trap loads the first six XMM registers from the frame, after the FXSAVE image
 * has set all of them: a new value has to be in both. */
static void WriteRegister(PKD_PROCESSOR Processor, ULONG Number, const UCHAR *Value)
{
    memcpy(FindRegister(Processor, &Registers[Number]), Value, Registers[Number].Kept);
    if (Number >= FIRST_XMM && Number < FIRST_XMM + FRAME_XMMS) {
        memcpy(Processor->Frame->Xmm[Number - FIRST_XMM], Value, Registers[Number].Kept);
    }
}

void KdpReadRegisters(PKD_PROCESSOR Processor)
{
    for (ULONG i = 0; i < ARRAYSIZE(Registers); i++) {
        AddRegister(Processor, i);
    }
}

/* All of them at once: those that cannot be written are left as they are. */
void KdpWriteRegisters(PKD_PROCESSOR Processor, const CHAR *At)
{
    UCHAR Value[LARGEST_REGISTER];

    for (ULONG i = 0; i < ARRAYSIZE(Registers) && *At != 0; i++) {
        if (!KdpTakeBytes(&At, Value, Registers[i].Size)) {
            KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
            return;
        }
        if (IsWritable(i)) {
            WriteRegister(Processor, i, Value);
        }
    }
    KdpAddText(&KdpSession.Reply, "OK");
}

void KdpReadRegister(PKD_PROCESSOR Processor, const CHAR *At)
{
    ULONG64 Number;

    if (!KdpTakeNumber(&At, &Number) || Number >= ARRAYSIZE(Registers)) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
        return;
    }
    AddRegister(Processor, (ULONG)Number);
}

void KdpWriteRegister(PKD_PROCESSOR Processor, const CHAR *At)
{
    UCHAR Value[LARGEST_REGISTER];
    ULONG64 Number;

    if (!KdpTakeNumber(&At, &Number) || Number >= ARRAYSIZE(Registers) ||
        !KdpTakeCharacter(&At, '=') || !IsWritable((ULONG)Number) ||
        !KdpTakeBytes(&At, Value, Registers[Number].Size)) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
        return;
    }
    WriteRegister(Processor, (ULONG)Number, Value);
    KdpAddText(&KdpSession.Reply, "OK");
}

void KdpAddExpedited(PKD_PROCESSOR Processor, ULONG Number)
{
    KdpAddNumber(&KdpSession.Reply, Number);
    KdpAddText(&KdpSession.Reply, ":");
    AddRegister(Processor, Number);
    KdpAddText(&KdpSession.Reply, ";");
}
