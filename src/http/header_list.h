// Header lines of a call as libcurl takes them. One of them holds the key: what is given back has
// been overwritten. (What libcurl itself copies of it into its buffers is out of reach.)
#ifndef LLMQ_HTTP_HEADER_LIST_H_
#define LLMQ_HTTP_HEADER_LIST_H_

#include <curl/curl.h>

#include <vector>

#include "provider/provider.h"

namespace llmq::http {

class HeaderList {
 public:
  HeaderList() = default;
  ~HeaderList() { clear(); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  // Calls of one deployment carry the same headers: the list is made anew only when they change.
  // False if memory is used up.
  bool set(const std::vector<provider::Header>& headers);
  curl_slist* get() const { return list_; }

  static void overwrite(curl_slist* list);
  static void overwrite(std::vector<provider::Header>& headers);

 private:
  void clear();

  curl_slist* list_ = nullptr;
  std::vector<provider::Header> source_;  // what list_ was made from
};

}  // namespace llmq::http

#endif  // LLMQ_HTTP_HEADER_LIST_H_
