// The seam for quotas shared between processes, with a test double: room of a shared limit comes in
// leases.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "core/random.h"
#include "tests/support/engine_sim.h"
#include "tests/support/windows.h"

namespace llmq::core {
namespace {

using sim::EngineSim;
using sim::Job;
using sim::model_with;
using sim::per_period;
using sim::Want;

LimitSpec shared(LimitKind kind, int64_t amount, DurationNs period) {
  LimitSpec spec = per_period(kind, amount, period);
  spec.shared = true;
  return spec;
}

Want tokens(uint32_t input) {
  Want want;
  want.input_tokens = input;
  return want;
}

TEST(EngineLease, IsNotAskedForLocalLimits) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 10, seconds(1))}));
  for (int i = 0; i < 5; ++i) sim.submit(tokens(10));
  sim.run_all();
  EXPECT_TRUE(sim.leases.empty());
}

TEST(EngineLease, IsAskedForOnceAndStartsTheRequest) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 100, seconds(60)),
                            shared(LimitKind::kTokens, 1000, seconds(60))}));
  Job& job = sim.submit(tokens(30));
  EXPECT_FALSE(job.running());
  ASSERT_EQ(sim.leases.size(), 1u);
  EXPECT_EQ(sim.leases[0].model, 0u);
  EXPECT_EQ(sim.leases[0].limit, 1u);
  EXPECT_EQ(sim.leases[0].amount, 30);
  sim.submit(tokens(1));
  sim.step(Tick{});
  EXPECT_EQ(sim.leases.size(), 1u) << "the answer is on its way";
  EXPECT_EQ(sim.model(0).blocked_until, kNever);
  EXPECT_EQ(sim.model(0).blocked_by, 1);
  sim.step(LeaseGranted{0, 1, 31, sim.now() + seconds(1)});
  EXPECT_EQ(sim.running(0), 2);
  sim.run_all();
}

TEST(EngineLease, ThatIsTooSmallIsAskedForAgain) {
  EngineSim sim;
  sim.add_model(model_with({shared(LimitKind::kTokens, 1000, seconds(60))}));
  Job& job = sim.submit(tokens(30));
  sim.step(LeaseGranted{0, 0, 10, sim.now() + seconds(10)});
  EXPECT_FALSE(job.running());
  ASSERT_EQ(sim.leases.size(), 2u);
  EXPECT_EQ(sim.leases[1].amount, 20);
  sim.step(LeaseGranted{0, 0, 20, sim.now() + seconds(10)});
  EXPECT_TRUE(job.running());
  sim.run_all();
}

TEST(EngineLease, ThatExpiredIsWorthNothing) {
  EngineSim sim;
  sim.add_model(model_with({shared(LimitKind::kTokens, 1000, seconds(60))}));
  sim.submit(tokens(30));
  sim.step(LeaseGranted{0, 0, 100, sim.now() + seconds(1)});
  sim.run_for(seconds(2));
  Job& late = sim.submit(tokens(30));
  EXPECT_FALSE(late.running());
  ASSERT_EQ(sim.leases.size(), 2u);
  EXPECT_EQ(sim.leases[1].amount, 30);
}

TEST(EngineLease, ForAModelOrLimitThatIsGoneIsIgnored) {
  EngineSim sim;
  sim.add_model(model_with({shared(LimitKind::kTokens, 1000, seconds(60))}));
  sim.step(LeaseGranted{0, 9, 100, kNever});
  sim.remove(0, StopMode::kDrain);
  sim.step(LeaseGranted{0, 0, 100, kNever});
  sim.step(LeaseGranted{7, 0, 100, kNever});
}

TEST(EngineLease, TheEndOfTheFirstInLineLetsTheNextAsk) {
  EngineSim sim;
  sim.add_model(model_with({shared(LimitKind::kTokens, 1000, seconds(60))}));
  Job& first = sim.submit(tokens(30));
  Job& second = sim.submit(tokens(50));
  sim.cancel(first);
  sim.step(LeaseGranted{0, 0, 30, sim.now() + seconds(10)});
  EXPECT_FALSE(second.running());
  EXPECT_EQ(sim.leases.back().amount, 20);
  sim.step(LeaseGranted{0, 0, 20, sim.now() + seconds(10)});
  EXPECT_TRUE(second.running());
  sim.run_all();
}

// A store that grants while there is room, and lets who asks too early wait. A grant counts from
// when it is given until everything that it may start has left the window.
class SharedStore {
 public:
  SharedStore(int64_t amount, DurationNs period) : amount_(amount), window_(period + kLife) {}

  void serve(EngineSim& sim) {
    sim.world.lease = [this, &sim](const Lease& lease) {
      sim.after(milliseconds(1), [this, &sim, lease] { answer(sim, lease); });
    };
  }

 private:
  static constexpr DurationNs kLife = milliseconds(100);

  void answer(EngineSim& sim, const Lease& asked) {
    int64_t given = 0;  // two clocks: some grants may lie ahead of this one
    for (const sim::Counted& grant : grants_) {
      if (sim.now() - grant.at < window_) given += grant.cost;
    }
    if (given + asked.amount > amount_) {
      sim.after(milliseconds(20), [this, &sim, asked] { answer(sim, asked); });
      return;
    }
    grants_.push_back(sim::Counted{sim.now(), asked.amount});
    sim.step(LeaseGranted{asked.model, asked.limit, asked.amount, sim.now() + kLife});
  }

  int64_t amount_;
  DurationNs window_;
  std::vector<sim::Counted> grants_;
};

// I1 over processes: two engines that live from one store stay within the amount together.
TEST(EngineLease, I1_TwoEnginesShareOneAmount) {
  constexpr int64_t kAmount = 40;
  constexpr DurationNs kPeriod = seconds(5);
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed);
    SharedStore store(kAmount, kPeriod);
    EngineSim one(seed);
    EngineSim other(seed + 1);
    for (EngineSim* sim : {&one, &other}) {
      sim->add_model(model_with({shared(LimitKind::kRequests, kAmount, kPeriod)}));
      store.serve(*sim);
      for (int i = 0; i < 100; ++i) sim->submit(Want{});
    }
    while (one.engine.live() + other.engine.live() > 0) {
      const TimeNs next = one.now() + milliseconds(random.between(1, 3));
      one.run_until(next);
      other.run_until(next);
    }
    std::vector<sim::Counted> sent = one.sent_calls(0);
    const std::vector<sim::Counted> more = other.sent_calls(0);
    sent.insert(sent.end(), more.begin(), more.end());
    EXPECT_EQ(sent.size(), 200u);
    EXPECT_LE(sim::most_in_any_window(sent, kPeriod), kAmount) << "seed " << seed;
  }
}

}  // namespace
}  // namespace llmq::core
