#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sgd/data/array.hpp"
#include "sgd/learn/kernels.hpp"
#include "sgd/learn/own_work.hpp"
#include "sgd/learn/published_sums.hpp"
#include "sgd/learn/rule.hpp"

namespace hogwild::sgd {

/// The factors of a replica that change between windows (docs/algorithm.md, "The worker").
struct ReplicaFactors {
  float lookahead = 1.0F;            ///< s: of this worker's own work
  float cluster = 1.0F;              ///< s_cluster: of what its node merged but did not publish
  std::vector<float> metric_factor;  ///< ρ = √(A + 1)/lt, a column
};

/// How much of a replica an exchange takes: all of it, or of a wide one its hot part, the frequent
/// features, which are the first.
enum class Extent : std::uint8_t { kHot, kWhole };

/// What an exchange does with a stripe that another thread has claimed.
enum class WhenBusy : std::uint8_t { kPassOver, kWait };

/// One worker's copy of the model, in floats that nobody else touches: u = (q·S + s·P)·im.
///
/// Training writes u. An exchange moves what was learned, as integers, into the node's OwnWork and
/// rebuilds from what all nodes published. A narrow replica is exchanged whole. In a wide one
/// training flags the blocks that it writes, and an exchange takes those, the ones that others
/// changed, and the ones whose metric drifted by 2 %: what lies still costs nothing.
/// Threads: the worker's only. Cost: 12 bytes a position.
/// Invariant: merged integers + the residue that is kept here = everything that was learned here.
class PrivateReplica {
 public:
  /// Nothing is built before the first exchange(). `rule` must outlive it.
  PrivateReplica(const Rule& rule, SumsLayout layout, const Kernels& kernels);

  /// Whether an exchange takes the blocks that were touched, and not all.
  [[nodiscard]] bool is_wide() const { return is_wide_; }

  [[nodiscard]] ReplicaView view() {
    return {u_.data(), inverse_metric_.data(), is_wide_ ? is_dirty_.data() : nullptr};
  }

  /// Merges `extent` into `own` and rebuilds it with `factors`, from stripe `first_stripe` on.
  /// Stripes that another thread has claimed are passed over and go on as they are, unless
  /// `when_busy` says to wait for them (by rounds, where all would wait for that thread anyhow);
  /// returns their number.
  std::uint32_t exchange(OwnWork& own, const PublishedSums& published,
                         const ReplicaFactors& factors, Extent extent, std::uint32_t first_stripe,
                         WhenBusy when_busy = WhenBusy::kPassOver);

  /// True where the last exchange left something that was learned: it was not of the whole, a
  /// stripe was passed over, or a value was too large for one merge.
  [[nodiscard]] bool has_unmerged() const { return has_unmerged_; }
  /// True when a sum that was merged here has left its range: what follows would wrap.
  [[nodiscard]] bool has_overflowed() const { return has_overflowed_; }

 private:
  /// What a block was built from.
  struct Build {
    std::uint32_t made_version = 0;
    std::uint32_t published_version = 0;
    float drift = 0.0F;           ///< drift_ then
    float largest_metric = 0.0F;  ///< of the block's features; fixed
  };

  [[nodiscard]] float metric_at(std::uint32_t position) const;
  void begin(const ReplicaFactors& factors);
  void exchange_stripe(std::uint32_t stripe, OwnWork& own, const PublishedSums& published);
  [[nodiscard]] bool is_stale(const Build& build) const;
  [[nodiscard]] BlockOutcome rebuild(std::uint32_t block, OwnWork& own, std::uint32_t stripe,
                                     const PublishedSums& published);
  [[nodiscard]] const float* block_metric(std::uint32_t begin);
  void pass_over(std::uint32_t stripe, const OwnWork& own);

  // Fixed after construction.
  const Rule& rule_;
  SumsLayout layout_;
  const Kernels& kernels_;
  bool is_wide_;
  // One a position.
  Array<float> u_;
  Array<float> u_start_;         ///< u as it was built
  Array<float> inverse_metric_;  ///< im = 1/(1 + ρ·sv)
  // One a block.
  std::vector<std::uint8_t> is_dirty_;
  std::vector<Build> builds_;
  // The factors in force, and what they were in the last window.
  ReplicaFactors factors_;
  float built_lookahead_ = 1.0F;
  bool must_rebuild_ = true;            ///< s or s_cluster changed: every block is stale
  float drift_ = 0.0F;                  ///< Σ over exchanges of the largest |ln ρ/ρ_before|
  float largest_metric_factor_ = 0.0F;  ///< of the columns
  bool has_unmerged_ = false;
  bool has_overflowed_ = false;
  std::vector<float> metric_factors_;  ///< ρ again and again: of any block a piece of this
  std::vector<float> block_metric_;    ///< sv of a block, where no piece of rule_.metric will do
};

}  // namespace hogwild::sgd
