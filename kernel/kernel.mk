# The kernel: one ELF64 from kernel/, boot/, lib/rtl, lib/crt and the drivers' console clients.
#
# kernel.elf has symbols and debug information; boot/etude.elf is the same image stripped, as loaders get it.

KERNEL_CC := gcc
KERNEL_LD := ld
KERNEL_AS := nasm

KERNEL_C   := $(wildcard kernel/*.c kernel/*/*.c kernel/*/*/*.c boot/*.c boot/grub/*.c boot/pvh/*.c \
                lib/rtl/*.c lib/crt/*.c drivers/*/client/*.c)
KERNEL_ASM := $(wildcard kernel/*/*.asm kernel/*/*/*.asm boot/*.asm boot/grub/*.asm boot/pvh/*.asm \
                lib/rtl/*.asm lib/crt/*.asm)
OFFSETS_C  := $(wildcard kernel/*/asmoffsets.c boot/asmoffsets.c)
KERNEL_C   := $(filter-out $(OFFSETS_C),$(KERNEL_C))
EXPORTS    := $(sort $(wildcard kernel/*/exports.lst lib/*/exports.lst))

KERNEL_INCLUDES := -Ikernel/inc -Ilib/ddk -Iboot -I$(O)/gen $(patsubst %/,-I%,$(sort $(wildcard drivers/*/)))

# Interrupt handlers save only XMM0-5, so the kernel itself never touches vector registers. Frame pointers make backtraces
# cheap; the unwind tables let an exception raised in the kernel reach a driver's handler.
# Pool tags are constants of four characters.
KERNEL_CFLAGS := -std=gnu11 -ffreestanding -nostdinc -isystem $(shell $(KERNEL_CC) -print-file-name=include 2>&1) \
  -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fshort-wchar \
  -fno-omit-frame-pointer -fasynchronous-unwind-tables -fno-strict-aliasing -fno-stack-protector -fcf-protection=none \
  -D_NTOSKRNL_ $(if $(filter 1,$(DEBUG)),-DDBG=1) -O2 -g -ffile-prefix-map=$(CURDIR)=. -Wall -Wextra -Wno-multichar -Werror $(KERNEL_INCLUDES)
KERNEL_ASFLAGS := -f elf64 -g -F dwarf -Werror -Ikernel/inc/ -I$(O)/gen/
KERNEL_LDFLAGS := -nostdlib -static -z max-page-size=0x1000 -z noexecstack --build-id=none --eh-frame-hdr \
  --orphan-handling=error -T linker.ld

KERNEL_OBJS := $(KERNEL_C:%.c=$(O)/obj/%.o) $(KERNEL_ASM:%.asm=$(O)/obj/%.asm.o) $(O)/obj/exports.o

# memcpy and its kin must not be recognised as calls of themselves.
# Nor may the debugger, which somebody's breakpoint in memcpy must not stop, be given calls of them.
$(O)/obj/lib/crt/%.o $(O)/obj/kernel/kd/stub/%.o $(O)/obj/kernel/ke/debug%.o: private KERNEL_CFLAGS += -fno-tree-loop-distribute-patterns

.PHONY: kernel kernel-objs
kernel: $(O)/boot/etude.elf
# Compiles without linking; with -k, as much as compiles.
kernel-objs: $(KERNEL_OBJS)

$(O)/flags/kernel-cc: FORCE
	$(call remember,$(KERNEL_CC) $(KERNEL_CFLAGS))
$(O)/flags/kernel-as: FORCE
	$(call remember,$(KERNEL_AS) $(KERNEL_ASFLAGS))
$(O)/flags/kernel-ld: FORCE
	$(call remember,$(KERNEL_LD) $(KERNEL_LDFLAGS))
$(O)/flags/kernel-objs: FORCE
	$(call remember,$(KERNEL_OBJS))
$(O)/flags/exports: FORCE
	$(call remember,$(EXPORTS))
$(O)/flags/offsets: FORCE
	$(call remember,$(OFFSETS_C))

$(O)/obj/%.o: %.c $(O)/flags/kernel-cc
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(KERNEL_CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@

$(O)/obj/%.asm.o: %.asm $(O)/gen/asmoffsets.inc $(O)/flags/kernel-as
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(KERNEL_AS) $(KERNEL_ASFLAGS) -MD $(@:.o=.d) -MP -MT $@ $< -o $@

# Structure offsets for assembly: the C compiler evaluates them, marked lines of its output become nasm definitions.
$(O)/gen/%.offsets.s: %.c $(O)/flags/kernel-cc
	@mkdir -p $(@D)
	$(Q)$(KERNEL_CC) $(KERNEL_CFLAGS) -g0 -MMD -MP -MT $@ -MF $@.d -S $< -o $@

$(O)/gen/asmoffsets.inc: $(OFFSETS_C:%.c=$(O)/gen/%.offsets.s) $(O)/flags/offsets
	$(call say,OFFSETS,$@)
	$(Q)cat $(filter %.s,$^) /dev/null | sed -n 's/^[[:space:]]*#->\([A-Za-z0-9_]*\) \(-\?[0-9]*\)$$/%define \1 \2/p' > $@

# Names of status values and bugcheck codes for people, from the headers that define them.
STATUS_HEADERS := lib/ddk/ntstatus.h $(wildcard lib/ddk/nt/status_*.h)
$(O)/gen/statusnames.h: $(STATUS_HEADERS) kernel/kernel.mk
	@mkdir -p $(@D)
	$(Q)sed -n 's/^#define \([A-Z0-9_]*\) ((NTSTATUS)0x.*/STATUS_NAME(\1)/p' $(STATUS_HEADERS) > $@
$(O)/gen/bugnames.h: lib/ddk/bugcodes.h kernel/kernel.mk
	@mkdir -p $(@D)
	$(Q)sed -n 's/^#define \([A-Z0-9_]*\) 0x.*/BUG_CODE(\1)/p' $< > $@
$(O)/gen/filternames.h: lib/ddk/dpfilter.h kernel/kernel.mk
	@mkdir -p $(@D)
	$(Q)sed -n '/ENDOFTABLE/d; s/^ *DPFLTR_\([A-Z0-9_]*\)_ID = .*/FILTER_COMPONENT(\1)/p' $< > $@
$(O)/obj/kernel/kd/filter.o $(O)/lint/kernel/kd/filter.ok: $(O)/gen/filternames.h
$(O)/obj/kernel/ke/bugcode.o $(O)/lint/kernel/ke/bugcode.ok: $(O)/gen/bugnames.h
$(O)/obj/kernel/kd/status.o $(O)/lint/kernel/kd/status.ok $(O)/unit/console_test: $(O)/gen/statusnames.h

# What drivers may import: one list makes the kernel's own table and the import libraries that drivers are linked with.
$(O)/gen/exports.asm $(O)/gen/ntoskrnl.def $(O)/gen/hal.def &: boot/tools/exports.py $(EXPORTS) $(O)/flags/exports
	$(call say,EXPORTS,$(O)/gen/exports.asm)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) boot/tools/exports.py $(O)/gen $(EXPORTS)

$(O)/obj/exports.o: $(O)/gen/exports.asm $(O)/flags/kernel-as
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(KERNEL_AS) $(KERNEL_ASFLAGS) $< -o $@

$(O)/kernel.elf: $(KERNEL_OBJS) linker.ld $(O)/flags/kernel-ld $(O)/flags/kernel-objs
	$(call say,LD,$@)
	$(Q)$(KERNEL_LD) $(KERNEL_LDFLAGS) -Map $(O)/kernel.map -o $@ @$(O)/flags/kernel-objs
	$(Q)objcopy --wildcard --strip-symbol '..@*' $@ # labels inside nasm's macros would name routines in backtraces

# gdb runs this when it reads kernel.elf's symbols, if its auto-load safe-path has the folder: see docs/debugging.md.
$(O)/kernel.elf-gdb.py: kernel/kernel.mk
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'import sys' 'sys.path.insert(0, "$(CURDIR)/kernel/kd/gdb")' 'import etude' 'etude.load()' > $@

$(O)/boot/etude.elf: $(O)/kernel.elf $(O)/kernel.elf-gdb.py
	$(call say,STRIP,$@)
	@mkdir -p $(@D)
	$(Q)objcopy --strip-all $< $@

$(O)/symbols/kernel.sym: $(O)/kernel.elf boot/tools/symbols.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) boot/tools/symbols.py $< $@

-include $(KERNEL_OBJS:.o=.d) $(OFFSETS_C:%.c=$(O)/gen/%.offsets.s.d)
