#pragma once

#include <cstdint>
#include <random>

#include "membership/member_table.hpp"

namespace hogwild::membership {

using RandomEngine = std::mt19937_64;

/// Whom to probe next: the live member that has been left alone for longest, neither heard from nor
/// probed; ties by lot. 0 if nobody else is live.
///
/// SWIM, 4.3, takes turns in a shuffled order so that the time until a member is probed is bounded.
/// So it is here, by one period a live member, and traffic counts as an answer given in advance: a
/// member that falls silent while others talk is probed next by everybody. A probe in vain counts
/// as well, so that a suspect takes no other's turn. Cost: O(members).
[[nodiscard]] std::uint64_t next_to_probe(const MemberTable& table, RandomEngine& random);

}  // namespace hogwild::membership
