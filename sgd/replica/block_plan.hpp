#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "sgd/learn/row_queue.hpp"
#include "sgd/replica/ids.hpp"

namespace hogwild::sgd {

/// How far a member has walked: it did its blocks of `epoch` before `position`, and all earlier
/// ones.
struct WalkProgress {
  std::uint64_t epoch = 0;
  std::uint64_t position = 0;

  friend bool operator==(const WalkProgress&, const WalkProgress&) = default;
  friend auto operator<=>(const WalkProgress&, const WalkProgress&) = default;
};

/// Which rows this member trains on, in which order: sampling without replacement by the cluster.
///
/// The shuffled rows are cut into blocks of block_rows(); each epoch has an order of blocks, the
/// same everywhere; the block at a position belongs to the member with the largest hash of (epoch,
/// block, member) (rendezvous hashing, Thaler and Ravishankar 1998). Nobody waits at an epoch's
/// end. What a dead member had not done moves to the others at once; who joins takes part from the
/// next epoch. Views that differ make a block done twice or not at all: harmless, and bounded by
/// what one member does in an epoch. Threads: network thread only.
class BlockPlan {
 public:
  /// REQUIRES: rows > 0.
  BlockPlan(std::uint64_t rows, std::uint64_t seed, PeerId self);

  /// Begins at a place, sharing what comes with `members` (self among them or not).
  /// REQUIRES: from.position <= block_count().
  void start(WalkProgress from, std::span<const PeerId> members);
  /// Who shares the epochs to come.
  void set_members(std::span<const PeerId> members);
  /// A member is gone; it had come as far as `done`. What it had left is shared out anew.
  void member_gone(PeerId member, WalkProgress done);

  /// This member's next block, or nothing where it owns none in the epochs ahead.
  /// REQUIRES: start() was called.
  [[nodiscard]] std::optional<RowRange> next();

  /// How far the walk has come, with `unfinished` blocks taken by next() and not trained on yet.
  [[nodiscard]] WalkProgress progress(std::uint64_t unfinished) const;

  [[nodiscard]] std::uint64_t block_count() const { return block_count_; }
  [[nodiscard]] std::uint64_t epoch() const { return at_.epoch; }
  /// Blocks taken over from members that are gone.
  [[nodiscard]] std::uint64_t inherited_total() const { return inherited_total_; }

  /// 64 to 256, so that a data set has 2,000 or more blocks where it can.
  [[nodiscard]] static std::uint32_t block_rows(std::uint64_t rows);

 private:
  struct Member {
    PeerId id = 0;
    std::optional<WalkProgress> gone_at;
  };

  void begin_epoch(std::uint64_t epoch);
  [[nodiscard]] std::vector<std::uint32_t> order_of(std::uint64_t epoch) const;
  /// The member that does `block`, which stands at `at`. 0 when nobody is left.
  [[nodiscard]] PeerId owner(WalkProgress at, std::uint32_t block) const;
  [[nodiscard]] RowRange rows_of(std::uint32_t block) const;
  void inherit(std::uint64_t epoch, std::span<const std::uint32_t> order, std::uint64_t first,
               std::uint64_t end, const Member& from);

  // Fixed after construction.
  std::uint64_t rows_;
  std::uint64_t seed_;
  PeerId self_;
  std::uint32_t block_rows_;
  std::uint64_t block_count_;
  // Network thread only.
  WalkProgress at_;
  std::vector<std::uint32_t> order_;    ///< blocks of at_.epoch by position
  std::vector<Member> members_;         ///< who shares at_.epoch
  std::vector<PeerId> coming_members_;  ///< who shares the next one
  std::deque<std::uint32_t> inherited_;
  std::deque<WalkProgress> recent_;  ///< where the newest next() results stood
  std::uint64_t inherited_total_ = 0;
};

}  // namespace hogwild::sgd
