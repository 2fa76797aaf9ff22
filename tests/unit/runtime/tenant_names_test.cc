#include "runtime/tenant_names.h"

#include <gtest/gtest.h>

#include <string>

namespace llmq::runtime {
namespace {

TEST(TenantNames, EachNameHasANumberOfItsOwnForGood) {
  TenantNames names;
  EXPECT_EQ(names.index_of(""), 0u);
  for (uint32_t i = 1; i <= 1000; ++i) EXPECT_EQ(names.index_of("tenant " + std::to_string(i)), i);
  for (uint32_t i = 1; i <= 1000; ++i) {
    EXPECT_EQ(names.index_of("tenant " + std::to_string(i)), i);
    EXPECT_EQ(names.name(i), "tenant " + std::to_string(i));
  }
  EXPECT_EQ(names.name(0), "");
  EXPECT_EQ(names.size(), 1001u);
}

TEST(TenantNames, MayHoldAnyByte) {
  TenantNames names;
  const std::string with_zero("a\0b", 3);
  EXPECT_NE(names.index_of(with_zero), names.index_of("a"));
  EXPECT_EQ(names.name(names.index_of(with_zero)), with_zero);
}

}  // namespace
}  // namespace llmq::runtime
