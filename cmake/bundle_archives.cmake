# Libraries below llmq as archives that a shared library can take in, built from Debian's sources: for llmq_bundled, and
# for packages. Not part of `all`.
find_program(APT_GET apt-get)
if(APPLE OR CMAKE_CROSSCOMPILING OR NOT APT_GET)
  return()
endif()
set(bundle ${PROJECT_BINARY_DIR}/bundle)
# bundle_archive(TARGET ARCHIVE...): a target that builds them.
function(bundle_archive target)
  list(TRANSFORM ARGN PREPEND ${bundle}/lib/ OUTPUT_VARIABLE archives)
  add_custom_command(OUTPUT ${archives}
    COMMAND ${PROJECT_SOURCE_DIR}/tools/bundle/dependencies.sh ${bundle} ${ARGN}
    DEPENDS ${PROJECT_SOURCE_DIR}/tools/bundle/dependencies.sh
    COMMENT "Building ${ARGN} from Debian's sources" VERBATIM)
  add_custom_target(${target} DEPENDS ${archives})
endfunction()
if(LLMQ_PACKAGES)
  bundle_archive(llmq_bundle_date libdate-tz.a)
else()
  bundle_archive(llmq_bundle_dependencies libuv_a.a libcjson.a libdate-tz.a)
endif()
set(bundle_archives ${bundle}/lib/libuv_a.a ${bundle}/lib/libcjson.a ${bundle}/lib/libdate-tz.a)
