# Drivers: PE32+ images by clang and lld-link, importing from ntoskrnl.exe and hal.dll.
#
# drivers/X/*.c makes drivers/X.sys; tests/kmt/X.c makes tests/X.sys, and so does tests/kmt/modules/X.c with X.def beside it:
# a driver that others import from. Who does says so in its first comment, "IMPORTS: X Y". X.sys is what the boot disk carries; X.dbg is the
# same image with DWARF and a symbol table, for gdb and for symbols/X.sym.

DRIVER_CC := clang
DRIVER_LD := lld-link

DRIVERS := $(sort $(patsubst drivers/%/,%,$(dir $(wildcard drivers/*/*.c))))
MODULES := $(sort $(basename $(notdir $(wildcard tests/kmt/modules/*.c))))
KMTS    := $(sort $(basename $(notdir $(wildcard tests/kmt/*.c))) $(MODULES))

# A freestanding clang drops the unwind tables (.pdata) unless told otherwise, and without them no stack can be walked through a driver.
DRIVER_CFLAGS := --target=x86_64-pc-windows-msvc -std=c11 -ffreestanding -fms-extensions -fasynchronous-unwind-tables \
  -fno-omit-frame-pointer -O2 -gdwarf-4 -ffile-prefix-map=$(CURDIR)=. -Wall -Wextra -Werror \
  -Ilib/ddk $(patsubst %,-Idrivers/%,$(DRIVERS))
DRIVER_LDFLAGS := /driver /subsystem:native /entry:DriverEntry /nodefaultlib /debug:dwarf /dynamicbase /timestamp:0 \
  /machine:x64 /opt:noref

IMPORT_LIBS := $(O)/lib/ntoskrnl.lib $(O)/lib/hal.lib
SYS         := $(DRIVERS:%=$(O)/drivers/%.sys) $(KMTS:%=$(O)/tests/%.sys)

.PHONY: sys
# `make sys NAME=beep` builds one driver or one in-guest test; without NAME, all of them.
sys: $(if $(NAME),$(or $(filter $(O)/drivers/$(NAME).sys $(O)/tests/$(NAME).sys,$(SYS)),no-such-driver),$(SYS))

.PHONY: no-such-driver
no-such-driver:
	@echo "NAME=$(NAME): neither a folder in drivers nor a .c file in tests/kmt is called so" >&2; exit 1

$(O)/flags/driver-cc: FORCE
	$(call remember,$(DRIVER_CC) $(DRIVER_CFLAGS))
$(O)/flags/driver-ld: FORCE
	$(call remember,$(DRIVER_LD) $(DRIVER_LDFLAGS))

$(O)/lib/%.lib: $(O)/gen/%.def
	$(call say,IMPLIB,$@)
	@mkdir -p $(@D)
	$(Q)llvm-dlltool -m i386:x86-64 -d $< -l $@

$(O)/obj/%.obj: %.c $(O)/flags/driver-cc
	$(call say,CLANG,$<)
	@mkdir -p $(@D)
	$(Q)$(DRIVER_CC) $(DRIVER_CFLAGS) -MMD -MP -c $< -o $@

define link_driver
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(DRIVER_LD) $(DRIVER_LDFLAGS) /out:$@ $(filter %.obj %.lib,$^)
endef

# $(call driver_rules,name): the objects of drivers/name, and of no folder below it.
define driver_rules
$(O)/drivers/$1.dbg: $$(patsubst %.c,$(O)/obj/%.obj,$$(wildcard drivers/$1/*.c)) $(IMPORT_LIBS) $(O)/flags/driver-ld
	$$(link_driver)
endef
$(foreach driver,$(DRIVERS),$(eval $(call driver_rules,$(driver))))

$(O)/tests/%.dbg: $(O)/obj/tests/kmt/%.obj $(IMPORT_LIBS) $(O)/flags/driver-ld
	$(link_driver)

# Import libraries come from the .def files, not from linking, so that modules can import from each other.
$(O)/lib/%.lib: tests/kmt/modules/%.def
	$(call say,IMPLIB,$@)
	@mkdir -p $(@D)
	$(Q)llvm-dlltool -m i386:x86-64 -d $< -l $@
$(MODULES:%=$(O)/tests/%.dbg): private DRIVER_LDFLAGS += /dll /def:tests/kmt/modules/$(*F).def /implib:$(@:.dbg=.implib)
$(MODULES:%=$(O)/tests/%.dbg): $(O)/tests/%.dbg: $(O)/obj/tests/kmt/modules/%.obj tests/kmt/modules/%.def $(IMPORT_LIBS) $(O)/flags/driver-ld
	$(link_driver)
# $(call import_rule,words of one line "file: * IMPORTS: X Y")
define import_rule
$(O)/tests/$(basename $(notdir $(firstword $1))).dbg: $(patsubst %,$(O)/lib/%.lib,$(wordlist 2,99,$1))
endef
IMPORTERS := $(shell grep -H '^ \* IMPORTS: ' tests/kmt/*.c tests/kmt/modules/*.c 2>/dev/null | sed 's/: \* IMPORTS://; s/ /,/g')
comma := ,
$(foreach line,$(IMPORTERS),$(eval $(call import_rule,$(subst $(comma), ,$(line)))))

$(SYS): %.sys: %.dbg
	$(call say,STRIP,$@)
	$(Q)llvm-objcopy --strip-all $< $@

SYMBOLS := $(DRIVERS:%=$(O)/symbols/%.sym) $(KMTS:%=$(O)/symbols/%.sym)
$(DRIVERS:%=$(O)/symbols/%.sym): $(O)/symbols/%.sym: $(O)/drivers/%.dbg boot/tools/symbols.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) boot/tools/symbols.py $< $@
$(KMTS:%=$(O)/symbols/%.sym): $(O)/symbols/%.sym: $(O)/tests/%.dbg boot/tools/symbols.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) boot/tools/symbols.py $< $@

.SECONDARY:
-include $(patsubst %.c,$(O)/obj/%.d,$(wildcard drivers/*/*.c tests/kmt/*.c tests/kmt/modules/*.c))
