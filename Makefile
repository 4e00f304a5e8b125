#? Etude: a small x86-64 kernel with the Windows NT driver model
#?
#?   make deps                   install the Debian packages that the rest needs (apt-get; sudo when not root)
#?   make                        build everything: kernel, drivers, boot disk, CD image
#?   make run                    boot to the console on this terminal; Ctrl-A X ends
#?   make demo                   play a tune, record build/demo.wav, compare the notes heard with those written
#?   make exec CMD="beep 440 500; irql"      boot, run console commands, power off; fails if one failed
#?   make trace CMD="melody play twinkle"    the same, and a picture of it: build/trace.svg, build/trace.json
#?   make debug                  boot under gdb, stopped where the kernel starts (debug-wait: for a gdb elsewhere)
#?   make analyze CRASH=file     what a crash file tells; CMD="nt stacks; nt vm" asks something, CMD=gdb stays in gdb
#?   make test                   build and run all tests; PYTEST_ARGS="-k pool" chooses; BOOT MACHINE CPU MEM: on that machine
#?   make bench                  instruction counts and times
#?   make hunt SEEDS=1000        look for races: random schedules of the debug kernel, repeatable
#?   make lint                   format, warnings, layering, style figures
#?   make sdk                    headers, import libraries and CMake files for drivers elsewhere: build/etude-sdk.tar.gz
#?   make release                image, SDK and checksums in build/release: the same bytes wherever they are made
#?   make sys NAME=beep          build one driver
#?   make clean                  remove everything built
#?
#? Variables, with what is taken when none is given (run / exec):
#?   BOOT=grub / direct          grub: the CD image, by BIOS; uefi: the same image, by UEFI; direct: QEMU loads the kernel
#?   SMP=2 / 1                   processors
#?   MEM=128M                    memory
#?   MACHINE=q35                 or pc
#?   CPU=max                     or qemu64, host (with KVM), ...
#?   ACCEL=tcg                   or kvm
#?   AUDIO=none                  or pa, alsa, ...: who plays the speaker
#?   WAV=file                    record the speaker instead
#?   DISK=file                   a disk, made if it is not there: the registry lives on in it
#?   CRASH=file                  a disk for crash files, made if it is not there; make analyze opens it
#?   EXTRA_FILES="a.sys b.rtttl" appear under c:\extra
#?   CMDLINE="..."               the kernel's command line; docs/debugging.md has its words
#?   DEBUG_PORT=1234             (or a socket's path) the kernel's own gdb stub, on COM2: "target remote :1234" in gdb
#?   QEMU_EXTRA="..."            further arguments for QEMU
#?   TIMEOUT=120                 seconds that exec and trace wait
#?   ICOUNT=1                    count instructions: every run the same
#?   KINDS="irp dpc"             what trace records; all of it if nothing is said
#?   FROM=0 TO=99                which microseconds its picture shows closely
#?   PICTURE=file                gets the picture as well
#?   SEEDS=1000 FIRST=1 JOBS=2   which schedules hunt tries, and how many at once
#?   RACE=lock / check / wake    hunt one that is there on purpose
#?   DEBUG=1                     the debug kernel, in $(O)/debug: more checks, schedules from a seed
#?   O=build                     output folder
#?   V=1                         show full commands

# What is built stands in five fragments beside what they build; all sources are found by wildcards, so a new file, driver
# or test needs no change here. All output goes below $(O).

VERSION := 0.6

O ?= build
# Both kernels can be there at once.
ifeq ($(DEBUG)$(filter %/debug,$(O)),1)
override O := $(O)/debug
endif
V ?= 0
PYTHON := /usr/bin/python3

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables

PACKAGES := binutils clang clang-format cmake g++ gcc gdb gnu-efi grub-common grub-pc-bin libc6-dev lld llvm make \
  mingw-w64-x86-64-dev mtools nasm ovmf python3 python3-numpy python3-pexpect python3-pytest \
  python3-yaml qemu-system-x86 xorriso

# As many jobs as processors; -j on the command line overrides, a parent make shares its own.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

# make obeys a variable that nobody asks for by doing nothing: a misspelt SPM=4 would give one processor, without a word. Known
# are those above, the few that only tests have, and what a makefile sets itself (UNIT_CC, say: whoever names it means it).
SETTINGS := BOOT SMP MEM MACHINE CPU ACCEL AUDIO WAV DISK CRASH CMDLINE EXTRA_FILES DEBUG_PORT ICOUNT QEMU_EXTRA CMD TIMEOUT \
  SEEDS FIRST JOBS KINDS FROM TO PICTURE
ifeq ($(MAKELEVEL),0)
GIVEN   := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
UNKNOWN := $(filter-out $(SETTINGS) O V DEBUG NAME RACE PYTEST_ARGS SHELL,$(filter-out -% MAKE%,$(GIVEN)))
ifneq ($(UNKNOWN),)
UNKNOWN := $(filter-out $(shell sed -n 's/^\([A-Z][A-Z_]*\) *[:?]*=.*/\1/p' Makefile */*.mk */*/*.mk),$(UNKNOWN))
endif
ifneq ($(UNKNOWN),)
$(error $(firstword $(UNKNOWN)): there is no variable of this name; "make help" lists them)
endif
endif

ifneq ($(word 2,$(MAKECMDGOALS)),)

# Several goals are done one after another ("deps test", "clean all"), each with all jobs: an order among goals is what
# people mean, and nothing of a later goal may be looked at before the earlier one is done.
.PHONY: $(MAKECMDGOALS) in-sequence
$(MAKECMDGOALS): in-sequence
	@:
in-sequence:
	@status=0; for goal in $(MAKECMDGOALS); do \
	    $(MAKE) --no-print-directory $$goal || status=$$?; \
	    [ $$status = 0 ] $(if $(findstring k,$(firstword -$(MAKEFLAGS))),|| true,|| break); \
	done; exit $$status

else

Q := $(if $(filter 1,$(V)),,@)
# $(call say,VERB,what): the one line shown for a command.
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$1' '$2')

.PHONY: all FORCE
all:
FORCE:

# $(call remember,text): body of a rule whose target changes only when text does, so that objects which depend on it are
# rebuilt when a flag, a tool or the list of files changes. make writes the text itself: no shell takes one of any length.
remember = @$(shell mkdir -p $(@D))$(file >$@.now,$(strip $1))cmp -s $@.now $@ && rm $@.now || mv $@.now $@

include kernel/kernel.mk
include boot/efi/efi.mk
include drivers/drivers.mk
include lib/sdk/sdk.mk
include iso/iso.mk
include tests/tests.mk

all: $(O)/boot/etude.elf $(O)/boot/bootdisk.cpio $(O)/etude.iso

.PHONY: help deps clean
help:
	@sed -n 's/^#? \{0,1\}//p' Makefile

# Asks apt only when something is missing.
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
deps:
	@missing=; for package in $(PACKAGES); do \
	    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q ' installed$$' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	    echo "installing$$missing"; \
	    $(SUDO) apt-get -q update && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $$missing; \
	fi

clean:
	$(call say,CLEAN,$(O))
	$(Q)rm -rf $(O)

endif
