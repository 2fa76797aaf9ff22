# Installs the build below WORK_DIR, moves it elsewhere, and builds and runs programs against it there:
# WAY pkg_config (C, shared and static) or find_package (C and C++, shared and static). See CMakeLists.txt for the rest.
cmake_minimum_required(VERSION 3.25)

# must(COMMAND...): runs it; what fails, or says something else than OUTPUT "...", ends the test.
function(must)
  cmake_parse_arguments(ARG "" "OUTPUT" "" ${ARGN})
  execute_process(COMMAND ${ARG_UNPARSED_ARGUMENTS}
    RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT code EQUAL 0 OR (DEFINED ARG_OUTPUT AND NOT out MATCHES "${ARG_OUTPUT}"))
    list(JOIN ARG_UNPARSED_ARGUMENTS " " line)
    message(FATAL_ERROR "${line}\nended with ${code} and said:\n${out}${err}")
  endif()
  set(output "${out}" PARENT_SCOPE)
endfunction()

set(answer "llmq ${VERSION}: .*chat.completion")

file(REMOVE_RECURSE ${WORK_DIR})
must(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/first)
# Nothing that was installed may know where: a package is unpacked anywhere.
file(RENAME ${WORK_DIR}/first ${WORK_DIR}/prefix)
set(prefix ${WORK_DIR}/prefix)

if(WAY STREQUAL pkg_config)
  set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
  foreach(name llmq llmq-static)
    must(${PKG_CONFIG} --modversion ${name} OUTPUT "^${VERSION}\n$")
  endforeach()
  must(${PKG_CONFIG} --cflags --libs llmq)
  separate_arguments(shared UNIX_COMMAND "${output}")
  must(${PKG_CONFIG} --static --cflags --libs llmq)
  separate_arguments(with_private UNIX_COMMAND "${output}")
  must(${PKG_CONFIG} --cflags --libs llmq-static)
  separate_arguments(static UNIX_COMMAND "${output}")
  if(NOT static MATCHES "/libllmq\\.a;" OR static MATCHES "-lllmq")
    message(FATAL_ERROR "llmq-static is not the archive: ${static}")
  endif()
  foreach(way shared with_private static)
    must(${C_COMPILER} -std=c99 -pedantic -Wall -Wextra -Werror ${FLAGS}
      ${SOURCE_DIR}/consumer/program.c -o ${WORK_DIR}/${way} ${${way}} -Wl,-rpath,${prefix}/${LIBDIR})
    must(${WORK_DIR}/${way} OUTPUT "${answer}")
  endforeach()
else()
  must(${CMAKE_COMMAND} -S ${SOURCE_DIR}/consumer -B ${WORK_DIR}/build -G ${GENERATOR}
    -DCMAKE_PREFIX_PATH=${prefix} -DEXPECTED_VERSION=${VERSION}
    -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
    -DCMAKE_C_FLAGS=${FLAGS} -DCMAKE_CXX_FLAGS=${FLAGS})
  must(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
  foreach(program c_shared c_static cpp_shared cpp_static)
    must(${WORK_DIR}/build/${program} OUTPUT "${answer}")
  endforeach()
endif()

if(EXISTS ${prefix}/bin/llmq)
  must(${prefix}/bin/llmq --version OUTPUT "${VERSION}")
endif()
