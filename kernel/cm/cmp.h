/* cmp.h - what the files of kernel/cm share. */
#ifndef ETUDE_CMP_H
#define ETUDE_CMP_H

#include <ntddk.h>

/* Makes the tree with \Registry, Machine and User. */
NTSTATUS CmpInitializeTree(void);

#endif
