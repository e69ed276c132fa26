#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <utility>
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

/// What a member gives away: its own blocks from one place of the walk to another are the heir's.
struct Handover {
  WalkProgress from;
  WalkProgress to;
  PeerId heir = 0;

  friend bool operator==(const Handover&, const Handover&) = default;
};

/// Which rows this member trains on, in which order: sampling without replacement by the cluster.
///
/// The shuffled rows are cut into blocks of block_rows(); each epoch has an order of blocks, the
/// same everywhere; the block at a position belongs to the member with the largest hash of (epoch,
/// block, member) (rendezvous hashing, Thaler and Ravishankar 1998). Nobody waits at an epoch's
/// end. What a dead member had not done moves to the others at once; who joins says with which
/// epoch it begins; who falls behind hands a part of its blocks over. A member alone says what
/// becomes of its blocks, and all that have heard the same things agree on the owner of each,
/// whatever they heard first. What was heard too late makes a block done twice or not at all:
/// harmless, bounded, and counted (BlockTally). Threads: network thread only.
class BlockPlan {
 public:
  /// REQUIRES: rows > 0.
  BlockPlan(std::uint64_t rows, std::uint64_t seed, PeerId self);

  /// Begins at a place, sharing what comes with `members` (self among them or not).
  /// REQUIRES: from.position <= block_count().
  void start(WalkProgress from, std::span<const PeerId> members);
  /// Who shares the epochs after this one: by rounds, where all hear of it in the same order.
  void set_members(std::span<const PeerId> members);
  /// A member shares all epochs from `first_epoch` on, as it says, and has come as far as `done`.
  void member_walks(PeerId member, std::uint64_t first_epoch, WalkProgress done);
  /// Members are gone, each when it had come as far as it says. What they had left is shared out
  /// anew. Cost: a pass over the blocks behind the walk from the earliest of these places on.
  void members_gone(std::span<const std::pair<PeerId, WalkProgress>> gone);
  /// Members that are not in `walking` and did walk, and are not gone yet, are gone.
  void keep_members(std::span<const PeerId> walking);

  /// Of the newest results of next() these, in order, were not trained on: they come again.
  void put_back(std::span<const RowRange> rows);
  /// Goes on at `to`; what this member owned on the way is the heir's. REQUIRES: to is ahead of
  /// place(), to.position <= block_count().
  void hand_over(WalkProgress to, PeerId heir);
  /// A member said so. It may come again, and late; it counts from take_up_handovers() on.
  void handed_over(PeerId member, const Handover& handover);
  /// Cost: as members_gone(), for all that were heard of since the last call.
  void take_up_handovers();
  /// This member's newest ones, for the others; of the last epochs.
  [[nodiscard]] std::vector<Handover> own_handovers() const;
  static constexpr std::size_t kMostHandoversTold = 8;

  /// This member's next block, or nothing where it owns none in the epochs ahead.
  /// REQUIRES: start() was called.
  [[nodiscard]] std::optional<RowRange> next();

  /// Blocks that were trained on and not told by an earlier call: as epoch · block_count() +
  /// position, ascending. `unfinished` as in progress().
  [[nodiscard]] std::vector<std::uint64_t> take_finished(std::uint64_t unfinished);

  /// How far the walk has come, with `unfinished` blocks taken by next() and not trained on yet.
  [[nodiscard]] WalkProgress progress(std::uint64_t unfinished) const;

  [[nodiscard]] std::uint64_t block_count() const { return block_count_; }
  [[nodiscard]] std::uint64_t epoch() const { return at_.epoch; }
  /// Where the walk stands: blocks taken by next() lie before it.
  [[nodiscard]] WalkProgress place() const { return at_; }
  /// The first epoch that this member shares.
  [[nodiscard]] std::uint64_t first_epoch() const { return first_epoch_; }
  /// Blocks taken over from members that are gone.
  [[nodiscard]] std::uint64_t inherited_total() const { return inherited_total_; }

  /// 64 to 256, so that a data set has 2,000 or more blocks where it can.
  [[nodiscard]] static std::uint32_t block_rows(std::uint64_t rows);
  [[nodiscard]] static std::uint64_t block_count_of(std::uint64_t rows);

 private:
  struct Member {
    PeerId id = 0;
    std::uint64_t first_epoch = 0;
    std::uint64_t end_epoch = ~std::uint64_t{0};
    std::optional<WalkProgress> done;  ///< as it last said
    std::optional<WalkProgress> gone_at;

    [[nodiscard]] bool shares(WalkProgress at) const {
      return first_epoch <= at.epoch && at.epoch < end_epoch;
    }
    [[nodiscard]] bool is_gone(WalkProgress at) const { return gone_at && *gone_at <= at; }
  };

  /// A block that is, or was, to be trained on: its place, and where the walk stood when it came.
  struct Placed {
    WalkProgress place;
    WalkProgress at;
    std::uint32_t block = 0;
  };

  void remember(const Placed& taken);
  void begin_epoch(std::uint64_t epoch);
  [[nodiscard]] std::uint64_t epochs_back() const;
  [[nodiscard]] std::vector<std::uint32_t> order_of(std::uint64_t epoch) const;
  /// The member that does `block`, which stands at `at`. 0 when nobody is left.
  [[nodiscard]] PeerId owner(WalkProgress at, std::uint32_t block) const;
  /// The sharing member of largest hash of those that are wanted; null: none is.
  [[nodiscard]] const Member* heaviest(WalkProgress at, std::uint32_t block, auto&& wanted) const;
  [[nodiscard]] const Handover* handover_at(PeerId member, WalkProgress at) const;
  [[nodiscard]] Member* find(PeerId member);
  [[nodiscard]] const Member* find(PeerId member) const;
  [[nodiscard]] RowRange rows_of(std::uint32_t block) const;
  /// Makes `change`; what lies behind the walk from `first` on and is this member's by it is done
  /// next.
  void inherit_by(WalkProgress first, auto&& change);

  // Fixed after construction.
  std::uint64_t rows_;
  std::uint64_t seed_;
  PeerId self_;
  std::uint32_t block_rows_;
  std::uint64_t block_count_;
  // Network thread only.
  WalkProgress at_;
  std::vector<std::uint32_t> order_;  ///< blocks of at_.epoch by position
  std::uint64_t first_epoch_ = 0;
  std::vector<Member> members_;
  std::map<PeerId, std::deque<Handover>> handovers_;  ///< by who gave
  std::vector<std::pair<PeerId, Handover>> heard_;    ///< and not taken up yet
  /// What comes before the walk goes on, inherited or put back: the walk stood earliest for the
  /// first of them.
  std::deque<Placed> next_;
  std::deque<Placed> recent_;  ///< the newest next() results
  std::uint64_t told_ = 0;     ///< of recent_, by take_finished()
  std::uint64_t inherited_total_ = 0;
};

}  // namespace hogwild::sgd
