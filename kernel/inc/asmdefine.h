/*
 * Constants for assembly, computed by the C compiler.
 *
 * A component that has assembly keeps an asmoffsets.c beside it: one function whose body is a list
 * of the macros below. The build compiles it to assembly text only, and turns each marked line into
 * a `%define` of asmoffsets.inc, which .asm files include. Names are shared by all components: use
 * the structure's name in them, such as KPCR_Self.
 */
#ifndef ETUDE_ASMDEFINE_H
#define ETUDE_ASMDEFINE_H

#include <stddef.h>

/* An integer constant expression of at most 63 bits. */
#define ASM_VALUE(Name, Value) __asm__ volatile("#->" #Name " %c0" : : "i"((long)(Value)))

/* Name becomes the offset of Member in Type. */
#define ASM_OFFSET(Name, Type, Member) ASM_VALUE(Name, offsetof(Type, Member))

#endif
