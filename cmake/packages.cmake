# Packages, by CPack (./dev package): the library, what builds against it, and the program, as .deb or .rpm. The three
# components are those of install.cmake.
set(CPACK_GENERATOR ${LLMQ_PACKAGES})
set(CPACK_PACKAGE_NAME llmq)
set(CPACK_PACKAGE_VENDOR "The llmq authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "quotas, queue and retries for calls to LLM APIs")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_COMPONENTS_ALL Library Devel Tools)
set(CPACK_STRIP_FILES ON)
# The one who answers for the packages is the one who signed the changelog.
set(changelog ${PROJECT_SOURCE_DIR}/packaging/debian/changelog)
file(STRINGS ${changelog} signature REGEX "^ -- " LIMIT_COUNT 1)
string(REGEX REPLACE "^ -- (.*>)  .*" "\\1" CPACK_PACKAGE_CONTACT "${signature}")

set(text "llmq is the engine inside programs that call LLM APIs. It starts each call
at the earliest moment that every limit allows (requests, tokens and cost per
period, concurrent calls), in order of priority, tries again what deserves it,
and answers each call exactly once.
")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "${text}\nThis package holds the shared library.")
set(CPACK_COMPONENT_DEVEL_DESCRIPTION
  "${text}\nThis package holds the headers, the static library and the files for\npkg-config and CMake.")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION
  "${text}\nThis package holds the program llmq, which runs files of requests, and a mock\nprovider for tests.")

set(library libllmq${LLMQ_ABI_VERSION})
set(packaging_dir ${PROJECT_BINARY_DIR}/packaging)
if(LLMQ_PACKAGES STREQUAL DEB)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library})
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
  # dpkg-shlibdeps does not see what is opened at run time.
  if(LLMQ_HTTP AND NOT LLMQ_LINK_CURL)
    execute_process(COMMAND dpkg-query -S "*/${LLMQ_CURL_SONAME}" OUTPUT_VARIABLE owner ERROR_QUIET)
    if(NOT owner MATCHES "^([a-z0-9.+-]+)[^\n]*/${LLMQ_CURL_SONAME}\n$")
      message(FATAL_ERROR "one package must have ${LLMQ_CURL_SONAME}: ${owner}")
    endif()
    set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "${CMAKE_MATCH_1} (>= ${LLMQ_CURL_NEEDS})")
  endif()
  set(CPACK_DEBIAN_DEVEL_PACKAGE_NAME libllmq-dev)
  set(CPACK_DEBIAN_DEVEL_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_DEVEL_PACKAGE_DEPENDS "${library} (= ${PROJECT_VERSION}-1)")
  # For the static library alone.
  set(CPACK_DEBIAN_DEVEL_PACKAGE_SUGGESTS
    "libuv1-dev, libcjson-dev, libhowardhinnant-date-dev")
  set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME llmq)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
  # It is in no package yet when dpkg-shlibdeps asks whose it is.
  set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "${library} (>= ${PROJECT_VERSION})")

  # What Debian's tools read of a library: which package has it, and since when its symbols are there. CPack's own way
  # to write shlibs would call ldconfig besides, which the trigger does.
  set(debian_symbols "libllmq.so.${LLMQ_ABI_VERSION} ${library} #MINVER#\n")
  string(APPEND debian_symbols " LLMQ_${LLMQ_ABI_VERSION}@LLMQ_${LLMQ_ABI_VERSION} 0.1.0\n")
  foreach(line ${symbol_lines})
    string(REGEX MATCH "^([a-z0-9_]+) ([0-9.]+)" _ "${line}")
    string(APPEND debian_symbols " ${CMAKE_MATCH_1}@LLMQ_${LLMQ_ABI_VERSION} ${CMAKE_MATCH_2}.0\n")
  endforeach()
  file(CONFIGURE OUTPUT ${packaging_dir}/symbols CONTENT "${debian_symbols}" @ONLY)
  file(CONFIGURE OUTPUT ${packaging_dir}/shlibs
    CONTENT "libllmq ${LLMQ_ABI_VERSION} ${library} (>= ${PROJECT_VERSION})\n" @ONLY)
  configure_file(packaging/debian/triggers ${packaging_dir}/triggers COPYONLY)
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA
    ${packaging_dir}/symbols ${packaging_dir}/shlibs ${packaging_dir}/triggers)
  set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

  add_custom_command(OUTPUT ${packaging_dir}/changelog.Debian.gz
    COMMAND gzip -9n < ${changelog} > ${packaging_dir}/changelog.Debian.gz DEPENDS ${changelog} VERBATIM)
  add_custom_target(debian_changelog ALL DEPENDS ${packaging_dir}/changelog.Debian.gz)
  file(READ LICENSE license)
  file(READ packaging/NOTICE notice)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS LICENSE packaging/NOTICE)
  file(CONFIGURE OUTPUT ${packaging_dir}/copyright CONTENT "llmq\n\n${license}\n${notice}" @ONLY)
  set(notes ${packaging_dir}/copyright ${packaging_dir}/changelog.Debian.gz)
else()
  set(CPACK_RPM_COMPONENT_INSTALL ON)
  set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
  set(CPACK_RPM_PACKAGE_LICENSE "MIT AND BSD-3-Clause") # packaging/NOTICE
  set(CPACK_RPM_LIBRARY_PACKAGE_NAME llmq-libs)
  set(CPACK_RPM_DEVEL_PACKAGE_NAME llmq-devel)
  set(CPACK_RPM_TOOLS_PACKAGE_NAME llmq)
  # Not found by rpm, as it is opened at run time.
  if(LLMQ_HTTP AND NOT LLMQ_LINK_CURL)
    set(CPACK_RPM_LIBRARY_PACKAGE_REQUIRES ${LLMQ_CURL_SONAME})
    if(CMAKE_SIZEOF_VOID_P EQUAL 8)
      string(APPEND CPACK_RPM_LIBRARY_PACKAGE_REQUIRES "()(64bit)")
    endif()
  endif()
  set(CPACK_RPM_DEVEL_PACKAGE_REQUIRES "llmq-libs = ${PROJECT_VERSION}")
  # Same sources, same bytes: no clock and no host.
  set(CPACK_RPM_SPEC_MORE_DEFINE "%define use_source_date_epoch_as_buildtime 1
%define clamp_mtime_to_source_date_epoch 1
%define _buildhost localhost
%define _build_id_links none")
  set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/share/man /usr/share/man/man1 /usr/share/man/man3
    /usr/share/bash-completion /usr/share/bash-completion/completions /usr/share/zsh
    /usr/share/zsh/vendor-completions /usr/lib64/cmake /usr/lib64/pkgconfig)
  set(notes LICENSE packaging/NOTICE)
endif()

# Each package tells its licence, and its history, where its distribution looks for them.
foreach(names "Library ${library} llmq-libs" "Devel libllmq-dev llmq-devel" "Tools llmq llmq")
  separate_arguments(names)
  list(GET names 0 component)
  list(GET names 1 package)
  if(LLMQ_PACKAGES STREQUAL RPM)
    list(GET names 2 package)
  endif()
  install(FILES ${notes} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
endforeach()
include(CPack)
