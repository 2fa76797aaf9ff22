include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/llmq)
install(TARGETS llmq EXPORT llmq_targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT Library NAMELINK_COMPONENT Devel)
install(TARGETS llmq_static EXPORT llmq_static_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT Devel)
install(EXPORT llmq_targets NAMESPACE llmq:: DESTINATION ${config_dir} COMPONENT Devel)
install(EXPORT llmq_static_targets NAMESPACE llmq:: DESTINATION ${config_dir} COMPONENT Devel)
install(DIRECTORY include/llmq DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT Devel)
if(LLMQ_CLI)
  # The program finds the library beside it, wherever both were put.
  file(RELATIVE_PATH bin_to_lib ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set(origin "\$ORIGIN")
  if(APPLE)
    set(origin "@loader_path")
  endif()
  if(LLMQ_PACKAGES)
    # There the system knows where libraries are, and a path of this build would leave its length in the file.
    set_target_properties(llmq_cli PROPERTIES SKIP_BUILD_RPATH ON)
  else()
    set_target_properties(llmq_cli PROPERTIES INSTALL_RPATH "${origin}/${bin_to_lib}")
  endif()
  install(TARGETS llmq_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT Tools)
endif()

set(LLMQ_STATIC_NEEDS ${llmq_libraries})
list(FILTER LLMQ_STATIC_NEEDS INCLUDE REGEX "::")
set(LLMQ_STATIC_NEEDS_CURL OFF)
if(LLMQ_HTTP AND LLMQ_LINK_CURL)
  set(LLMQ_STATIC_NEEDS_CURL ON)
endif()
list(JOIN LLMQ_STATIC_NEEDS " " LLMQ_STATIC_NEEDS)
configure_package_config_file(cmake/llmq-config.cmake.in
  ${PROJECT_BINARY_DIR}/llmq-config.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/llmq-config-version.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/llmq-config.cmake ${PROJECT_BINARY_DIR}/llmq-config-version.cmake
  DESTINATION ${config_dir} COMPONENT Devel)

# Relative to itself, so that the installation may be moved and `cmake --install --prefix` is obeyed.
file(RELATIVE_PATH LLMQ_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(dir LIBDIR INCLUDEDIR)
  set(LLMQ_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(LLMQ_PC_${dir} "${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
# What the static library needs, named outright: with Requires.private, programs that use the shared
# library would need the development packages of all that is below it.
set(libraries ${UV_LDFLAGS} ${CJSON_LDFLAGS})
if(LLMQ_STATIC_NEEDS_CURL)
  list(APPEND libraries ${CURL_LDFLAGS})
elseif(LLMQ_HTTP)
  list(TRANSFORM CMAKE_DL_LIBS PREPEND -l OUTPUT_VARIABLE dl_libraries)
  list(APPEND libraries ${dl_libraries})
endif()
if(LLMQ_CALENDAR)
  list(APPEND libraries -ldate-tz)
endif()
foreach(library ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
  if(library MATCHES "^(stdc\\+\\+|c\\+\\+|m)$")
    list(APPEND libraries -l${library})
  endif()
endforeach()
list(APPEND libraries -pthread)
list(REMOVE_DUPLICATES libraries)
list(JOIN libraries " " LLMQ_PC_LIBS_PRIVATE)
foreach(name llmq llmq-static)
  configure_file(pkgconfig/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT Devel)
endforeach()

if(TARGET manual)
  set(page_end "")
  if(LLMQ_PACKAGES)
    set(page_end .gz)
  endif()
  install(DIRECTORY ${PROJECT_BINARY_DIR}/manual/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
    COMPONENT Tools OPTIONAL FILES_MATCHING PATTERN "*.1${page_end}")
  install(DIRECTORY ${PROJECT_BINARY_DIR}/manual/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man3
    COMPONENT Devel OPTIONAL FILES_MATCHING PATTERN "*.3${page_end}")
  install(FILES ${PROJECT_BINARY_DIR}/manual/llmq.bash RENAME llmq
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT Tools OPTIONAL)
  install(FILES ${PROJECT_BINARY_DIR}/manual/_llmq
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT Tools OPTIONAL)
endif()
