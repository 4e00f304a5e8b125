# What `make debug` and VS Code set up in gdb besides the commands that come with the kernel's symbols.
set disassembly-flavor intel
set print pretty on
set confirm off
set breakpoint pending on
# An emulator on a busy machine may be silent for longer than the usual 2 s; gdb would take the late answer for the next one's.
set remotetimeout 30
