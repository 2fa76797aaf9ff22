# llmq_bundled: libllmq.so for packages of other languages. It carries libuv, cJSON and date-tz, hidden, so that a
# host with its own copies never meets them; libcurl stays the system's. Not part of `all`: it is made when a
# package asks for it, from the same objects as the library itself.
find_program(APT_GET apt-get)
if(APPLE OR NOT APT_GET OR LLMQ_SANITIZE)
  return()
endif()
set(bundle ${PROJECT_BINARY_DIR}/bundle)
set(archives ${bundle}/lib/libuv_a.a ${bundle}/lib/libcjson.a ${bundle}/lib/libdate-tz.a)
add_custom_command(OUTPUT ${archives}
  COMMAND ${PROJECT_SOURCE_DIR}/tools/bundle/dependencies.sh ${bundle}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/bundle/dependencies.sh
  COMMENT "Building libuv, cJSON and date-tz from Debian's sources" VERBATIM)
add_custom_target(llmq_bundle_dependencies DEPENDS ${archives})
add_library(llmq_bundled SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:llmq_objects>)
add_dependencies(llmq_bundled llmq_bundle_dependencies)
target_link_libraries(llmq_bundled PRIVATE llmq_flags ${archives} Threads::Threads ${CMAKE_DL_LIBS} rt)
if(LLMQ_HTTP)
  target_link_libraries(llmq_bundled PRIVATE PkgConfig::CURL)
endif()
get_target_property(llmq_link_options llmq LINK_OPTIONS)
target_link_options(llmq_bundled PRIVATE ${llmq_link_options})
set_target_properties(llmq_bundled PROPERTIES
  OUTPUT_NAME llmq SOVERSION ${LLMQ_ABI_VERSION} VERSION ${PROJECT_VERSION}
  LIBRARY_OUTPUT_DIRECTORY ${bundle} LINK_DEPENDS ${export_map})
