# sluice_precompile(TARGET headers…): a precompiled header for a target of many files that all read the same settings and
# messages; it halves the time of a build. Test programs have the same flags and share one, tests_precompiled.
#
# Not in a release, which therefore tells whether every file includes what it uses.
option(SLUICE_PRECOMPILE "precompiled headers" OFF)

function(sluice_precompile TARGET)
  if(SLUICE_PRECOMPILE)
    target_precompile_headers(${TARGET} PRIVATE ${ARGN})
    sluice_without_time_stamp(${TARGET})
  endif()
endfunction()

function(sluice_precompiled_like TARGET OTHER)
  if(SLUICE_PRECOMPILE)
    target_precompile_headers(${TARGET} REUSE_FROM ${OTHER})
    sluice_without_time_stamp(${TARGET})
  endif()
endfunction()

# so that ccache knows the header again
function(sluice_without_time_stamp TARGET)
  target_compile_options(${TARGET} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>)
endfunction()
