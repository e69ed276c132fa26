#include "membership/probe_order.hpp"

#include <algorithm>

namespace hogwild::membership {

std::uint64_t next_to_probe(const MemberTable& table, RandomEngine& random) {
  std::uint64_t chosen = 0;
  Instant oldest = kNever;
  std::size_t ties = 0;
  for (const Member& member : table.all()) {
    if (member.is_self || !member.is_live()) continue;
    const Instant since = std::max(member.last_heard, member.probe_turn);
    if (since > oldest) continue;
    ties = since < oldest ? 1 : ties + 1;
    oldest = since;
    std::uniform_int_distribution<std::size_t> draw(1, ties);
    if (draw(random) == 1) chosen = member.short_id();
  }
  return chosen;
}

}  // namespace hogwild::membership
