# llmq_bundled: libllmq.so for packages of other languages. It carries libuv, cJSON and date-tz, hidden, so that a
# host with its own copies never meets them; libcurl stays the system's. Not part of `all`: it is made when a
# package asks for it, from the same objects as the library itself.
if(NOT TARGET llmq_bundle_dependencies OR LLMQ_SANITIZE)
  return()
endif()
add_library(llmq_bundled SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:llmq_objects>)
add_dependencies(llmq_bundled llmq_bundle_dependencies)
target_link_libraries(llmq_bundled PRIVATE llmq_flags ${bundle_archives} Threads::Threads ${CMAKE_DL_LIBS} rt)
if(LLMQ_HTTP AND LLMQ_LINK_CURL)
  target_link_libraries(llmq_bundled PRIVATE PkgConfig::CURL)
endif()
get_target_property(llmq_link_options llmq LINK_OPTIONS)
target_link_options(llmq_bundled PRIVATE ${llmq_link_options})
set_target_properties(llmq_bundled PROPERTIES
  OUTPUT_NAME llmq SOVERSION ${LLMQ_ABI_VERSION} VERSION ${PROJECT_VERSION}
  LIBRARY_OUTPUT_DIRECTORY ${bundle} LINK_DEPENDS ${export_map})
