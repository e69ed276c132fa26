#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "sgd/learn/published_sums.hpp"
#include "sgd/replica/block_tally.hpp"
#include "sgd/replica/budget.hpp"
#include "sgd/replica/datagram_batch.hpp"
#include "sgd/replica/delta.hpp"
#include "sgd/replica/ids.hpp"
#include "sgd/replica/origin_window.hpp"
#include "sgd/replica/repair_schedule.hpp"
#include "sgd/replica/retained.hpp"

namespace hogwild::sgd {

using Instant = std::chrono::steady_clock::time_point;

/// Which of one origin's datagrams a member has applied.
struct OriginCoverage {
  OriginId origin = 0;
  std::uint64_t contiguous = 0;
  std::vector<SeqRange> beyond;

  /// Whether any number of the ranges is covered.
  [[nodiscard]] bool covers_any(std::span<const SeqRange> ranges) const;
  friend bool operator==(const OriginCoverage&, const OriginCoverage&) = default;
};

/// All that makes two replicas equal: the cells, and which datagrams made them.
struct ReplicaImage {
  SumsImage sums;
  std::uint64_t digest = 0;
  std::uint64_t applied_hash = 0;
  std::vector<OriginCoverage> coverage;
  BlockTally tally{};
};

/// Ranges of one origin that this replica lacks and wants sent again.
struct RepairRequest {
  OriginId origin = 0;
  std::uint32_t tries = 0;  ///< how often it was asked for already
  std::vector<SeqRange> missing;
};

/// What of one origin is known to exist and was not received.
struct Gap {
  OriginId origin = 0;
  std::uint64_t count = 0;
  std::vector<SeqRange> missing;  ///< the first ranges of it
};

/// One origin's part of a state: its datagrams up to this number.
struct OriginCut {
  OriginId origin = 0;
  std::uint64_t through = 0;
};

/// When datagrams change the cells: as they come, or when a round that counts them is committed.
enum class ApplyMode : std::uint8_t { kAtOnce, kByRound };

/// What became of a datagram. Nothing but kApplied changes the cells.
enum class ApplyResult : std::uint8_t {
  kApplied,
  kHeld,          ///< kept for the round that counts it
  kDuplicate,     ///< applied before
  kBeyondWindow,  ///< too far past a gap; it will be asked for
  kFrozen,        ///< the run's final state is fixed
  kWrongRun,
  kTooManyOrigins,
  kMalformed,  ///< see DeltaError
};

struct ReplicaCounters {
  std::uint64_t applied_total = 0;
  std::uint64_t duplicate_total = 0;
  std::uint64_t repaired_total = 0;  ///< applied after they had been asked for
  std::uint64_t lost_total = 0;      ///< found missing (each counted once)
  std::uint64_t beyond_window_total = 0;
  std::uint64_t remote_examples_total = 0;
};

/// The same of one origin's datagrams alone.
struct OriginCounters {
  std::uint64_t duplicate_total = 0;
  std::uint64_t repaired_total = 0;
  std::uint64_t lost_total = 0;
};

/// One node's copy of a run's state: applies each datagram of each origin once, in any order.
///
/// Source: docs/protocol.md. A core without I/O: the caller moves bytes and tells the time.
/// Threads: network thread only; workers read sums() relaxed.
/// In a run by rounds the datagrams that came are held, and commit() applies those that a round
/// counts, for each origin without a gap.
/// Invariants: cells = Σ of the datagrams in the applied set, so equal applied_hash() means equal
/// digest(); a datagram that was applied here is retained until released or evicted; what is held
/// is not released.
class Replica {
 public:
  /// Origins that a run can have: processes that ever published in it.
  static constexpr std::size_t kMostOrigins = 4096;

  Replica(RunId run, OriginId self, SumsLayout layout, std::size_t retained_bytes,
          ApplyMode mode = ApplyMode::kAtOnce, BlockTally tally = BlockTally());

  [[nodiscard]] RunId run() const { return run_; }
  [[nodiscard]] OriginId self() const { return self_; }
  [[nodiscard]] PublishedSums& sums() { return sums_; }
  [[nodiscard]] const PublishedSums& sums() const { return sums_; }
  [[nodiscard]] BlockTally& tally() { return tally_; }
  [[nodiscard]] const BlockTally& tally() const { return tally_; }

  /// Cuts `fresh` into datagrams, keeps them and appends them to `out`.
  /// REQUIRES: ascending by cell; `fresh` is in sums() already (OwnWork::collect), but by rounds it
  /// is not (OwnWork::take).
  void publish(std::span<const CellDelta> fresh, DatagramBatch& out);

  /// Applies a datagram that anybody sent. `new_origins`: those that its sender may still make
  /// known; null: any number.
  ApplyResult apply(std::span<const std::byte> datagram, Instant now,
                    Budget* new_origins = nullptr);
  /// Why the last datagram that was malformed was.
  [[nodiscard]] DeltaError last_error() const { return last_error_; }

  /// Somebody says that `origin` has published up to `seq`: what is missing of it can be asked for.
  void heard_of(OriginId origin, std::uint64_t seq, Instant now, Budget* new_origins = nullptr);
  /// Forgets the origins of which nothing came, but for those that have_it() holds for and that
  /// were not asked for in vain too often.
  void forget_hearsay(const std::function<bool(OriginId)>& have_it);

  /// What is due to be asked for now; schedules the next time with a back-off.
  void due_repairs(Instant now, std::vector<RepairRequest>& out);
  /// When due_repairs() may have something; Instant::max() when nothing is missing.
  [[nodiscard]] Instant next_repair() const;

  [[nodiscard]] std::span<const std::byte> retained(OriginId origin, std::uint64_t seq) const {
    return retained_.find(origin, seq);
  }
  /// Every live member has this origin's datagrams up to `seq`.
  void release(OriginId origin, std::uint64_t seq);

  // ── By rounds ──
  /// applied_hash() as it will be with each origin applied through its cut. Nothing where a cut
  /// lies before what is applied already. Cost: one step a datagram.
  [[nodiscard]] std::optional<std::uint64_t> hash_with(std::span<const OriginCut> cuts) const;
  /// Applies each origin through its cut, in one step. False, and unchanged, where a datagram is
  /// not held (any more): then only a snapshot helps. REQUIRES: hash_with(cuts) is something.
  [[nodiscard]] bool commit(std::span<const OriginCut> cuts);
  /// The last of an origin's datagrams that is part of the cells.
  [[nodiscard]] std::uint64_t applied_through(OriginId origin) const;
  /// Examples of an origin in what commit() applied.
  [[nodiscard]] std::uint64_t examples_applied(OriginId origin) const;
  /// Goes on under another name; what was published under the old one stays retained.
  void start_over(OriginId fresh);
  /// Own datagrams that are not part of the state any more: an image lacked them, and no copy was
  /// kept.
  [[nodiscard]] std::uint64_t own_missing() const;
  /// From now on own datagrams are let go of by age alone: members out of reach may want them.
  void keep_own() { keeps_own_ = true; }

  /// From now on the applied set stays as it is, and nothing is asked for.
  void freeze();

  /// Σ over applied datagrams of a hash of (origin, seq): equal exactly where the sets are.
  [[nodiscard]] std::uint64_t applied_hash() const { return applied_hash_; }
  [[nodiscard]] std::uint64_t digest() const { return sums_.digest(); }
  /// This node's last published sequence number.
  [[nodiscard]] std::uint64_t last_seq() const { return last_seq_; }
  [[nodiscard]] std::vector<OriginCoverage> coverage() const;
  [[nodiscard]] std::uint64_t contiguous(OriginId origin) const;
  /// The largest of its numbers that somebody named; 0 of an origin that is not known.
  [[nodiscard]] std::uint64_t known_last(OriginId origin) const;
  /// Datagrams known to exist and not received, by origin.
  [[nodiscard]] std::vector<Gap> gaps() const;
  [[nodiscard]] const ReplicaCounters& counters() const { return counters_; }
  /// All zero of an origin that this replica has not heard of.
  [[nodiscard]] OriginCounters counters_of(OriginId origin) const;
  [[nodiscard]] bool is_frozen() const { return is_frozen_; }
  [[nodiscard]] const Retained& retained_ring() const { return retained_; }

  [[nodiscard]] ReplicaImage image() const;
  /// Becomes what `image` is, plus (unless frozen) this node's own datagrams that it lacks and that
  /// are retained.
  /// False, and unchanged, when sizes or the digest do not agree with each other.
  [[nodiscard]] bool install(const ReplicaImage& image);

 private:
  struct Origin {
    OriginWindow window;
    std::uint64_t applied = 0;       ///< by rounds: what of the window is in the cells
    std::uint64_t examples = 0;      ///< by rounds: in what was applied here
    std::uint64_t known_last = 0;    ///< largest number that somebody named
    std::uint64_t counted_lost = 0;  ///< numbers up to this one were counted when found missing
    RepairSchedule repairs;
    // A range that was asked for: when it comes says how long a repair takes.
    SeqRange timed;
    Instant timed_at{};
    OriginCounters counters;
  };

  void add(std::span<const CellDelta> entries);
  /// Takes the entries of blocks; returns those of cells.
  [[nodiscard]] std::span<const CellDelta> count_blocks(std::span<const CellDelta> entries);
  ApplyResult malformed(DeltaError error);
  void mark_received(Origin& origin, std::uint64_t seq);
  void mark_applied(Origin& origin, OriginId id, std::uint64_t seq);
  void count_lost(Origin& origin, std::span<const SeqRange> missing);
  void time_repair(Origin& origin, std::uint64_t seq, Instant now);
  void reapply_own();
  void hold_retained_again();

  // Fixed after construction.
  RunId run_;
  ApplyMode mode_;
  // Network thread only, but for what PublishedSums says.
  OriginId self_;
  PublishedSums sums_;
  BlockTally tally_;
  Retained retained_;
  DeltaError last_error_{};
  std::map<OriginId, Origin> origins_;
  std::uint64_t applied_hash_ = 0;
  std::uint64_t last_seq_ = 0;
  bool is_frozen_ = false;
  bool keeps_own_ = false;
  std::chrono::nanoseconds repair_time_{};  ///< smoothed, from asking to having; 0 unknown
  std::vector<CellDelta> entries_;          ///< scratch of apply()
  ReplicaCounters counters_;
};

}  // namespace hogwild::sgd
