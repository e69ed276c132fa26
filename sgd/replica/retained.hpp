#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory_resource>
#include <span>
#include <utility>
#include <vector>

#include "sgd/replica/ids.hpp"
#include "sgd/replica/origin_window.hpp"

namespace hogwild::sgd {

/// Datagrams that some member may still lack, kept so that they can be sent again.
///
/// Everybody keeps everybody's, within a bound of bytes; the oldest go first when it is reached.
/// A datagram that every live member has is released. Memory comes from a pool, so that keeping one
/// more allocates nothing once as many have been kept before.
/// What `is_held` names is let go of last: it may take four times the bound.
/// Invariant: bytes() <= the bound given at construction, 4 times that with `is_held`.
class Retained {
 public:
  /// What one takes beyond its own bytes, about: its place in the maps, rounding of the pool.
  static constexpr std::size_t kOverheadBytes = 160;

  using IsHeld = std::function<bool(OriginId, std::uint64_t)>;

  explicit Retained(std::size_t most_bytes, IsHeld is_held = {})
      : most_bytes_(most_bytes), is_held_(std::move(is_held)) {}

  /// Keeps a copy. Evicts the oldest ones where the bound asks for it; one that alone is larger
  /// than the bound is not kept.
  void keep(OriginId origin, std::uint64_t seq, std::span<const std::byte> datagram);
  /// The datagram, until the next call that is not const; empty when it is not kept (any more).
  [[nodiscard]] std::span<const std::byte> find(OriginId origin, std::uint64_t seq) const;
  /// Forgets an origin's datagrams up to and including `seq`.
  void release(OriginId origin, std::uint64_t seq);
  /// Calls `visit(seq, bytes)` for each of an origin's datagrams, ascending.
  template <typename Visit>
  void for_each(OriginId origin, Visit visit) const {
    for (auto it = kept_.lower_bound({origin, 0}); it != kept_.end() && it->first.first == origin;
         ++it) {
      visit(it->first.second, std::span<const std::byte>(it->second));
    }
  }

  /// Memory in use, overhead included.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Datagrams that were dropped before all members had them.
  [[nodiscard]] std::uint64_t evicted_total() const { return evicted_total_; }

 private:
  using Key = std::pair<OriginId, std::uint64_t>;
  using Kept = std::pmr::map<Key, std::pmr::vector<std::byte>>;

  /// The datagram after it.
  Kept::iterator drop(Kept::iterator at);
  void evict();

  std::size_t most_bytes_;
  IsHeld is_held_;
  std::size_t evict_beyond_ = 0;  ///< bytes; what is held was gone through below it
  std::size_t bytes_ = 0;
  std::uint64_t evicted_total_ = 0;
  std::pmr::unsynchronized_pool_resource pool_;
  Kept kept_{&pool_};
  std::pmr::deque<Key> by_age_{&pool_};  ///< oldest first; may name datagrams that were released
};

}  // namespace hogwild::sgd
