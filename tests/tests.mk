# Everything that is run: the machine itself, tests, and checks of the source.
#
# tests/host/qemu.py makes every QEMU command line; it reads these variables from the environment.

export O $(SETTINGS)
# Console commands reach the kernel as typed: make must not expand a dollar in them.
override CMD := $(value CMD)

.PHONY: run exec demo debug debug-wait analyze test unit bench lint
run: all
	@$(PYTHON) tests/host/qemu.py run
exec: all
	@$(PYTHON) tests/host/qemu.py exec
debug: all
	@$(PYTHON) tests/host/qemu.py debug
debug-wait: all
	@$(PYTHON) tests/host/qemu.py debug-wait
analyze: $(O)/kernel.elf
	@$(PYTHON) tests/host/qemu.py analyze
demo: all
	@$(PYTHON) tests/host/demo.py

.PHONY: trace
trace: all
	@$(PYTHON) tests/host/trace.py

# Pure code under test runs on the host, with sanitizers. A test names the sources it is linked with in a line
# "unit-sources: lib/rtl/a.c lib/rtl/b.c"; it may also include a .c file to reach what is static there.
UNIT_CC     := gcc
UNIT_CFLAGS := -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
  -fshort-wchar -fno-strict-aliasing -Wall -Wextra -Wno-multichar \
  -Wno-builtin-declaration-mismatch -Werror $(KERNEL_INCLUDES) -I.
UNITS       := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/*.c))

unit: $(UNITS)

$(O)/flags/unit: FORCE
	$(call remember,$(UNIT_CC) $(UNIT_CFLAGS))

# Sources are compiled together with the test in one command; the dependencies of all of them land in one file.
$(O)/unit/%: tests/unit/%.c $(O)/flags/unit
	$(call say,UNIT,$<)
	@mkdir -p $(@D)
	$(Q)sources=$$(sed -n 's/.*unit-sources: *\([^*]*\).*/\1/p' $<); objects=; \
	for source in $< $$sources; do \
	    object=$@.d/$$source.o; mkdir -p $${object%/*}; objects="$$objects $$object"; \
	    $(UNIT_CC) $(UNIT_CFLAGS) -MMD -MP -MT $@ -c $$source -o $$object || exit; \
	done; $(UNIT_CC) $(UNIT_CFLAGS) $$objects -o $@

# The tests want both kernels.
.PHONY: debug-build
debug-build:
	@$(MAKE) --no-print-directory DEBUG=1 all

# `make hunt SEEDS=10000 FIRST=1`; RACE=lock, check or wake hunts one that is there on purpose.
.PHONY: hunt
hunt: debug-build
	@$(PYTHON) tests/host/hunt.py $(RACE)

test: all unit benches debug-build $(O)/firmware/BUSY.EFI
	@$(PYTHON) -m pytest -q tests/host $(PYTEST_ARGS)

# Drivers that measure. They stand on no boot disk: bench.py puts them on that of its own machines.
BENCHES := $(patsubst tests/bench/%.c,$(O)/bench/%.sys,$(wildcard tests/bench/*.c))

$(O)/bench/%.dbg: $(O)/obj/tests/bench/%.obj $(IMPORT_LIBS) $(O)/flags/driver-ld
	$(link_driver)
$(BENCHES): %.sys: %.dbg
	$(call say,STRIP,$@)
	$(Q)llvm-objcopy --strip-all $< $@

-include $(patsubst tests/bench/%.c,$(O)/obj/tests/bench/%.d,$(wildcard tests/bench/*.c))

.PHONY: benches
benches: $(BENCHES)

# A firmware that does not let the loader go.
$(O)/obj/tests/firmware/%.o: tests/firmware/%.c $(O)/flags/efi-cc
	$(compile_efi)
$(O)/obj/tests/firmware/busy.so: $(O)/obj/tests/firmware/busy.o
	$(link_efi)
$(O)/firmware/BUSY.EFI: $(O)/obj/tests/firmware/busy.so
	$(convert_efi)

-include $(patsubst tests/firmware/%.c,$(O)/obj/tests/firmware/%.d,$(wildcard tests/firmware/*.c))

bench: all benches
	@$(PYTHON) tests/bench/bench.py

# The kernel's printf calls use Windows' types, so only a compiler for a Windows target can check their formats.
LINT_CC     := clang
LINT_CFLAGS := --target=x86_64-pc-windows-msvc -std=gnu11 -ffreestanding -fms-extensions -fsyntax-only -Wall -Wextra \
  -Werror -Wformat -D_NTOSKRNL_ -DDBG=1 $(KERNEL_INCLUDES)
FORMATTED   := $(wildcard $(foreach folder,boot kernel drivers lib tests,$(foreach depth,* */* */*/*, \
                 $(folder)/$(depth).c $(folder)/$(depth).h)))

$(O)/flags/lint: FORCE
	$(call remember,$(LINT_CC) $(LINT_CFLAGS))
$(O)/lint/%.ok: %.c $(O)/flags/lint
	@mkdir -p $(@D)
	$(Q)$(LINT_CC) $(LINT_CFLAGS) -MMD -MP -MT $@ -MF $(@:.ok=.d) $< && touch $@

.PHONY: lint-format lint-syntax
lint: lint-format lint-syntax
	@$(PYTHON) tests/host/lint.py
lint-format:
	$(call say,FORMAT,$(words $(FORMATTED)) files)
	$(Q)clang-format --dry-run -Werror $(FORMATTED)
lint-syntax: $(KERNEL_C:%.c=$(O)/lint/%.ok)

-include $(KERNEL_C:%.c=$(O)/lint/%.d)
-include $(shell find $(O)/unit -name '*.d' -type f 2>/dev/null)
