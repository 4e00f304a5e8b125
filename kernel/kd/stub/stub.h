/*
 * stub.h - private to the stub: what its files offer each other. All of it runs on one processor at
 * a time, the owner of the stop (ke/debugger.c), with interrupts off and, as far as they answer,
 * all others standing still: nothing has a lock.
 */
#ifndef KDP_STUB_H
#define KDP_STUB_H

#include "ke.h"
#include "debugger.h"
#include "kd.h"
#include "packet.h"

/* What an error answer says: Linux's numbers, which gdb's users may know. */
#define KDP_ERROR_REQUEST "E16"   /* EINVAL: not understood */
#define KDP_ERROR_ADDRESS "E0e"   /* EFAULT: no memory there, or a fault */
#define KDP_ERROR_NO_ROOM "E1c"   /* ENOSPC */
#define KDP_ERROR_NO_THREAD "E03" /* ESRCH */

typedef struct _KDP_SESSION {
    KD_STOP Stop;         /* why the machine stands */
    ULONG Chosen;         /* the processor whose registers are asked for */
    ULONG StepChosen;     /* Hc: the one that s steps */
    BOOLEAN Unsure;       /* it stands for bytes that may be noise */
    BOOLEAN NoAcks;       /* QStartNoAckMode */
    BOOLEAN LastAckDue;   /* ... whose own answer is acknowledged still */
    BOOLEAN KnowsSwbreak; /* gdb: a breakpoint's address is that of its instruction */
    BOOLEAN WantsOutput;  /* monitor set dbgprint on */
    BOOLEAN Finished;     /* the machine goes on, as Resume says */
    KD_RESUME Resume;
    KDP_PACKET Packet;
    KDP_REPLY Reply;
} KDP_SESSION;
extern KDP_SESSION KdpSession;

/* gdb counts threads from 1; a processor is one. */
static inline ULONG KdpThreadOf(ULONG Processor)
{
    return Processor + 1;
}
/* Takes a thread's number off *At; FALSE: it is none of a processor that stands still. 0 and -1,
 * "any" and "all", give Any. */
BOOLEAN KdpTakeThread(const CHAR **At, ULONG Any, ULONG *Processor);

/* port.c: somebody has come, or gone. */
void KdpSetPresent(BOOLEAN Present);

/* session.c */
/* Forgets a gdb that is gone: its breakpoints, and how it talked. */
void KdpEndSession(void);
/* Appends why the machine stands, as gdb wants to read it. */
void KdpAddStopReply(void);

/* transport.c */
/* Sends Reply as a packet of its own. */
void KdpSendReply(void);
/* Waits for the next good packet. FALSE: none came for a long time, and nobody is known to be
 * there. */
BOOLEAN KdpReceivePacket(void);
/* The session ends: an NMI that comes soon may be for what it has read already. */
void KdpNoteActivity(void);

/* registers.c: g, G, p, P; At stands behind the letter. */
void KdpReadRegisters(PKD_PROCESSOR Processor);
void KdpWriteRegisters(PKD_PROCESSOR Processor, const CHAR *At);
void KdpReadRegister(PKD_PROCESSOR Processor, const CHAR *At);
void KdpWriteRegister(PKD_PROCESSOR Processor, const CHAR *At);
/* "06:0123...;" of one register, for a stop reply. */
void KdpAddExpedited(PKD_PROCESSOR Processor, ULONG Number);
/* Their description for gdb. */
const CHAR *KdpTargetDescription(void);

/* memory.c: m, M, X. */
void KdpReadMemory(const CHAR *At);
void KdpWriteMemory(const CHAR *At);
void KdpWriteBinary(CHAR *At, SIZE_T Length);

/* breakpoints.c: Z and z; At stands behind the letter. */
void KdpSetBreakpoint(const CHAR *At);
void KdpClearBreakpoint(const CHAR *At);
void KdpRemoveAllBreakpoints(void);
/* Appends what the debug register of that number has watched. */
void KdpAddHardwareReason(ULONG Number);

/* query.c: packets that begin with q or Q. */
void KdpQuery(const CHAR *At);
/* monitor.c: qRcmd. */
void KdpMonitor(const CHAR *At);

#endif
