# sluice_unit_test(NAME SOURCES … USES … [LIBRARIES …]): a GoogleTest program; every TEST is a ctest case with label unit.
# sluice_fuzz_target(NAME SOURCES … USES … CORPUS folder): LLVMFuzzerTestOneInput. With SLUICE_FUZZ=ON libFuzzer drives
# it; otherwise replay.cc feeds it the corpus, so that every finding of the past stays an ordinary test (label fuzz).
# Tests may use every room and nothing may use them, so no edges are checked here.
include(GoogleTest)

# Doubtful states end a test, sanitizers report and stop (base/check.h).
set(SLUICE_TEST_ENVIRONMENT
  SLUICE_BUGS_ARE_FATAL=1
  # a signal stays a signal: tests look at how processes die
  ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:handle_segv=0
  UBSAN_OPTIONS=print_stacktrace=1)

function(sluice_test_program NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_include_directories(${NAME} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/app)
  target_link_libraries(${NAME} PRIVATE ${ARG_USES} ${ARG_LIBRARIES})
  set_target_properties(${NAME} PROPERTIES FOLDER tests RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()

function(sluice_unit_test NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  sluice_test_program(${NAME} SOURCES ${ARG_SOURCES} USES ${ARG_USES} LIBRARIES ${ARG_LIBRARIES} fmt::fmt GTest::gmock GTest::gtest_main)
  sluice_precompiled_like(${NAME} tests_precompiled)
  gtest_discover_tests(${NAME} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    PROPERTIES LABELS unit TIMEOUT 60)
  # of a list of variables gtest_discover_tests() would pass on the first, so ctest sets them when it has found the tests
  set(environment ${CMAKE_CURRENT_BINARY_DIR}/${NAME}_environment.cmake)
  file(CONFIGURE OUTPUT ${environment} @ONLY CONTENT
    "if(@NAME@_TESTS)\n  set_tests_properties(\${@NAME@_TESTS} PROPERTIES ENVIRONMENT \"@SLUICE_TEST_ENVIRONMENT@\")\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${environment})
endfunction()

function(sluice_fuzz_target NAME)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;USES;LIBRARIES" ${ARGN})
  cmake_path(ABSOLUTE_PATH ARG_CORPUS BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
  if(NOT IS_DIRECTORY ${ARG_CORPUS})
    message(FATAL_ERROR "${NAME}: the corpus ${ARG_CORPUS} does not exist; a fuzz target starts with a few inputs")
  endif()
  if(SLUICE_FUZZ)
    sluice_test_program(${NAME} SOURCES ${ARG_SOURCES} USES ${ARG_USES} LIBRARIES ${ARG_LIBRARIES} -fsanitize=fuzzer)
    # a short run from a fixed seed; new inputs go to the build tree, never into the committed corpus
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/corpus/${NAME})
    add_test(NAME fuzz.${NAME} COMMAND ${NAME} -seed=1 -runs=20000 -max_total_time=30 -timeout=10
      -artifact_prefix=${CMAKE_BINARY_DIR}/corpus/${NAME}- ${CMAKE_BINARY_DIR}/corpus/${NAME} ${ARG_CORPUS})
  else()
    sluice_test_program(${NAME} SOURCES ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cc USES ${ARG_USES} LIBRARIES ${ARG_LIBRARIES})
    add_test(NAME fuzz.${NAME} COMMAND ${NAME} ${ARG_CORPUS})
  endif()
  set_tests_properties(fuzz.${NAME} PROPERTIES LABELS fuzz TIMEOUT 120 ENVIRONMENT "${SLUICE_TEST_ENVIRONMENT}")
endfunction()
