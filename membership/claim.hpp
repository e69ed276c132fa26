#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "membership/member.hpp"

namespace hogwild::membership {

inline constexpr std::size_t kMaxAccusations = 4;
/// Room above it for a refutation of every incarnation that the wire accepts.
inline constexpr std::uint32_t kMaxIncarnation = 0x7fff'ffff;

/// One statement about one member, as it travels: SWIM's alive, suspect, confirm, and leave.
/// Invariant once decoded: profile is there exactly for alive (and names `subject`), accusations
/// are 1 to kMaxAccusations exactly for suspect, incarnation <= kMaxIncarnation.
struct Claim {
  MemberState state = MemberState::kAlive;
  std::uint64_t subject = 0;  // short id
  std::uint32_t incarnation = 0;
  std::optional<Profile> profile{};       // alive
  std::vector<Accusation> accusations{};  // suspect
  std::uint64_t declared_by = 0;          // dead: short id of who ended the suspicion

  friend bool operator==(const Claim&, const Claim&) = default;
};

/// Order of belief: a claim replaces what is believed only if it is stronger. Left beats
/// everything, for good; else the higher incarnation; else suspect over alive, dead over both
/// (SWIM, 4.2). It is total over what views hold, so any order of arrival ends in the same view.
[[nodiscard]] constexpr std::uint64_t strength(MemberState state, std::uint32_t incarnation) {
  if (state == MemberState::kLeft) return ~std::uint64_t{0};
  return std::uint64_t{incarnation} * 4 + static_cast<std::uint64_t>(state);
}

[[nodiscard]] inline std::uint64_t strength(const Claim& claim) {
  return strength(claim.state, claim.incarnation);
}
[[nodiscard]] inline std::uint64_t strength(const Member& member) {
  return strength(member.state, member.incarnation);
}

}  // namespace hogwild::membership
