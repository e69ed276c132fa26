#include "membership/relays.hpp"

#include <algorithm>

namespace hogwild::membership {

bool Relays::add(Relay relay) {
  if (relays_.size() >= kMaxRelays) return false;
  relays_.push_back(relay);
  return true;
}

std::optional<Relay> Relays::on_ack(std::uint32_t sequence, std::uint64_t sender) {
  const auto relay = std::ranges::find_if(relays_, [&](const Relay& candidate) {
    return candidate.sequence == sequence && candidate.target == sender;
  });
  if (relay == relays_.end()) return std::nullopt;
  const Relay answered = *relay;
  relays_.erase(relay);
  return answered;
}

std::optional<Relays::Step> Relays::advance(Instant now) {
  const auto due =
      std::ranges::find_if(relays_, [&](const Relay& relay) { return relay.deadline <= now; });
  if (due == relays_.end()) return std::nullopt;
  if (!due->resent) {
    due->resent = true;
    due->deadline = now + due->timeout;
    return Step{StepType::kResend, *due};
  }
  const Relay ended = *due;
  relays_.erase(due);
  return Step{StepType::kNack, ended};
}

Instant Relays::next_deadline() const {
  Instant next = kNever;
  for (const Relay& relay : relays_) next = std::min(next, relay.deadline);
  return next;
}

}  // namespace hogwild::membership
