#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "membership/instant.hpp"
#include "membership/profile.hpp"
#include "membership/round_trip.hpp"

namespace hogwild::membership {

/// The numbers are those of the wire, and their order is the strength of a claim within one
/// incarnation.
enum class MemberState : std::uint8_t { kAlive = 0, kSuspect = 1, kDead = 2, kLeft = 3 };

/// "alive", "suspect", "dead", "left".
[[nodiscard]] std::string_view to_string(MemberState state);

/// One member's testimony against another.
struct Accusation {
  std::uint64_t accuser = 0;  // short id
  bool refused = false;  // its TCP probe was answered by a reset: nobody listens at the address

  friend bool operator==(const Accusation&, const Accusation&) = default;
};

/// One row of the member table: who it is, what is believed about it, what was measured here.
struct Member {
  Profile profile;
  MemberState state = MemberState::kAlive;
  std::uint32_t incarnation = 0;  // raised by the member alone
  Instant since;                  // when this state began, here
  Instant last_heard;             // newest authenticated traffic from it; Instant{} if none
  Instant probe_turn;  // when a probe of it last began here; before the first, drawn by lot
  RoundTrip rtt;       // direct probes only
  std::vector<Accusation> suspected_by;  // empty unless suspect; at most kMaxAccusations
  bool is_self = false;
  /// Dead by silence alone: nobody saw that its process is gone, so it may live where nobody hears
  /// it.
  bool is_lost = false;

  [[nodiscard]] std::uint64_t short_id() const { return profile.id.short_id(); }
  [[nodiscard]] bool is_live() const {
    return state == MemberState::kAlive || state == MemberState::kSuspect;
  }
};

}  // namespace hogwild::membership
