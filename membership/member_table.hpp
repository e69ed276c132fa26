#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "membership/member.hpp"

namespace hogwild::membership {

struct MemberCounts {
  std::size_t alive = 0;  // this node included
  std::size_t suspect = 0;
  std::size_t dead = 0;
  std::size_t left = 0;

  [[nodiscard]] std::size_t live() const { return alive + suspect; }
};

/// Everybody this node knows, itself first, and the digest of that view.
///
/// Owns its rows; pointers and spans into it hold until the next add() or remove().
/// Invariant: counts and digest are those of the rows; row 0 is this node; no two rows share a
/// short id.
class MemberTable {
 public:
  MemberTable(Profile self, Instant now);

  /// This node first, then in no order.
  [[nodiscard]] std::span<const Member> all() const { return members_; }
  [[nodiscard]] const Member& self() const { return members_.front(); }
  /// Null for an unknown id.
  [[nodiscard]] const Member* find(std::uint64_t short_id) const;
  [[nodiscard]] const MemberCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  /// Sum over live members of a hash of (id, incarnation, state): equal views have equal digests,
  /// in any order of arrival. Dead and left members are outside, so that reaping, which each node
  /// does in its own time, changes nothing.
  [[nodiscard]] std::uint64_t view_digest() const { return digest_; }

  /// Adds a member. REQUIRES: its short id is not in the table.
  Member& add(Member member);
  /// Forgets a member. REQUIRES: it is in the table, not this node, and dead or left.
  void remove(std::uint64_t short_id);
  /// The row, for fields that neither counts nor digest depend on. Null for an unknown id.
  [[nodiscard]] Member* find(std::uint64_t short_id);
  [[nodiscard]] Member& self() { return members_.front(); }
  /// Changes what is believed of a row of this table. `since` moves only if the state changes.
  void set(Member& member, MemberState state, std::uint32_t incarnation, Instant now);

 private:
  void count(const Member& member, bool add);

  std::vector<Member> members_;
  std::unordered_map<std::uint64_t, std::size_t> index_;
  MemberCounts counts_;
  std::uint64_t digest_ = 0;
};

}  // namespace hogwild::membership
