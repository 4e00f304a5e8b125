/*
 * nt/sal.h - the source annotation language, as used by the WDK: every annotation is empty for
 * the compiler and is there for the reader. `_IRQL_requires_max_(DISPATCH_LEVEL)` on a
 * prototype is a promise the routine's body asserts.
 */
#ifndef _NT_SAL_
#define _NT_SAL_

#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_reads_(n)
#define _In_reads_opt_(n)
#define _In_reads_bytes_(n)
#define _In_reads_bytes_opt_(n)
#define _In_range_(a, b)
#define _Inout_
#define _Inout_opt_
#define _Inout_updates_(n)
#define _Inout_updates_bytes_(n)
#define _Inout_updates_bytes_opt_(n)
#define _Out_
#define _Out_opt_
#define _Out_writes_(n)
#define _Out_writes_opt_(n)
#define _Out_writes_bytes_(n)
#define _Out_writes_bytes_opt_(n)
#define _Out_writes_bytes_to_(n, c)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Must_inspect_result_
#define _Success_(e)
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Post_writable_byte_size_(n)
#define _When_(c, a)
#define _At_(t, a)
#define _Unreferenced_parameter_
#define _Reserved_
#define _Pre_notnull_
#define _Post_invalid_
#define _Printf_format_string_
#define _Field_size_bytes_(n)
#define _Null_terminated_
#define _Use_decl_annotations_
#define _Analysis_assume_(e)
#define _IRQL_requires_(l)
#define _IRQL_requires_max_(l)
#define _IRQL_requires_min_(l)
#define _IRQL_requires_same_
#define _IRQL_raises_(l)
#define _IRQL_saves_
#define _IRQL_restores_
#define _IRQL_saves_global_(k, p)
#define _IRQL_restores_global_(k, p)
#define _Acquires_lock_(l)
#define _Releases_lock_(l)
#define _Requires_lock_held_(l)
#define _Requires_lock_not_held_(l)
#define _Function_class_(c)
#define _Dispatch_type_(t)
#define IN
#define OUT
#define OPTIONAL

#endif
