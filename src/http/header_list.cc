#include "http/header_list.h"

#include <cstring>

#include <string>

#include "base/wipe.h"
#include "http/curl_library.h"

namespace llmq::http {

bool HeaderList::set(const std::vector<provider::Header>& headers) {
  if (list_ != nullptr && headers == source_) return true;
  clear();
  list_ = curl().slist_append(nullptr, "Expect:");  // no round trip before a large body
  std::string line;
  for (const auto& [name, value] : headers) {
    line.reserve(name.size() + value.size() + 2);  // growing would leave a copy behind
    line.append(name).append(": ").append(value);
    curl_slist* const longer =
        list_ == nullptr ? nullptr : curl().slist_append(list_, line.c_str());
    base::wipe(line);
    if (longer == nullptr) {
      clear();
      return false;
    }
  }
  source_ = headers;
  return list_ != nullptr;
}

void HeaderList::overwrite(curl_slist* list) {
  for (; list != nullptr; list = list->next) base::wipe(list->data, std::strlen(list->data));
}

void HeaderList::overwrite(std::vector<provider::Header>& headers) {
  for (auto& [name, value] : headers) base::wipe(value);
}

void HeaderList::clear() {
  if (list_ != nullptr) {
    overwrite(list_);
    curl().slist_free_all(list_);
  }
  list_ = nullptr;
  overwrite(source_);
  source_.clear();
}

}  // namespace llmq::http
