# What `make debug` and VS Code set up in gdb besides the commands that come with the kernel's symbols.
set disassembly-flavor intel
set print pretty on
set confirm off
set breakpoint pending on
