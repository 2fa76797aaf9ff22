#include "tests/sim/incidents.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/outage_world.h"

namespace llmq::simulator {
namespace {

using core::Status;

constexpr int64_t kTenMinutes = 600;

Fault from_to(int64_t from_s, int64_t to_s, Status status = Status::kServer) {
  Fault fault;
  fault.from_s = from_s;
  fault.to_s = to_s;
  fault.status = status;
  return fault;
}

Incident incident(const char* name, int64_t ends_s, std::vector<std::vector<Fault>> faults,
                  int deployments = 1) {
  Incident made;
  made.name = name;
  made.deployments = deployments;
  made.ends_s = ends_s;
  made.faults = std::move(faults);
  made.requests = (ends_s + 300) * made.concurrency * deployments;
  return made;
}

std::vector<Incident> incidents() {
  std::vector<Incident> all;
  // Polly #2591, LiteLLM #3646: with every place cooling down callers failed instead of waiting.
  all.push_back(incident("the only deployment is away for 10 minutes", 660, {{from_to(60, 660)}}));
  // LiteLLM PR #34836: 25 straight 500s stayed in rotation.
  all.push_back(incident("one of three is away for 10 minutes", 660, {{from_to(60, 660)}}, 3));
  // openclaw #11352: cooldowns that spiral at a tenth of the load.
  Fault brown = from_to(60, 60 + kTenMinutes);
  brown.per_mille = 300;
  Incident brown_out = incident("a brown-out: 30 % of the calls fail", 660, {{brown}});
  brown_out.max_attempts = 16;  // of 30,000 requests two meet eight failures in a row
  all.push_back(brown_out);
  // LiteLLM #7669, openai-python PR #3555: Retry-After ignored; obeyed by all at once it is a
  // stampede.
  Fault gate = from_to(60, 180, Status::kRateLimited);
  gate.until_end = true;
  all.push_back(incident("Retry-After that ends for all at the same time", 180, {{gate}}));
  // Bifrost 125: full load at once on what has just come back, with all that has piled up.
  Incident backlog = incident("recovery with 100,000 waiting", 660, {{from_to(60, 660)}});
  backlog.waiting = 100'000;
  backlog.requests = 150'000;
  backlog.concurrency = 200;
  all.push_back(backlog);
  // LiteLLM #35273: what does not answer held every request.
  Fault hang = from_to(60, 60 + kTenMinutes);
  hang.hangs = true;
  all.push_back(incident("a provider that hangs", 660, {{hang}}));
  // Error inside a stream after its begin (semantics.md, section 5): told, never replayed.
  Fault cut = from_to(60, 360, Status::kTransport);
  cut.per_mille = 200;
  cut.latency_ms = 500;
  cut.cut = true;
  Incident streams = incident("a fifth of the streams are cut", 360, {{cut}});
  streams.fails_some = true;
  all.push_back(streams);
  // Anthropic's 529: capacity, not quota (semantics.md, section 5).
  all.push_back(incident("529 for three minutes", 240, {{from_to(60, 240, Status::kOverloaded)}}));
  Fault storm = from_to(60, 360, Status::kOverloaded);
  storm.per_mille = 600;
  all.push_back(incident("a storm of 529s: 60 % of the calls", 360, {{storm}}));
  // LiteLLM #40130 and its kin: a key that is refused, with others that are good.
  all.push_back(
      incident("a key is revoked at one of three", 660, {{from_to(60, 660, Status::kAuth)}}, 3));
  // Slow but alive is no outage: nothing may be given up for it.
  Fault slow = from_to(60, 360, Status::kOk);
  slow.latency_ms = 8000;
  all.push_back(incident("one of three answers in 8 s instead of 1", 360, {{slow}}, 3));
  return all;
}

// One call of a hundred hangs for 8 s at each of three places that have room, and one place is slow
// for a minute: with second calls, and without.
int show_hedging() {
  Fault tail = from_to(0, 600, Status::kOk);
  tail.latency_ms = 8000;
  tail.per_mille = 10;
  Fault slow = from_to(300, 360, Status::kOk);
  slow.latency_ms = 8000;
  Incident with = incident("1 % of the calls take 8 s, for a minute all at one of three", 600,
                           {{slow, tail}, {tail}, {tail}}, 3);
  with.waiting = 75;  // half of the places
  with.requests = 45'000;
  Incident without = with;
  with.hedges = true;
  const Aftermath before = run_incident(without);
  const Aftermath after = run_incident(with);
  const uint64_t most = after.attempts - after.hedges;
  const bool good = before.wrong.empty() && after.wrong.empty() && after.failed == 0 &&
                    after.hedges > 100 && after.hedges * 50 <= most && after.p99_ms < before.p99_ms;
  std::printf(
      "%-7s %s: without second calls p95 %lld ms, p99 %lld ms; with them %lld ms and %lld ms, for "
      "%llu more calls in %llu, of which %llu came first %s%s\n",
      good ? "ok" : "FAILED", with.name, static_cast<long long>(before.p95_ms),
      static_cast<long long>(before.p99_ms), static_cast<long long>(after.p95_ms),
      static_cast<long long>(after.p99_ms), static_cast<unsigned long long>(after.hedges),
      static_cast<unsigned long long>(most), static_cast<unsigned long long>(after.hedges_won),
      before.wrong.c_str(), after.wrong.c_str());
  return good ? 0 : 1;
}

// The bounds; the first that is missed, or "".
std::string missed(const Incident& what, const Aftermath& came) {
  if (!came.wrong.empty()) return came.wrong;
  if (came.completed + came.failed != static_cast<uint64_t>(what.requests))
    return "not all answered";
  if (came.failed > 0 && !what.fails_some) return "requests failed";
  if (came.full_after_ms < 0) return "full throughput never came back";
  if (came.full_after_ms > 2 * came.open_ms + 10'000) return "it took too long to recover";
  if (came.collapsed) return "a second collapse";
  if (came.wasted > came.attempts / 10) return "more retries than the budget";
  return "";
}

// The same bounds must notice when a policy is gone.
int show_that_bounds_notice() {
  Incident away = incidents().front();
  away.breaker = false;
  const std::string why = missed(away, run_incident(away));
  std::printf("%-7s %s, without a circuit breaker: noticed as \"%s\"\n",
              why.empty() ? "FAILED" : "ok", away.name, why.c_str());
  return why.empty() ? 1 : 0;
}

}  // namespace

int show_incidents() {
  int bad = show_hedging() + show_that_bounds_notice();
  for (const Incident& what : incidents()) {
    const Aftermath came = run_incident(what);
    const std::string why = missed(what, came);
    std::printf(
        "%-7s %s: %llu of %lld answered, %llu failed; %llu attempts, %llu retries, %llu of them in "
        "vain; full again after %.0f s (breaker open for %.0f s at the end)%s%s\n",
        why.empty() ? "ok" : "FAILED", what.name, static_cast<unsigned long long>(came.completed),
        static_cast<long long>(what.requests), static_cast<unsigned long long>(came.failed),
        static_cast<unsigned long long>(came.attempts),
        static_cast<unsigned long long>(came.retries), static_cast<unsigned long long>(came.wasted),
        static_cast<double>(came.full_after_ms) / 1000, static_cast<double>(came.open_ms) / 1000,
        why.empty() ? "" : ": ", why.c_str());
    (void)std::fflush(stdout);
    if (!why.empty()) ++bad;
  }
  return bad;
}

}  // namespace llmq::simulator
