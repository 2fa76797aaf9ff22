#include "core/queue/request_queue.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

TEST(RequestQueue, IsFirstComeFirstServed) {
  std::deque<Request> requests(5);
  RequestQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.front(), nullptr);
  uint64_t seq = 0;
  for (Request& request : requests) {
    request.seq = ++seq;
    queue.push_new(request);
  }
  for (Request& request : requests) {
    EXPECT_EQ(queue.front(), &request);
    queue.remove(request);
  }
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);
}

TEST(RequestQueue, GivesARetryItsOldPlace) {
  std::deque<Request> requests(4);
  for (size_t i = 0; i < 4; ++i) requests[i].seq = i + 1;
  RequestQueue queue;
  queue.push_new(requests[0]);
  queue.push_new(requests[1]);
  queue.remove(requests[0]);
  queue.remove(requests[1]);
  queue.push_new(requests[2]);
  queue.push_new(requests[3]);
  queue.push_returned(requests[1]);
  EXPECT_EQ(queue.front(), &requests[1]);
  queue.push_returned(requests[0]);
  EXPECT_EQ(queue.front(), &requests[0]);
  EXPECT_EQ(queue.size(), 4u);
}

TEST(RequestQueue, ForgetsWhoLeavesFromTheMiddle) {
  std::deque<Request> requests(3);
  RequestQueue queue;
  for (size_t i = 0; i < 3; ++i) {
    requests[i].seq = i + 1;
    queue.push_new(requests[i]);
  }
  queue.remove(requests[1]);
  EXPECT_FALSE(requests[1].link.linked());
  queue.remove(requests[0]);
  EXPECT_EQ(queue.front(), &requests[2]);
}

TEST(RequestQueue, AgreesWithAMapBySeq) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    std::deque<Request> all;
    std::vector<Request*> out;  // left the line, may return
    std::map<uint64_t, Request*> oracle;
    RequestQueue queue;
    for (int i = 0; i < 2000; ++i) {
      const int64_t what = random.between(0, 9);
      if (what < 4) {
        Request& request = all.emplace_back();
        request.seq = all.size();
        queue.push_new(request);
        oracle[request.seq] = &request;
      } else if (what < 6 && !out.empty()) {
        const auto which =
            static_cast<size_t>(random.between(0, static_cast<int64_t>(out.size()) - 1));
        Request* request = out[which];
        out.erase(out.begin() + static_cast<int64_t>(which));
        queue.push_returned(*request);
        oracle[request->seq] = request;
      } else if (!oracle.empty()) {
        auto at = oracle.begin();
        if (what == 9) std::advance(at, random.between(0, static_cast<int64_t>(oracle.size()) - 1));
        Request* request = at->second;
        oracle.erase(at);
        queue.remove(*request);
        ASSERT_EQ(request->heap_index, kNotInHeap);
        ASSERT_FALSE(request->link.linked());
        out.push_back(request);
      }
      ASSERT_EQ(queue.size(), oracle.size());
      ASSERT_EQ(queue.front(), oracle.empty() ? nullptr : oracle.begin()->second)
          << "seed " << seed << " step " << i;
    }
  }
}

TEST(Request, IsFoundFromItsLinkAndItsTimer) {
  Request request;
  EXPECT_EQ(Request::of_link(&request.link), &request);
  EXPECT_EQ(Request::of_timer(&request.timer), &request);
}

TEST(LinkList, MovesEverythingInOrder) {
  Link links[3];
  LinkList from;
  LinkList to;
  from.move_to(to);
  EXPECT_TRUE(to.empty());
  for (Link& link : links) from.push_back(link);
  from.move_to(to);
  EXPECT_TRUE(from.empty());
  for (Link& link : links) {
    ASSERT_EQ(to.front(), &link);
    link.unlink();
  }
  EXPECT_TRUE(to.empty());
}

// Some are new, some came back, some left from the middle.
TEST(RequestQueue, KnowsWhoStandsBehindAndHowManyBefore) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    std::vector<Request> requests(100);
    RequestQueue queue;
    Waiting all;
    for (size_t i = 0; i < requests.size(); ++i) {
      requests[i].seq = i + 1;
      requests[i].est_input_tokens = static_cast<uint32_t>(i);
      queue.push_new(requests[i]);
      all.add(requests[i]);
    }
    std::vector<Request*> out;
    for (Request& request : requests) {
      if (random.between(0, 2) > 0) continue;
      queue.remove(request);
      all.remove(request);
      out.push_back(&request);
    }
    for (Request* request : out) {
      if (random.between(0, 1) == 0) continue;
      queue.push_returned(*request);
      all.add(*request);
    }
    Waiting before;
    size_t seen = 0;
    for (Request* request = queue.front(); request != nullptr; request = queue.behind(*request)) {
      const Waiting told = queue.before(*request, all);
      ASSERT_EQ(told.count, before.count) << "seed " << seed << " request " << request->seq;
      ASSERT_EQ(told.input_tokens, before.input_tokens);
      before.add(*request);
      ++seen;
    }
    ASSERT_EQ(seen, queue.size());
  }
}

}  // namespace
}  // namespace llmq::core
