# What the kernel gets as its boot disk, and the image that boots from CD and USB, by BIOS and by UEFI.
#
# The boot disk's members by folder: drivers, tests (in-guest test drivers), music, symbols, and at the top whatever else
# stands in iso/: registry.reg, scripts.

MUSIC := $(sort $(wildcard iso/music/*))
TOP   := $(sort $(filter-out %.mk %.cfg %.md iso/music,$(wildcard iso/*)))

DISK_SYMBOLS := $(O)/symbols/kernel.sym $(SYMBOLS)
DISK_FILES   := $(SYS) $(DISK_SYMBOLS) $(MUSIC) $(TOP)
DISK_MEMBERS := $(foreach file,$(SYS) $(DISK_SYMBOLS),$(file:$(O)/%=%)=$(file)) \
  $(foreach file,$(MUSIC) $(TOP),$(file:iso/%=%)=$(file))

$(O)/flags/bootdisk: FORCE
	$(call remember,$(DISK_MEMBERS))

$(O)/boot/bootdisk.cpio: $(DISK_FILES) boot/tools/bootdisk.py $(O)/flags/bootdisk
	$(call say,CPIO,$@)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) boot/tools/bootdisk.py $@ $(O)/flags/bootdisk

ISO_FILES := $(O)/boot/etude.elf $(O)/boot/bootdisk.cpio $(O)/boot/BOOTX64.EFI
$(O)/etude.iso: $(ISO_FILES) iso/grub.cfg boot/tools/bootiso.py
	$(call say,ISO,$@)
	$(Q)$(PYTHON) boot/tools/bootiso.py $@ $(ISO_FILES)

# What people who do not build get.
RELEASE := $(O)/release/etude-$(VERSION).iso $(O)/release/etude-sdk-$(VERSION).tar.gz
.PHONY: release
release: $(O)/release/SHA256SUMS
	@cat $<
$(O)/release/etude-$(VERSION).iso: $(O)/etude.iso
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(O)/release/etude-sdk-$(VERSION).tar.gz: $(O)/etude-sdk.tar.gz
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(O)/release/SHA256SUMS: $(RELEASE)
	$(call say,SUMS,$@)
	$(Q)cd $(@D) && sha256sum $(notdir $^) > $(@F)
