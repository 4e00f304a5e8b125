# The UEFI loader: boot/efi, linked with gnu-efi, becomes BOOTX64.EFI.

EFI_INCLUDES := -isystem /usr/include/efi -isystem /usr/include/efi/x86_64 -Ilib/ddk
EFI_LIBS     := /usr/lib
EFI_CFLAGS   := -std=gnu11 -ffreestanding -fpic -fshort-wchar -mno-red-zone -fno-stack-protector -maccumulate-outgoing-args \
  -fcf-protection=none -fno-strict-aliasing -DGNU_EFI_USE_MS_ABI -O2 -g0 -ffile-prefix-map=$(CURDIR)=. -Wall -Wextra -Werror \
  $(EFI_INCLUDES)
EFI_OBJS     := $(patsubst %.c,$(O)/obj/%.o,$(wildcard boot/efi/*.c)) $(patsubst %.asm,$(O)/obj/%.asm.o,$(wildcard boot/efi/*.asm))
# What the image keeps of the shared object that gnu-efi's linker script makes.
EFI_SECTIONS := .text .sdata .data .rodata .dynamic .dynsym .rel .rela .rel.* .rela.* .reloc

$(O)/flags/efi-cc: FORCE
	$(call remember,$(KERNEL_CC) $(EFI_CFLAGS) $(EFI_OBJS))

# Bodies of the rules of every UEFI program: of an object, of the shared object that all of them make, of the program.
define compile_efi
$(call say,EFI-CC,$<)
@mkdir -p $(@D)
$(Q)$(KERNEL_CC) $(EFI_CFLAGS) -MMD -MP -c $< -o $@
endef
define link_efi
$(call say,EFI-LD,$@)
$(Q)$(KERNEL_LD) -nostdlib -znocombreloc -shared -Bsymbolic --no-undefined -T $(EFI_LIBS)/elf_x86_64_efi.lds -o $@ \
  $(EFI_LIBS)/crt0-efi-x86_64.o $(filter %.o,$^) -L$(EFI_LIBS) -lefi -lgnuefi
endef
define convert_efi
$(call say,EFI,$@)
@mkdir -p $(@D)
$(Q)objcopy $(addprefix -j ,$(EFI_SECTIONS)) --output-target=efi-app-x86_64 $< $@
endef

$(O)/obj/boot/efi/%.o: boot/efi/%.c $(O)/flags/efi-cc
	$(compile_efi)
$(O)/obj/boot/efi/loader.so: $(EFI_OBJS) $(O)/flags/efi-cc
	$(link_efi)
$(O)/boot/BOOTX64.EFI: $(O)/obj/boot/efi/loader.so
	$(convert_efi)

-include $(patsubst %.c,$(O)/obj/%.d,$(wildcard boot/efi/*.c))
