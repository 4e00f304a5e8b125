/*
 * nt/io_interrupt.h - IoConnectInterruptEx: a device's line, or the messages it sends instead.
 *
 * The physical device object says which device is meant. There is no plug and play manager that
 * would hand it to AddDevice, so the bus driver `pci` gives each function's device object a name
 * that IoGetDeviceObjectPointer finds: \Device\PCI0000_BB_DD_F, in hexadecimal: segment, bus,
 * device and function.
 */
#include <wdm.h>

#ifndef _NT_IO_INTERRUPT_
#define _NT_IO_INTERRUPT_

typedef enum _KINTERRUPT_POLARITY {
    InterruptPolarityUnknown,
    InterruptActiveHigh,
    InterruptRisingEdge = InterruptActiveHigh,
    InterruptActiveLow,
    InterruptFallingEdge = InterruptActiveLow
} KINTERRUPT_POLARITY, *PKINTERRUPT_POLARITY;

/* MessageID: the message's index in the table. */
typedef BOOLEAN NTAPI KMESSAGE_SERVICE_ROUTINE(_In_ PKINTERRUPT Interrupt,
                                               _In_opt_ PVOID ServiceContext, _In_ ULONG MessageID);
typedef KMESSAGE_SERVICE_ROUTINE *PKMESSAGE_SERVICE_ROUTINE;

/* One message of a device: what it writes, and who hears of it. */
typedef struct _IO_INTERRUPT_MESSAGE_INFO_ENTRY {
    PHYSICAL_ADDRESS MessageAddress;
    KAFFINITY TargetProcessorSet;
    PKINTERRUPT InterruptObject;
    ULONG MessageData;
    ULONG Vector;
    KIRQL Irql;
    KINTERRUPT_MODE Mode;
    KINTERRUPT_POLARITY Polarity;
} IO_INTERRUPT_MESSAGE_INFO_ENTRY, *PIO_INTERRUPT_MESSAGE_INFO_ENTRY;

typedef struct _IO_INTERRUPT_MESSAGE_INFO {
    KIRQL UnifiedIrql; /* the highest at which a service routine runs */
    ULONG MessageCount;
    IO_INTERRUPT_MESSAGE_INFO_ENTRY MessageInfo[1];
} IO_INTERRUPT_MESSAGE_INFO, *PIO_INTERRUPT_MESSAGE_INFO;

typedef struct _IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS {
    PDEVICE_OBJECT PhysicalDeviceObject;
    PKINTERRUPT *InterruptObject;
    PKSERVICE_ROUTINE ServiceRoutine;
    PVOID ServiceContext;
    PKSPIN_LOCK SpinLock;
    KIRQL SynchronizeIrql;
    BOOLEAN FloatingSave;
    BOOLEAN ShareVector;
    ULONG Vector;
    KIRQL Irql;
    KINTERRUPT_MODE InterruptMode;
    KAFFINITY ProcessorEnableMask;
    USHORT Group;
} IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS,
    *PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS;

typedef struct _IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS {
    PDEVICE_OBJECT PhysicalDeviceObject;
    PKINTERRUPT *InterruptObject;
    PKSERVICE_ROUTINE ServiceRoutine;
    PVOID ServiceContext;
    PKSPIN_LOCK SpinLock;
    KIRQL SynchronizeIrql;
    BOOLEAN FloatingSave;
} IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS, *PIO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS;

typedef struct _IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS {
    PDEVICE_OBJECT PhysicalDeviceObject;
    union {
        PVOID *Generic;
        PIO_INTERRUPT_MESSAGE_INFO *InterruptMessageTable;
        PKINTERRUPT *InterruptObject;
    } ConnectionContext;
    PKMESSAGE_SERVICE_ROUTINE MessageServiceRoutine;
    PVOID ServiceContext;
    PKSPIN_LOCK SpinLock;
    KIRQL SynchronizeIrql;
    BOOLEAN FloatingSave;
    PKSERVICE_ROUTINE FallBackServiceRoutine;
} IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS, *PIO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS;

#define CONNECT_FULLY_SPECIFIED 0x1
#define CONNECT_LINE_BASED 0x2
#define CONNECT_MESSAGE_BASED 0x3
#define CONNECT_FULLY_SPECIFIED_GROUP 0x4
#define CONNECT_CURRENT_VERSION 0x4

typedef struct _IO_CONNECT_INTERRUPT_PARAMETERS {
    ULONG Version;
    union {
        IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS FullySpecified;
        IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS LineBased;
        IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS MessageBased;
    };
} IO_CONNECT_INTERRUPT_PARAMETERS, *PIO_CONNECT_INTERRUPT_PARAMETERS;

typedef struct _IO_DISCONNECT_INTERRUPT_PARAMETERS {
    ULONG Version;
    union {
        PVOID Generic;
        PKINTERRUPT InterruptObject;
        PIO_INTERRUPT_MESSAGE_INFO InterruptMessageTable;
    } ConnectionContext;
} IO_DISCONNECT_INTERRUPT_PARAMETERS, *PIO_DISCONNECT_INTERRUPT_PARAMETERS;

C_ASSERT(sizeof(IO_CONNECT_INTERRUPT_PARAMETERS) == 0x50);
C_ASSERT(sizeof(IO_DISCONNECT_INTERRUPT_PARAMETERS) == 0x10);
C_ASSERT(sizeof(IO_INTERRUPT_MESSAGE_INFO_ENTRY) == 0x30);
C_ASSERT(offsetof(IO_INTERRUPT_MESSAGE_INFO, MessageInfo) == 8);

/*
 * Connects a service routine to a device's interrupts. PASSIVE_LEVEL. By Parameters->Version:
 *   CONNECT_FULLY_SPECIFIED        as IoConnectInterrupt, for any device object
 *   CONNECT_FULLY_SPECIFIED_GROUP  the same with Group, which must be 0
 *   CONNECT_LINE_BASED             the line of a PCI function, shared with others of its line
 *   CONNECT_MESSAGE_BASED          every message of a PCI function, MSI-X or MSI, at most 16; they
 *                                  are on from here to the disconnect, and the function pulls no
 *                                  line meanwhile. When it can send none, and there is a
 *                                  FallBackServiceRoutine, the line is connected to that;
 *                                  Parameters->Version is CONNECT_LINE_BASED then, and
 *                                  *ConnectionContext an interrupt object.
 * The service routine runs at SynchronizeIrql, which 0 leaves to the system, holding SpinLock or,
 * if that is NULL, the object's own. FloatingSave is not needed. A function takes part in one
 * message connection or in line connections.
 *
 * STATUS_INVALID_PARAMETER: no device object that means a PCI function, an IRQL below the vector's,
 * a vector that cannot be shared. STATUS_NOT_FOUND: the device has no such interrupt.
 * STATUS_DEVICE_BUSY: connected the other way. STATUS_NOT_SUPPORTED: no such version; Version
 * receives the newest. STATUS_INSUFFICIENT_RESOURCES. WDK: IoConnectInterruptEx; book ch. 6.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoConnectInterruptEx(
    _Inout_ PIO_CONNECT_INTERRUPT_PARAMETERS Parameters);

/* The reverse, with the Version and what the connection gave; no service routine of it runs any
 * more when this returns, and a message table is gone. PASSIVE_LEVEL. WDK:
 * IoDisconnectInterruptEx. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI VOID NTAPI IoDisconnectInterruptEx(_In_ PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters);

#endif
