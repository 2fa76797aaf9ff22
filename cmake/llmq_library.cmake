# The library: one set of objects, a shared and a static form.
add_library(llmq_objects OBJECT)
target_compile_definitions(llmq_objects PRIVATE
  LLMQ_BUILDING FMT_HEADER_ONLY SPDLOG_FMT_EXTERNAL $<$<BOOL:${LLMQ_HTTP}>:LLMQ_HAVE_HTTP=1>
  $<$<BOOL:${LLMQ_CALENDAR}>:LLMQ_HAVE_CALENDAR=1>)
target_include_directories(llmq_objects PRIVATE
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_include_directories(llmq_objects SYSTEM PRIVATE ${SPDLOG_INCLUDE_DIR})
target_link_libraries(llmq_objects PRIVATE llmq_flags PkgConfig::UV PkgConfig::CJSON Threads::Threads)
target_sources(llmq_objects PRIVATE ${PROJECT_SOURCE_DIR}/src/base/json.cc)
add_subdirectory(${PROJECT_SOURCE_DIR}/src/core)
add_subdirectory(${PROJECT_SOURCE_DIR}/src/config)
add_subdirectory(${PROJECT_SOURCE_DIR}/src/provider)
add_subdirectory(${PROJECT_SOURCE_DIR}/src/runtime)
add_subdirectory(${PROJECT_SOURCE_DIR}/capi)
set(llmq_libraries PkgConfig::UV PkgConfig::CJSON Threads::Threads)
if(LLMQ_HTTP)
  add_subdirectory(${PROJECT_SOURCE_DIR}/src/http)
  target_link_libraries(llmq_objects PRIVATE PkgConfig::CURL)
  if(LLMQ_LINK_CURL)
    list(APPEND llmq_libraries PkgConfig::CURL)
  else()
    list(APPEND llmq_libraries ${CMAKE_DL_LIBS})
  endif()
endif()

if(LLMQ_CALENDAR)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/runtime/library_versions.cc PROPERTIES
    COMPILE_DEFINITIONS LLMQ_DATE_VERSION="${date_VERSION}")
  target_link_libraries(llmq_objects PRIVATE date::date-tz)
  list(APPEND llmq_libraries date::date-tz)
endif()

# Optimised builds: the core for speed, as CMAKE_BUILD_TYPE says; what is around it moderately, and what reads
# settings, translates, or says what went wrong for size, for there nobody waits for a nanosecond. What nothing
# calls is left out.
set(optimised $<CONFIG:Release,RelWithDebInfo>)
target_compile_options(llmq_objects PRIVATE $<${optimised}:-ffunction-sections> $<${optimised}:-fdata-sections>)
get_target_property(sources llmq_objects SOURCES)
string(JOIN "|" settings api_key attempt_log calendar deployments library_versions limit_places limit_report log
  loop_change loop_ends loop_info loop_keys loop_nomem manager_deployments manager_models manager_set plan plan_run
  probe window_track)
string(JOIN "|" cold "src/(config|provider)/" "runtime/(${settings})\\.cc$" "core/engine_deployments\\.cc$"
  "http/(curl_library|failure|findings)\\.cc$" "capi/(conf|error|explain|plan|probe|version)\\.cc$")
foreach(source ${sources})
  if(source MATCHES "${cold}")
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS $<${optimised}:-Os>)
  elseif(NOT source MATCHES "src/core/")
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS $<${optimised}:-O2>)
  endif()
endforeach()

add_library(llmq SHARED $<TARGET_OBJECTS:llmq_objects>)
add_library(llmq::llmq ALIAS llmq)
target_include_directories(llmq PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set(llmq_shared_libraries ${llmq_libraries})
if(TARGET llmq_bundle_date AND LLMQ_CALENDAR)
  # A package's library needs no more than distributions of all kinds have: date-tz is inside.
  list(TRANSFORM llmq_shared_libraries REPLACE "^date::date-tz$" "${bundle}/lib/libdate-tz.a")
  add_dependencies(llmq llmq_bundle_date)
endif()
target_link_libraries(llmq PRIVATE $<BUILD_INTERFACE:llmq_flags> ${llmq_shared_libraries})
set_target_properties(llmq PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${LLMQ_ABI_VERSION}
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

# Exactly the functions of symbols.txt leave the library.
set(symbols_file ${PROJECT_SOURCE_DIR}/capi/symbols.txt)
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${symbols_file})
file(STRINGS ${symbols_file} symbol_lines REGEX "^llmq_")
set(export_names "")
set(export_names_mac "")
foreach(line ${symbol_lines})
  string(REGEX MATCH "^[a-z0-9_]+" symbol "${line}")
  string(APPEND export_names "    ${symbol};\n")
  string(APPEND export_names_mac "_${symbol}\n")
endforeach()
if(APPLE)
  set(export_map ${PROJECT_BINARY_DIR}/llmq.exports)
  file(CONFIGURE OUTPUT ${export_map} CONTENT "${export_names_mac}" @ONLY)
  target_link_options(llmq PRIVATE -Wl,-exported_symbols_list,${export_map} -Wl,-dead_strip)
elseif(WIN32)
  # LLMQ_API marks what leaves a DLL; this list holds it to the same names.
  set(export_map ${PROJECT_BINARY_DIR}/llmq.def)
  string(REPLACE ";" "" export_names_windows "${export_names}")
  file(CONFIGURE OUTPUT ${export_map} CONTENT "EXPORTS\n${export_names_windows}" @ONLY)
  target_sources(llmq PRIVATE ${export_map})
  target_link_options(llmq PRIVATE -Wl,--gc-sections)
else()
  set(export_map ${PROJECT_BINARY_DIR}/llmq.map)
  file(CONFIGURE OUTPUT ${export_map} CONTENT
    "LLMQ_${LLMQ_ABI_VERSION} {\n  global:\n${export_names}  local:\n    *;\n};\n" @ONLY)
  # nodelete: tables that live as long as the process, and libcurl's global state, are made once even if a
  # host loads and unloads the library again and again.
  target_link_options(llmq PRIVATE -Wl,--version-script=${export_map} -Wl,-z,nodelete -Wl,--gc-sections)
  if(NOT LLMQ_SANITIZE)
    target_link_options(llmq PRIVATE -Wl,--no-undefined)
  endif()
endif()
set_target_properties(llmq PROPERTIES LINK_DEPENDS ${export_map})

add_library(llmq_static STATIC $<TARGET_OBJECTS:llmq_objects>)
add_library(llmq::llmq_static ALIAS llmq_static)
set_target_properties(llmq_static PROPERTIES OUTPUT_NAME llmq ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
target_include_directories(llmq_static PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_definitions(llmq_static INTERFACE LLMQ_STATIC)
target_link_libraries(llmq_static PUBLIC ${llmq_libraries} PRIVATE $<BUILD_INTERFACE:llmq_flags>)
