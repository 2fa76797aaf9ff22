#include "runtime/registry.h"

#include <gtest/gtest.h>

#include <thread>

namespace llmq::runtime {
namespace {

ModelEntry* add(Registry& registry, const std::string& name) {
  auto entry = std::make_unique<ModelEntry>();
  entry->config.name = name;
  const std::lock_guard<std::mutex> lock(registry.mutex());
  entry->index = registry.next_index();
  ModelEntry* raw = entry.get();
  registry.reserve(1, 0);
  registry.add(std::move(entry));
  return raw;
}

TEST(Registry, FindsEachOfManyByName) {
  Registry registry;
  for (int i = 0; i < 1000; ++i) add(registry, "model-" + std::to_string(i));
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "model-" + std::to_string(i);
    ASSERT_NE(registry.find(name), nullptr);
    EXPECT_EQ(registry.find(name)->config.name, name);
    EXPECT_EQ(registry.by_index(registry.find(name)->index)->config.name, name);
  }
  EXPECT_EQ(registry.find("model-1000"), nullptr);
  EXPECT_EQ(registry.list().size(), 1000U);
  EXPECT_EQ(registry.list()[7]->config.name, "model-7");
}

TEST(Registry, ARemovedNameIsFreeAgain) {
  Registry registry;
  ModelEntry* old = add(registry, "m");
  old->removed.store(true);
  EXPECT_EQ(registry.find("m"), nullptr);
  ModelEntry* young = add(registry, "m");
  EXPECT_EQ(registry.find("m"), young);
  EXPECT_EQ(registry.list().size(), 1U);
}

TEST(Registry, ReadersNeedNoLockWhileModelsAreAdded) {
  Registry registry;
  add(registry, "first");
  std::thread reader([&] {
    while (registry.find("last") == nullptr) ASSERT_NE(registry.find("first"), nullptr);
  });
  for (int i = 0; i < 500; ++i) add(registry, std::to_string(i));
  add(registry, "last");
  reader.join();
}

}  // namespace
}  // namespace llmq::runtime
