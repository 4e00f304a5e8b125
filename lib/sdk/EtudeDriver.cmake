# etude_add_driver(NAME source...): builds NAME.sys, with debug information beside it in NAME.dbg.
#
# The flags stand here, not in the toolchain file, because other targets of a project need others.
set(ETUDE_SDK ${CMAKE_CURRENT_LIST_DIR})
set(ETUDE_DRIVER_CFLAGS --target=x86_64-pc-windows-msvc -ffreestanding -fms-extensions -fasynchronous-unwind-tables
    -gdwarf-4 -O2 -Wall -Wextra)
# What of C++ needs a run-time library is not there: exceptions, type information, locks around static variables.
set(ETUDE_DRIVER_CXXFLAGS -std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics -fsized-deallocation)
set(ETUDE_DRIVER_LDFLAGS /driver /subsystem:native /entry:DriverEntry /nodefaultlib /dynamicbase /timestamp:0
    /machine:x64 /debug:dwarf)

function(etude_add_driver name)
  add_library(${name}_objects OBJECT ${ARGN})
  target_include_directories(${name}_objects SYSTEM PRIVATE ${ETUDE_SDK}/include)
  target_compile_options(${name}_objects PRIVATE ${ETUDE_DRIVER_CFLAGS}
                         "$<$<COMPILE_LANGUAGE:CXX>:${ETUDE_DRIVER_CXXFLAGS}>")
  set(image ${CMAKE_CURRENT_BINARY_DIR}/${name})
  add_custom_command(
    OUTPUT ${image}.sys ${image}.dbg
    COMMAND lld-link ${ETUDE_DRIVER_LDFLAGS} /out:${image}.dbg $<TARGET_OBJECTS:${name}_objects>
            ${ETUDE_SDK}/lib/ntoskrnl.lib ${ETUDE_SDK}/lib/hal.lib
    COMMAND llvm-objcopy --strip-all ${image}.dbg ${image}.sys
    DEPENDS ${name}_objects $<TARGET_OBJECTS:${name}_objects>
    COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${image}.sys)
endfunction()
