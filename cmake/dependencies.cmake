# Libraries that llmq stands on; `./dev` installs their Debian packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.40)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
# spdlog and fmt are compiled in, header-only: no program that links llmq meets them.
find_path(SPDLOG_INCLUDE_DIR spdlog/spdlog.h REQUIRED)
if(LLMQ_HTTP OR (LLMQ_MOCK AND LLMQ_BUILD_TESTS)) # the mock's tests call it with libcurl
  pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.80)
endif()
if(LLMQ_HTTP)
  include(cmake/curl.cmake)
endif()
if(LLMQ_CALENDAR)
  # Reads the system's time zone database. Its source is not packaged, so it stays a library of its own.
  find_package(date CONFIG REQUIRED)
endif()
if(LLMQ_MOCK)
  pkg_check_modules(MHD REQUIRED IMPORTED_TARGET libmicrohttpd)
endif()
