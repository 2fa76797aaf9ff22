// host_test deep|plain LIBRARY: a host that has a libuv, a cJSON, a spdlog and what is below
// libcurl of its own, of other versions, loads the library as a plug-in, and a copy of it besides,
// uses both, and unloads them, twice.
//
// The host's functions have the names of the real ones and are visible to all that it loads; none
// may be called. The library that carries its dependencies can be loaded in any way; the one that
// needs the system's, by ELF's rules, with RTLD_DEEPBIND (deep).
#include <dlfcn.h>
#include <llmq/llmq.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace {

std::atomic<int> mistaken{0};

void* taken_for_another(const char* name) {
  std::fprintf(stderr, "the library took the host's %s for its own\n", name);
  ++mistaken;
  return nullptr;
}

}  // namespace

// Of other versions: other results, other arguments.
#define HOST_FUNCTION(name) \
  extern "C" void* name() { return taken_for_another(#name); }
HOST_FUNCTION(uv_version_string)
HOST_FUNCTION(uv_loop_init)
HOST_FUNCTION(uv_async_init)
HOST_FUNCTION(uv_timer_init)
HOST_FUNCTION(uv_run)
HOST_FUNCTION(cJSON_Version)
HOST_FUNCTION(cJSON_ParseWithLength)
HOST_FUNCTION(cJSON_CreateObject)
HOST_FUNCTION(cJSON_Delete)
HOST_FUNCTION(SSL_CTX_new)
HOST_FUNCTION(OPENSSL_init_ssl)
HOST_FUNCTION(OpenSSL_version_num)
HOST_FUNCTION(nghttp2_version)
HOST_FUNCTION(zlibVersion)

namespace spdlog {
class logger {
 public:
  virtual ~logger();
  virtual void flush_();
};
logger::~logger() { taken_for_another("spdlog::logger"); }
void logger::flush_() { taken_for_another("spdlog::logger::flush_"); }
}  // namespace spdlog

namespace {

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                        \
    }                                                                      \
  } while (0)

template <typename Function>
Function* look_up(void* library, const char* name) {
  void* const found = dlsym(library, name);
  CHECK(found != nullptr);
  return reinterpret_cast<Function*>(found);
}

// One call from beginning to end, with a line of the log and JSON on its way.
void use(void* library) {
#define OF_LIBRARY(name) auto* const name = look_up<decltype(::name)>(library, #name)
  OF_LIBRARY(llmq_conf_create);
  OF_LIBRARY(llmq_conf_set_json);
  OF_LIBRARY(llmq_conf_set_log);
  OF_LIBRARY(llmq_conf_free);
  OF_LIBRARY(llmq_manager_create);
  OF_LIBRARY(llmq_submit_wait);
  OF_LIBRARY(llmq_response_data);
  OF_LIBRARY(llmq_response_free);
  OF_LIBRARY(llmq_manager_destroy);
  OF_LIBRARY(llmq_version_libraries);
  OF_LIBRARY(llmq_features);
#undef OF_LIBRARY
  CHECK(std::strstr(llmq_version_libraries(), "libuv/1.") != nullptr);
  if ((llmq_features() & LLMQ_FEATURE_HTTP) != 0) {
    CHECK(std::strstr(llmq_version_libraries(), "libcurl/") != nullptr);
  }
  llmq_conf_t* conf = nullptr;
  CHECK(llmq_conf_create(&conf) == LLMQ_OK);
  const std::string json = R"({"models": [{"name": "m", "provider": "mock"}]})";
  CHECK(llmq_conf_set_json(conf, json.data(), json.size(), nullptr) == LLMQ_OK);
  std::atomic<int> lines{0};
  const auto count = [](void* user, int32_t, const char*, size_t) {
    ++*static_cast<std::atomic<int>*>(user);
  };
  CHECK(llmq_conf_set_log(conf, LLMQ_LOG_INFO, count, &lines, nullptr) == LLMQ_OK);
  llmq_manager_t* manager = nullptr;
  CHECK(llmq_manager_create(conf, &manager, nullptr) == LLMQ_OK);
  llmq_conf_free(conf);
  llmq_request_t request{};
  request.struct_size = sizeof request;
  request.model = "m";
  request.model_len = 1;
  request.payload = R"({"messages": []})";
  request.payload_len = std::strlen(static_cast<const char*>(request.payload));
  llmq_response_t* response = nullptr;
  CHECK(llmq_submit_wait(manager, &request, -1, &response) == LLMQ_OK);
  CHECK(std::strstr(static_cast<const char*>(llmq_response_data(response, nullptr)), "choices") !=
        nullptr);
  llmq_response_free(response);
  CHECK(llmq_manager_destroy(manager) == LLMQ_OK);
  CHECK(lines > 0);
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const int flags = RTLD_NOW | RTLD_LOCAL | (std::strcmp(argv[1], "deep") == 0 ? RTLD_DEEPBIND : 0);
  const std::filesystem::path copy = std::string(argv[0]) + "." + argv[1] + ".so";
  std::filesystem::copy_file(argv[2], copy, std::filesystem::copy_options::overwrite_existing);
  for (int round = 0; round < 2; ++round) {
    void* const first = dlopen(argv[2], flags);
    void* const second = dlopen(copy.c_str(), flags);
    if (first == nullptr || second == nullptr) std::fprintf(stderr, "%s\n", dlerror());
    CHECK(first != nullptr && second != nullptr && first != second);
    use(first);
    use(second);
    CHECK(dlclose(second) == 0);
    CHECK(dlclose(first) == 0);
  }
  std::filesystem::remove(copy);
  return mistaken == 0 ? 0 : 1;
}
