#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "membership/endpoint.hpp"
#include "membership/instant.hpp"
#include "membership/member.hpp"

namespace hogwild::membership {

/// What is kept of a member that is listed no longer.
struct Burial {
  std::uint64_t short_id = 0;
  MemberState state = MemberState::kDead;  // dead or left
  std::uint32_t incarnation = 0;
  Endpoint gossip{};
  Instant since{};
  bool address_disputed = false;  // said dead because this node has its address; not a second time
};

/// Ids of dead and left members that were reaped, so that late rumors do not revive them, and the
/// addresses of the dead, so that the other side of a long partition is found again. Invariant: at
/// most kMaxBurials; the oldest makes room.
class Burials {
 public:
  static constexpr std::size_t kMaxBurials = 4096;

  void add(Burial burial);
  void remove(std::uint64_t short_id);
  [[nodiscard]] const Burial* find(std::uint64_t short_id) const;
  /// Forgets those buried before `oldest`.
  void prune(Instant oldest);
  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  [[nodiscard]] bool empty() const { return by_id_.empty(); }
  /// In no order.
  [[nodiscard]] const std::unordered_map<std::uint64_t, Burial>& all() const { return by_id_; }

 private:
  std::unordered_map<std::uint64_t, Burial> by_id_;
  std::deque<std::uint64_t> order_;  // the same ids, oldest first
};

}  // namespace hogwild::membership
