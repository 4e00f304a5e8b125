/*
 * console.c - the console's thread: a terminal on COM1, through the serial driver like anybody
 * else.
 *
 * One system thread opens \??\COM1 by the same services a driver would use, reads bytes from it,
 * and runs a command when a line is complete. Output of commands goes out on the same handle. When
 * the driver is missing or fails, the console says so on the debug port, which is what output falls
 * back to; there is nothing to read from then and the thread ends.
 *
 * Started for `exec` (command line of the kernel), it runs the boot disk's script instead and ends
 * the emulator with a value that tells whether everything succeeded.
 */
#include "ke.h"
#include "ps.h"
#include "hal.h"
#include "io.h"
#include "console.h"
#include "words.h"

/* QEMU ends with (value << 1) | 1: 33 and 35, and 37 after a bugcheck (ke/bugcheck.c). */
#define EXIT_SUCCESS_VALUE 0x10
#define EXIT_FAILURE_VALUE 0x11
#define READ_CHUNK 128
#define WRITE_CHUNK 256 /* bytes of one write request, on the stack */

static PLOADER_BLOCK KdpLoaderBlock;

/* The port failed: say so once, and use the debug port from now on. */
static void AbandonPort(PKD_CONSOLE Console, const char *Verb, NTSTATUS Status)
{
    HANDLE Port = Console->Port;
    const char *Name = KdStatusName(Status);

    Console->Port = NULL;
    ZwClose(Port);
    KdPrintf("\nconsole: COM1 cannot be %s: 0x%08X %s\n", Verb, Status, Name == NULL ? "" : Name);
}

/* The debug port makes CR LF of '\n' by itself. */
static void WriteDebugPort(const CHAR *Text, SIZE_T Length)
{
    for (SIZE_T Start = 0, i = 0; i <= Length; i++) {
        if (i == Length || Text[i] == '\r') {
            KdPrintString(Text + Start, i - Start);
            Start = i + 1;
        }
    }
}

/* Sends bytes as they are, and waits until the driver has them all: the handle is synchronous, so
 * what was written is on its way when a command returns. Without memory for a request they take the
 * way that needs none; the port is as good as before. */
static void WriteBytes(PVOID Context, const CHAR *Text, SIZE_T Length)
{
    PKD_CONSOLE Console = Context;
    IO_STATUS_BLOCK IoStatus;
    NTSTATUS Status;

    if (Length == 0) {
        return;
    }
    if (Console->Port == NULL) {
        KdPrintString(Text, Length);
        return;
    }
    Status = ZwWriteFile(Console->Port, NULL, NULL, NULL, &IoStatus, (PVOID)Text, (ULONG)Length,
                         NULL, NULL);
    if (Status == STATUS_INSUFFICIENT_RESOURCES) {
        WriteDebugPort(Text, Length);
    } else if (!NT_SUCCESS(Status)) {
        AbandonPort(Console, "written", Status);
    }
}

/* Requests of a whole chunk, because each costs an IRP and a trip through the driver. */
void KdConsoleWrite(PKD_CONSOLE Console, const char *Text, SIZE_T Length)
{
    CHAR Chunk[WRITE_CHUNK];
    SIZE_T Used = 0;

    if (Console->Sink != NULL) {
        Console->Sink(Text, Length);
        return;
    }
    if (Console->Port == NULL) {
        KdPrintString(Text, Length);
        return;
    }
    for (SIZE_T i = 0; i < Length; i++) {
        if (Text[i] == '\n') {
            Chunk[Used++] = '\r';
        }
        Chunk[Used++] = Text[i];
        if (Used >= sizeof(Chunk) - 1) { /* room for CR LF, which never fall apart */
            WriteBytes(Console, Chunk, Used);
            Used = 0;
        }
    }
    WriteBytes(Console, Chunk, Used);
}

/* The machine stands still, and there is no memory to be had: a longer text is cut. */
static void PrintToSink(PKD_CONSOLE Console, const char *Format, NT_VA_LIST Arguments)
{
    static CHAR Text[1024];
    SIZE_T Length = RtlFormatString(Text, sizeof(Text), Format, Arguments);

    Console->Sink(Text, min(Length, sizeof(Text) - 1));
}

/* Most texts are short and need no memory; the others are formatted once more, into what they
 * need. */
void NT_VARARGS KdConsolePrint(PKD_CONSOLE Console, const char *Format, ...)
{
    CHAR Short[128], *Text = Short;
    NT_VA_LIST Arguments;
    SIZE_T Length;

    if (Console->Sink != NULL) {
        nt_va_start(Arguments, Format);
        PrintToSink(Console, Format, Arguments);
        nt_va_end(Arguments);
        return;
    }
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    nt_va_start(Arguments, Format);
    Length = RtlFormatString(Short, sizeof(Short), Format, Arguments);
    nt_va_end(Arguments);
    if (Length >= sizeof(Short)) {
        Text = ExAllocatePool2(POOL_FLAG_PAGED, Length + 1, KDP_CONSOLE_TAG);
        if (Text == NULL) {
            /* Half a text is better than none when it is memory that people look for. */
            KdConsoleWrite(Console, Short, sizeof(Short) - 1);
            return;
        }
        nt_va_start(Arguments, Format);
        RtlFormatString(Text, Length + 1, Format, Arguments);
        nt_va_end(Arguments);
    }
    KdConsoleWrite(Console, Text, Length);
    if (Text != Short) {
        ExFreePoolWithTag(Text, KDP_CONSOLE_TAG);
    }
}

static void OpenPort(PKD_CONSOLE Console)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\??\\COM1");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Port;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    Status = ZwCreateFile(&Port, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &Attributes, &IoStatus,
                          NULL, 0, 0, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
    if (NT_SUCCESS(Status)) {
        Console->Port = Port;
    } else {
        const char *Text = KdStatusName(Status);
        KdPrintf("console: COM1 cannot be opened: 0x%08X %s\n"
                 "console: without the serial driver there is output, but no prompt\n",
                 Status, Text == NULL ? "" : Text);
    }
}

/* While a command runs nothing is read: what is typed meanwhile waits in the driver. */
static void HandleByte(PKD_CONSOLE Console, UCHAR Byte, BOOLEAN MoreFollow)
{
    switch (KdpInputByte(&Console->Line, Byte, MoreFollow)) {
    case KdpLineGoesOn:
        break;
    case KdpLineDone:
        KdpRunLine(Console, Console->Line.Text);
        KdpBeginLine(&Console->Line);
        break;
    case KdpLineAbandoned:
        KdpBeginLine(&Console->Line);
        break;
    }
}

/* Reads lines and runs them until the port fails. A read answers with what has arrived; one that
 * there was no memory for is tried again. */
static void RunPrompt(PKD_CONSOLE Console)
{
    LARGE_INTEGER Pause = {.QuadPart = -100000}; /* 10 ms */
    UCHAR Bytes[READ_CHUNK];
    IO_STATUS_BLOCK IoStatus;
    NTSTATUS Status;

    KdpBeginLine(&Console->Line);
    while (Console->Port != NULL) {
        Status = ZwReadFile(Console->Port, NULL, NULL, NULL, &IoStatus, Bytes, sizeof(Bytes), NULL,
                            NULL);
        if (Status == STATUS_INSUFFICIENT_RESOURCES) {
            KeDelayExecutionThread(KernelMode, FALSE, &Pause);
            continue;
        }
        if (!NT_SUCCESS(Status)) {
            AbandonPort(Console, "read", Status);
            return;
        }
        for (ULONG_PTR i = 0; i < IoStatus.Information; i++) {
            HandleByte(Console, Bytes[i], i + 1 < IoStatus.Information);
        }
    }
}

/* Whether all of it went well: a script whose output took another way than the driver has not. */
DECLSPEC_NORETURN static void EndScript(PKD_CONSOLE Console)
{
    BOOLEAN Success = Console->Failures == 0 && Console->Port != NULL;

    IoShutdownSystem();
    HalExitEmulator(Success ? EXIT_SUCCESS_VALUE : EXIT_FAILURE_VALUE);
}

void KdConsoleEndScript(PKD_CONSOLE Console)
{
    if (Console->Script) {
        EndScript(Console);
    }
}

static VOID NTAPI ConsoleThread(PVOID Context)
{
    PKD_CONSOLE Console = Context;

    OpenPort(Console);
    Console->Script = KdHasWord(KdpLoaderBlock->CommandLine, "exec");
    if (Console->Script) {
        KdpRunScript(Console);
        EndScript(Console);
    }
    if (Console->Port != NULL) {
        RunPrompt(Console);
    }
    ExFreePoolWithTag(Console, KDP_CONSOLE_TAG);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

void KdStartConsole(void)
{
    PKD_CONSOLE Console = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Console), KDP_CONSOLE_TAG);
    PETHREAD Thread;
    NTSTATUS Status;

    if (Console == NULL) {
        KdPrintf("console: not enough memory\n");
        return;
    }
    Console->Line.Write = WriteBytes;
    Console->Line.Complete = KdpCompleteLine;
    Console->Line.Context = Console;
    Console->Line.Prompt = KDP_PROMPT;
    /* Above what ordinary threads have, 8, so that one that spins cannot keep the prompt away. */
    Status =
        PsCreateKernelThread("Console", LOW_REALTIME_PRIORITY - 4, ConsoleThread, Console, &Thread);
    if (!NT_SUCCESS(Status)) {
        KdPrintf("console: no thread: 0x%08X\n", Status);
        ExFreePoolWithTag(Console, KDP_CONSOLE_TAG);
        return;
    }
    ObDereferenceObject(Thread);
}

void KdInitSystem(PLOADER_BLOCK LoaderBlock)
{
    KdpLoaderBlock = LoaderBlock;
}
