# What builds drivers elsewhere: headers, import libraries, a CMake toolchain and a sample, in build/etude-sdk.tar.gz. The same
# sources make the same archive: sorted, without times and owners.

SDK_FILES := $(wildcard lib/ddk/*.h lib/ddk/nt/*.h) $(wildcard lib/sdk/*.cmake lib/sdk/sample/*) docs/writing-a-driver.md LICENSE
SDK       := $(O)/sdk/etude-sdk

.PHONY: sdk
sdk: $(O)/etude-sdk.tar.gz

$(O)/flags/sdk: FORCE
	$(call remember,$(SDK_FILES))

# GNU tools look for libX.a; lld reads either name.
$(O)/etude-sdk.tar.gz: $(SDK_FILES) $(IMPORT_LIBS) lib/sdk/sdk.mk $(O)/flags/sdk
	$(call say,SDK,$@)
	$(Q)rm -rf $(SDK) && mkdir -p $(SDK)/include/nt $(SDK)/lib $(SDK)/sample
	$(Q)cp lib/ddk/*.h $(SDK)/include && cp lib/ddk/nt/*.h $(SDK)/include/nt
	$(Q)cp $(IMPORT_LIBS) $(SDK)/lib && cp lib/sdk/*.cmake LICENSE $(SDK) && cp lib/sdk/sample/* $(SDK)/sample
	$(Q)for name in ntoskrnl hal; do cp $(O)/lib/$$name.lib $(SDK)/lib/lib$$name.a; done
	$(Q)cp docs/writing-a-driver.md $(SDK)/README.md && chmod -R u=rwX,go=rX $(SDK)
	$(Q)tar -C $(dir $(SDK)) --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -cf - etude-sdk \
	    | gzip -9n > $@
