# Everything a person does with Etude. `make help` lists it.
#
# What is built stands in four fragments beside what they build; all sources are found by wildcards, so a new file, driver
# or test needs no change here. All output goes below $(O); V=1 shows full commands.

O ?= build
V ?= 0
PYTHON := /usr/bin/python3

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables

# As many jobs as processors; -j on the command line overrides, a parent make shares its own.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

ifneq ($(word 2,$(MAKECMDGOALS)),)

# Several goals are done one after another ("deps test", "clean all"), each with all jobs: an order among goals is what
# people mean, and nothing of a later goal may be looked at before the earlier one is done.
.PHONY: $(MAKECMDGOALS) in-sequence
$(MAKECMDGOALS): in-sequence
	@:
in-sequence:
	@set -e; for goal in $(MAKECMDGOALS); do $(MAKE) --no-print-directory $$goal; done

else

Q := $(if $(filter 1,$(V)),,@)
# $(call say,VERB,what): the one line shown for a command.
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$1' '$2')

.PHONY: all FORCE
all:
FORCE:

# $(call remember,text): body of a rule whose target changes only when text does, so that objects which depend on it are
# rebuilt when a flag, a tool or the list of files changes.
remember = @mkdir -p $(@D); printf '%s\n' '$(strip $1)' | cmp -s - $@ || printf '%s\n' '$(strip $1)' > $@

include kernel/kernel.mk
include drivers/drivers.mk
include iso/iso.mk
include tests/tests.mk

all: $(O)/boot/etude.elf $(O)/boot/bootdisk.cpio $(O)/etude.iso

.PHONY: clean
clean:
	$(call say,CLEAN,$(O))
	$(Q)rm -rf $(O)

endif
