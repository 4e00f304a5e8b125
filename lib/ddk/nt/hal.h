/* nt/hal.h - ports, buses, speaker: what the HAL gives to drivers (hal.dll). */
#include <wdm.h>

#ifndef _NT_HAL_
#define _NT_HAL_

typedef enum _INTERFACE_TYPE {
    InterfaceTypeUndefined = -1,
    Internal,
    Isa,
    Eisa,
    MicroChannel,
    TurboChannel,
    PCIBus
} INTERFACE_TYPE;

/* Port I/O is one instruction, inlined as in the WDK. Any IRQL. */
FORCEINLINE UCHAR READ_PORT_UCHAR(_In_ PUCHAR Port)
{
    UCHAR Value;
    __asm__ volatile("inb %w1, %0" : "=a"(Value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
    return Value;
}
FORCEINLINE USHORT READ_PORT_USHORT(_In_ PUSHORT Port)
{
    USHORT Value;
    __asm__ volatile("inw %w1, %0" : "=a"(Value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
    return Value;
}
FORCEINLINE ULONG READ_PORT_ULONG(_In_ PULONG Port)
{
    ULONG Value;
    __asm__ volatile("inl %w1, %0" : "=a"(Value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
    return Value;
}
FORCEINLINE VOID WRITE_PORT_UCHAR(_In_ PUCHAR Port, _In_ UCHAR Value)
{
    __asm__ volatile("outb %0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}
FORCEINLINE VOID WRITE_PORT_USHORT(_In_ PUSHORT Port, _In_ USHORT Value)
{
    __asm__ volatile("outw %0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}
FORCEINLINE VOID WRITE_PORT_ULONG(_In_ PULONG Port, _In_ ULONG Value)
{
    __asm__ volatile("outl %0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}
/* Count elements from or to one port, one after another. Any IRQL. WDK: READ_PORT_BUFFER_UCHAR and
 * so on. */
FORCEINLINE VOID READ_PORT_BUFFER_UCHAR(_In_ PUCHAR Port, _Out_ PUCHAR Buffer, _In_ ULONG Count)
{
    ULONG_PTR Left = Count;
    __asm__ volatile("rep insb"
                     : "+D"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}
FORCEINLINE VOID READ_PORT_BUFFER_USHORT(_In_ PUSHORT Port, _Out_ PUSHORT Buffer, _In_ ULONG Count)
{
    ULONG_PTR Left = Count;
    __asm__ volatile("rep insw"
                     : "+D"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}
FORCEINLINE VOID READ_PORT_BUFFER_ULONG(_In_ PULONG Port, _Out_ PULONG Buffer, _In_ ULONG Count)
{
    ULONG_PTR Left = Count;
    __asm__ volatile("rep insl"
                     : "+D"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}
FORCEINLINE VOID WRITE_PORT_BUFFER_UCHAR(_In_ PUCHAR Port, _In_ PUCHAR Buffer, _In_ ULONG Count)
{
    ULONG_PTR Left = Count;
    __asm__ volatile("rep outsb"
                     : "+S"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}
FORCEINLINE VOID WRITE_PORT_BUFFER_USHORT(_In_ PUSHORT Port, _In_ PUSHORT Buffer, _In_ ULONG Count)
{
    ULONG_PTR Left = Count;
    __asm__ volatile("rep outsw"
                     : "+S"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}
FORCEINLINE VOID WRITE_PORT_BUFFER_ULONG(_In_ PULONG Port, _In_ PULONG Buffer, _In_ ULONG Count)
{
    ULONG_PTR Left = Count;
    __asm__ volatile("rep outsl"
                     : "+S"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}

/*
 * Makes the PC speaker sound at Frequency hertz until the next call; 0 silences it.
 *
 * Returns FALSE, and changes nothing, when the timer cannot make the frequency: it divides
 * 1193182 Hz by 2 to 65535, so 19 to 795454 Hz can be had, rounded to the nearest divisor.
 * Any IRQL; waits for nothing. Each change is kept with its time in a trace that the console
 * command `tones` shows. WDK: HalMakeBeep.
 */
NTHALAPI BOOLEAN NTAPI HalMakeBeep(_In_ ULONG Frequency);

/*
 * The vector, IRQL and processors that a device's interrupt line gets, for IoConnectInterrupt.
 *
 * InterfaceType: Isa, Eisa or Internal. BusNumber: 0. BusInterruptLevel: the ISA line, 0 to 15 (2
 * is line 9, as the cascaded 8259s made it). Or PCIBus, the function's bus, and what its Interrupt
 * Line register says: right on boards, QEMU's among them, that wire that line to the I/O APIC as
 * well; elsewhere only messages interrupt (IoConnectInterruptEx). BusInterruptVector is not used.
 * The same line gets the same answer every time; different lines get different vectors, at IRQLs 3
 * to 12. The line stays masked until a driver connects. *Affinity: any processor may take it.
 * Returns 0, with *Irql and *Affinity 0, for a bus or line that does not exist here.
 * WDK: HalGetInterruptVector.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTHALAPI ULONG NTAPI HalGetInterruptVector(_In_ INTERFACE_TYPE InterfaceType, _In_ ULONG BusNumber,
                                           _In_ ULONG BusInterruptLevel,
                                           _In_ ULONG BusInterruptVector, _Out_ PKIRQL Irql,
                                           _Out_ PKAFFINITY Affinity);

#endif
