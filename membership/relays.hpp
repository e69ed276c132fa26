#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "membership/endpoint.hpp"
#include "membership/instant.hpp"

namespace hogwild::membership {

/// A ping sent on behalf of another member.
struct Relay {
  std::uint32_t sequence = 0;        // of our ping
  std::uint64_t target = 0;          // short id
  Endpoint asker{};                  // where the answer goes
  std::uint32_t asker_sequence = 0;  // what it is called there
  Duration timeout{0};
  Instant deadline{};
  bool resent = false;
};

/// The pings that this node has under way as a helper (SWIM, 3.1; nack of Lifeguard).
/// Invariant: at most kMaxRelays; more are refused, as if the request had been lost.
class Relays {
 public:
  static constexpr std::size_t kMaxRelays = 64;

  enum class StepType { kResend, kNack };
  struct Step {
    StepType type = StepType::kNack;
    Relay relay;
  };

  /// False if there are too many.
  bool add(Relay relay);
  /// The relay that an ack answers; it is over.
  std::optional<Relay> on_ack(std::uint32_t sequence, std::uint64_t sender);
  /// What is due: a second ping, then a nack and the end. Call until empty.
  [[nodiscard]] std::optional<Step> advance(Instant now);
  [[nodiscard]] Instant next_deadline() const;

 private:
  std::vector<Relay> relays_;
};

}  // namespace hogwild::membership
