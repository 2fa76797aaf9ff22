# Flags that every target of this project is built with.
set(CMAKE_CXX_STANDARD_REQUIRED ON)
if(NOT CMAKE_CXX_STANDARD)
  set(CMAKE_CXX_STANDARD 17)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(WIN32)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}) # a program looks for a DLL beside itself
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# -ffp-contract=off: a run of the engine must replay alike on every platform.
add_library(llmq_flags INTERFACE)
target_compile_options(llmq_flags INTERFACE
  -Wall -Wextra -Wconversion -ffp-contract=off
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
if(MINGW)
  # Records whose size matters pack fields of several types into one word, as they do everywhere else.
  target_compile_options(llmq_flags INTERFACE -mno-ms-bitfields)
  target_compile_definitions(llmq_flags INTERFACE __USE_MINGW_ANSI_STDIO=1) # %zu
endif()
if(LLMQ_WERROR)
  target_compile_options(llmq_flags INTERFACE -Werror)
endif()
if(LLMQ_SANITIZE)
  target_compile_options(llmq_flags INTERFACE
    -fsanitize=${LLMQ_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(llmq_flags INTERFACE -fsanitize=${LLMQ_SANITIZE})
endif()
if(LLMQ_FUZZ)
  target_compile_options(llmq_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(LLMQ_COVERAGE)
  target_compile_options(llmq_flags INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(llmq_flags INTERFACE --coverage)
endif()
