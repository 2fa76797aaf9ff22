// Calls that several requests share (core/flight.h), and what has been streamed of them. The loop's
// own.
//
// A call has a record of its own, with the payload of the request that came first. It can be joined
// until it has ended, or until more has been streamed of it than may be kept for those who come
// late. Its pieces go to all: each piece makes the provider wait only until one of them has
// released it, so that who reads slowly holds up nobody.
#ifndef LLMQ_RUNTIME_FLIGHTS_H_
#define LLMQ_RUNTIME_FLIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/call_key.h"
#include "runtime/job.h"

namespace llmq::runtime {

class SharedRoom;

// A piece of a streamed answer, as its callers get it.
struct Piece {
  std::string data;
  int64_t output_tokens = 0;  // so far
  // What it takes of the call's buffer, until somebody has released it; for those who come late.
  std::weak_ptr<SharedRoom> room{};
};

struct Flight {
  Job* call = nullptr;
  core::ModelIndex model = 0;   // that its followers asked for
  std::vector<Job*> followers;  // each knows its place
  bool open = true;             // may be joined
  bool landed = false;          // the call has ended
  uint8_t told_attempt = 0;     // whose usage one of the followers has been told
  // Of the attempt whose output came last:
  uint8_t attempt = 0;
  std::vector<Piece> pieces;
  size_t bytes = 0;   // that they hold
  bool whole = true;  // none has been left out

  // Its answer is another model's: nobody joins it who asks for the first one, or is given it
  // later.
  bool has_fallen_back() const { return call->request.model != model; }
  void add(Job& follower);
  void remove(Job& follower);
  // Keeps a piece for those who come late, unless that would be more than `limit`. False: it was
  // too much, and nothing is kept any more.
  bool keep(uint8_t number, Piece piece, size_t limit);
};

class Flights {
 public:
  // Takes over the record, of which `hash` is the call's.
  Flight& open(Job& call, size_t hash);
  // One that can be joined; nullptr if there is none.
  Flight* find(const CallKey& key);
  // Nobody joins it from now on.
  void close(Flight& flight);
  // It is over.
  void drop(Flight& flight);
  size_t size() const { return flights_.size(); }

 private:
  std::unordered_map<const Job*, std::unique_ptr<Flight>> flights_;  // by call
  std::unordered_multimap<size_t, Flight*> open_;                    // by hash of the key
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_FLIGHTS_H_
