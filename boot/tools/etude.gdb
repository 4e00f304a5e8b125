# What `make debug` sets up in gdb before it gives the prompt to a person.
set disassembly-flavor intel
set print pretty on
set print asm-demangle on
set confirm off
tbreak KiSystemStartup
continue
