#include "runtime/flights.h"

#include <new>
#include <utility>

namespace llmq::runtime {

void Flight::add(Job& follower) {
  followers.push_back(&follower);
  follower.extra->shared.flight = this;
  follower.extra->shared.place = followers.size() - 1;
  follower.extra->shared.call = call->request.id;
}

void Flight::remove(Job& follower) {
  const size_t place = follower.extra->shared.place;
  followers[place] = followers.back();
  followers[place]->extra->shared.place = place;
  followers.pop_back();
  follower.extra->shared.flight = nullptr;
}

bool Flight::keep(uint8_t number, Piece piece, size_t limit) {
  if (number != attempt) {  // it begins anew
    attempt = number;
    pieces.clear();
    bytes = 0;
    whole = true;
  }
  if (!whole) return true;
  bytes += sizeof piece + piece.data.size();
  if (bytes > limit) {
    whole = false;
    std::vector<Piece>().swap(pieces);
    return false;
  }
  pieces.push_back(std::move(piece));
  return true;
}

Flight& Flights::open(Job& call, size_t hash) {
  auto flight = std::make_unique<Flight>();
  flight->call = &call;
  flight->followers.reserve(1);
  Flight& made = *flight;
  const auto open = open_.emplace(hash, &made);
  try {
    flights_.emplace(&call, std::move(flight));
  } catch (const std::bad_alloc&) {
    open_.erase(open);
    throw;
  }
  call.extra->call_hash = hash;
  call.extra->shared.flight = &made;
  return made;
}

Flight* Flights::find(const CallKey& key) {
  const auto found = open_.equal_range(key.hash);
  for (auto one = found.first; one != found.second; ++one) {
    const Job& call = *one->second->call;
    if (one->second->has_fallen_back()) continue;
    // Ended in this turn, and not handed back yet.
    if (!core::is_final(call.request.state) && call_key_of(call) == key) return one->second;
  }
  return nullptr;
}

void Flights::close(Flight& flight) {
  if (!flight.open) return;
  flight.open = false;
  const auto found = open_.equal_range(flight.call->extra->call_hash);
  for (auto one = found.first; one != found.second; ++one) {
    if (one->second != &flight) continue;
    open_.erase(one);
    return;
  }
}

void Flights::drop(Flight& flight) {
  close(flight);
  flight.call->extra->shared.flight = nullptr;
  flights_.erase(flight.call);
}

}  // namespace llmq::runtime
