#include "http/header_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/curl_library.h"

namespace llmq::http {
namespace {

std::vector<std::string> lines(const curl_slist* list) {
  std::vector<std::string> all;
  for (; list != nullptr; list = list->next) all.emplace_back(list->data);
  return all;
}

TEST(HeaderList, IsMadeAnewWhenHeadersChange) {
  ASSERT_TRUE(load_curl());
  HeaderList list;
  ASSERT_TRUE(list.set({{"Authorization", "Bearer one"}, {"X-A", "1"}}));
  EXPECT_EQ(lines(list.get()),
            (std::vector<std::string>{"Expect:", "Authorization: Bearer one", "X-A: 1"}));
  const curl_slist* const before = list.get();
  ASSERT_TRUE(list.set({{"Authorization", "Bearer one"}, {"X-A", "1"}}));
  EXPECT_EQ(list.get(), before);
  ASSERT_TRUE(list.set({{"Authorization", "Bearer two"}}));
  EXPECT_EQ(lines(list.get()), (std::vector<std::string>{"Expect:", "Authorization: Bearer two"}));
}

TEST(HeaderList, OverwritingLeavesNothingOfAKey) {
  ASSERT_TRUE(load_curl());
  HeaderList list;
  ASSERT_TRUE(list.set({{"Authorization", "Bearer sk-secret"}}));
  const char* const line = list.get()->next->data;
  HeaderList::overwrite(list.get());
  EXPECT_EQ(std::string(line, 31), std::string(31, '\0'));

  std::vector<provider::Header> headers{{"Authorization", "Bearer sk-a-rather-long-secret"}};
  const char* const value = headers[0].second.data();
  HeaderList::overwrite(headers);
  EXPECT_EQ(std::string(value, 30), std::string(30, '\0'));
}

}  // namespace
}  // namespace llmq::http
