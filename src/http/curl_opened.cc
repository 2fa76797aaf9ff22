// libcurl as a library that is opened at run time.
#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "http/curl_library.h"

namespace llmq::http {
namespace {

// Tells those who make packages of this library what it needs beside its DT_NEEDED entries, as
// "ELF dlopen metadata" of uapi-group.org has it. "required", for few have a use for llmq without.
#define LLMQ_NEEDS                                                      \
  R"([{"feature":"http","description":"Calls to providers over HTTP",)" \
  R"("priority":"required","soname":[")" LLMQ_CURL_SONAME R"("]}])"
struct DlopenNote {
  uint32_t name_bytes;
  uint32_t text_bytes;
  uint32_t type;
  char name[4];
  char text[sizeof LLMQ_NEEDS];
};
// Notes stand at multiples of 4; without being told, compilers take more for an object so large.
__attribute__((used, section(".note.dlopen"), aligned(4))) constexpr DlopenNote kNote = {
    sizeof kNote.name, sizeof kNote.text, 0x407c0c0a, "FDO", LLMQ_NEEDS};
#undef LLMQ_NEEDS

// Functions of libcurl and of libraries below it, and how the files of these are called.
struct Offer {
  const char* function;
  std::string_view library;
};
constexpr std::array<Offer, 7> kBelow{{{"curl_easy_init", "libcurl"},
                                       {"SSL_CTX_new", "libssl."},
                                       {"EVP_DigestInit_ex", "libcrypto."},
                                       {"nghttp2_session_client_new", "libnghttp2."},
                                       {"inflate", "libz."},
                                       {"BrotliDecoderDecompressStream", "libbrotlidec."},
                                       {"ZSTD_decompressStream", "libzstd."}}};

bool is_in_another_file(void* program, const Offer& offer) {
  void* const found = dlsym(program, offer.function);
  Dl_info place{};
  if (found == nullptr || dladdr(found, &place) == 0 || place.dli_fname == nullptr) return false;
  std::string_view file = place.dli_fname;
  file.remove_prefix(file.rfind('/') + 1);
  return file.substr(0, offer.library.size()) != offer.library;
}

// Some programs show copies of such libraries to all that they load, Node for one. libcurl would
// call these, of whatever version they are.
bool program_has_copies() {
  void* const program = dlopen(nullptr, RTLD_LAZY);
  if (program == nullptr) return false;
  bool has = false;
  for (const Offer& offer : kBelow) has = has || is_in_another_file(program, offer);
  // Sanitizers do not allow a library to be bound otherwise than the program.
  for (const char* name : {"__asan_init", "__tsan_init", "__msan_init"}) {
    has = has && dlsym(program, name) == nullptr;
  }
  dlclose(program);
  return has;
}

}  // namespace

std::string find_curl(CurlFunctions& functions) {
  int flags = RTLD_NOW | RTLD_LOCAL;
#ifdef RTLD_DEEPBIND
  if (program_has_copies()) flags |= RTLD_DEEPBIND;
#endif
  void* const library = dlopen(LLMQ_CURL_SONAME, flags);  // never closed, as it has state
  if (library == nullptr) {
    const char* const why = dlerror();
    return why == nullptr ? "it cannot be loaded" : why;
  }
  std::string missing;
  const auto find = [library, &missing](auto*& function, const char* name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr && missing.empty()) missing = name;
  };
#define LLMQ_CURL_FIND(name) find(functions.name, "curl_" #name);
  LLMQ_CURL_FUNCTIONS(LLMQ_CURL_FIND)
#undef LLMQ_CURL_FIND
  return missing.empty() ? "" : "it has no " + missing;
}

}  // namespace llmq::http
