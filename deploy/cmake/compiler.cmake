# Picks clang-19 when the user has not chosen a compiler. g++ 12, Debian 12's default, miscompiles ordinary coroutine
# code (docs/coroutines.md); coroutine_bug.cmake refuses any compiler that fails the reproducer.
if(NOT DEFINED CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  find_program(SLUICE_CLANGXX NAMES clang++-19 clang++-20 clang++-21)
  find_program(SLUICE_CLANG NAMES clang-19 clang-20 clang-21)
  if(SLUICE_CLANGXX AND SLUICE_CLANG)
    set(CMAKE_CXX_COMPILER ${SLUICE_CLANGXX})
    set(CMAKE_C_COMPILER ${SLUICE_CLANG})
  else()
    message(FATAL_ERROR "Sluice needs clang 19 or newer: run deploy/install-deps (Debian: apt-get install clang-19 lld-19)")
  endif()
endif()
