/* exports.h - what the modules for the loader's tests export to each other and to the tests. */
#ifndef _EXPORTS_H_
#define _EXPORTS_H_

#include <ntddk.h>

/* exparith.sys: by name, by ordinal 7 only, data, and a count of what happens to it. */
NTKERNELAPI LONG NTAPI ArithAdd(LONG Left, LONG Right);
NTKERNELAPI LONG NTAPI ArithTimes(LONG Left, LONG Right);
extern __declspec(dllimport) LONG ArithAnswer;
/* DllInitialize has been called so many times in this image, DriverEntry so many, and RegistryPath
 * was right. */
NTKERNELAPI VOID NTAPI ArithQuery(PLONG Initialized, PLONG Started, PBOOLEAN PathWasRight);

/* expforward.sys: forwards to exparith.sys, to the kernel, by ordinal, and along a chain. */
NTKERNELAPI LONG NTAPI ForwardAdd(LONG Left, LONG Right);
NTKERNELAPI LONG NTAPI ForwardTimes(LONG Left, LONG Right);
NTKERNELAPI KIRQL NTAPI ForwardIrql(VOID);
NTKERNELAPI LONG NTAPI ForwardChain(LONG Left, LONG Right);
NTKERNELAPI LONG NTAPI ForwardOwn(VOID);

/* expload.sys: what ZwLoadDriver answered its DllInitialize for a driver that loads another, for
 * that other, and for one that imports from expload.sys. */
NTKERNELAPI VOID NTAPI LoadAnswers(PNTSTATUS Loaded, PNTSTATUS Again, PNTSTATUS Circle);

/* expnotify.sys: what became of what its DllInitialize has begun, waited for; and how many
 * interfaces it was told of when its registration returned. */
NTKERNELAPI VOID NTAPI NotifyAnswers(PNTSTATUS Status, PLONG Existing);

#endif
