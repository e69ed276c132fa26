#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "membership/claim.hpp"

namespace hogwild::membership {

/// A profile whose id, name and address all follow from one number.
inline Profile test_profile(std::uint64_t number) {
  Profile profile;
  profile.id = NodeId::from_words(~number, number);
  profile.name = std::string("m").append(std::to_string(number));
  profile.gossip = Endpoint::v4({10, 0, 0, static_cast<std::uint8_t>(number)}, 7420);
  profile.start_time_unix_ms = 1000 + number;
  profile.meta = {std::byte{1}, std::byte{2}};
  return profile;
}

inline Claim alive_claim(std::uint64_t number, std::uint32_t incarnation = 0) {
  const Profile profile = test_profile(number);
  return {.state = MemberState::kAlive,
          .subject = profile.id.short_id(),
          .incarnation = incarnation,
          .profile = profile};
}

inline Claim suspect_claim(std::uint64_t number, std::uint32_t incarnation, std::uint64_t accuser,
                           bool refused = false) {
  return {.state = MemberState::kSuspect,
          .subject = number,
          .incarnation = incarnation,
          .accusations = {{.accuser = accuser, .refused = refused}}};
}

inline Claim dead_claim(std::uint64_t number, std::uint32_t incarnation, std::uint64_t by = 9) {
  return {.state = MemberState::kDead,
          .subject = number,
          .incarnation = incarnation,
          .declared_by = by};
}

inline Claim left_claim(std::uint64_t number, std::uint32_t incarnation = 0) {
  return {.state = MemberState::kLeft, .subject = number, .incarnation = incarnation};
}

inline constexpr Instant kTestStart = Instant{} + std::chrono::hours(1);

}  // namespace hogwild::membership
