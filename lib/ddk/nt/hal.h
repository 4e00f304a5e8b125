/* nt/hal.h - ports, buses, speaker: what the HAL gives to drivers (hal.dll). */
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

NTHALAPI BOOLEAN NTAPI HalMakeBeep(_In_ ULONG Frequency);
NTHALAPI ULONG NTAPI HalGetInterruptVector(_In_ INTERFACE_TYPE InterfaceType, _In_ ULONG BusNumber,
                                           _In_ ULONG BusInterruptLevel,
                                           _In_ ULONG BusInterruptVector, _Out_ PKIRQL Irql,
                                           _Out_ PKAFFINITY Affinity);

#endif
