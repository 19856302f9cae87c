# Runs tests/compiler/coroutine_frame.cc with the chosen compiler: a compiler that lays out or destroys coroutine frames
# wrongly would build a Sluice that crashes at random, so it is refused here with a sentence that says what to install.
if(NOT SLUICE_COMPILER_CHECKED STREQUAL "${CMAKE_CXX_COMPILER}")
  try_run(_coro_run _coro_compiles ${CMAKE_BINARY_DIR}/compiler-check
    ${CMAKE_CURRENT_SOURCE_DIR}/tests/compiler/coroutine_frame.cc
    CMAKE_FLAGS -DCMAKE_BUILD_TYPE=Debug
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
    COMPILE_OUTPUT_VARIABLE _coro_compile_output RUN_OUTPUT_VARIABLE _coro_output)
  if(NOT _coro_compiles)
    message(FATAL_ERROR "${CMAKE_CXX_COMPILER} cannot compile C++20 coroutines; use clang 19 (deploy/install-deps).\n${_coro_compile_output}")
  elseif(NOT _coro_run EQUAL 0)
    message(FATAL_ERROR "${CMAKE_CXX_COMPILER} miscompiles coroutines (${_coro_output}); use clang 19 (deploy/install-deps).")
  endif()
  message(STATUS "Coroutines: ${CMAKE_CXX_COMPILER} passes the reproducer")
  set(SLUICE_COMPILER_CHECKED ${CMAKE_CXX_COMPILER} CACHE INTERNAL "compiler that passed the coroutine reproducer")
endif()
