#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "sgd/data/mix64.hpp"
#include "sgd/learn/sums_layout.hpp"

namespace hogwild::sgd {

/// One addition to the replicated state.
struct CellDelta {
  std::uint32_t cell = 0;
  std::int64_t value = 0;

  friend bool operator==(const CellDelta&, const CellDelta&) = default;
};

/// A copy of the replicated state at one moment.
struct SumsImage {
  std::vector<std::int64_t> scalars;
  std::vector<std::int32_t> sums;

  [[nodiscard]] std::uint64_t examples() const { return static_cast<std::uint64_t>(scalars[0]); }
};

/// A cell's weight in the digest: odd, so that a change of any single cell by less than 2⁶⁴ changes
/// the digest.
[[nodiscard]] constexpr std::uint64_t digest_weight(std::uint32_t cell) { return mix64(cell) | 1U; }
/// The digest of sums that are equal to `image`.
[[nodiscard]] std::uint64_t digest_of(const SumsImage& image);

/// The replicated state of a run: integers that every node adds up to the same values.
///
/// The model is a function of it (sgd/learn/model.hpp). Source: dual averaging for sparse data,
/// Duchi, Jordan, McMahan 2013, in integers so that addition commutes exactly.
/// Threads: add() and install() from the network thread only; scalar() and sum() from any thread,
/// relaxed: a stale value is one that a slower message would have given too.
/// Invariant: equal sets of applied deltas give equal cells and an equal digest, in any order.
class PublishedSums {
 public:
  /// Largest magnitude of a gradient sum: past it a run stops instead of coming near a wrap.
  static constexpr std::int32_t kLargestSum = 1 << 30;

  /// All zeros.
  explicit PublishedSums(SumsLayout layout);

  [[nodiscard]] const SumsLayout& layout() const { return layout_; }

  /// Adds to one cell and to the digest. REQUIRES: cell < layout().cell_count().
  void add(CellDelta delta) {
    digest_ += digest_weight(delta.cell) * static_cast<std::uint64_t>(delta.value);
    if (delta.cell < layout_.scalar_count()) {
      add_scalar(delta.cell, delta.value);
    } else {
      const std::uint32_t index = delta.cell - layout_.scalar_count();
      add_sum(index, delta.value);
      count_change(index / kBlock);
    }
  }

  /// The same for many; those of one block one behind the other cost least.
  void add(std::span<const CellDelta> deltas);

  /// A counter or intercept, perhaps stale. REQUIRES: cell < layout().scalar_count().
  [[nodiscard]] std::int64_t scalar(std::uint32_t cell) const {
    return std::atomic_ref(scalars_[cell]).load(std::memory_order_relaxed);
  }
  /// Sum of position `index` (feature·columns + column), perhaps stale. REQUIRES: in range.
  [[nodiscard]] std::int32_t sum(std::uint32_t index) const {
    return std::atomic_ref(sums_[index]).load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t examples() const {
    return static_cast<std::uint64_t>(scalar(SumsLayout::kExamples));
  }
  /// How often a block of sums was added to. Read before its sums, it tells whether those that were
  /// read at the same number are still the newest. Any thread.
  [[nodiscard]] std::uint32_t version(std::uint32_t block) const {
    return std::atomic_ref(version_[block]).load(std::memory_order_acquire);
  }
  /// The sums from position `index` on, for readers that load many at once (kernels.hpp): each may
  /// change at any time. REQUIRES: in range.
  [[nodiscard]] const std::int32_t* changing_sums(std::uint32_t index) const {
    return sums_.data() + index;
  }

  /// Σ weight(cell)·value over all additions, mod 2⁶⁴: linear, hence the same in any order.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  /// The first position whose sum passed kLargestSum, or -1. Network thread only.
  [[nodiscard]] std::int64_t overflowed() const { return overflowed_; }

  /// A copy of the counters and intercepts. Network thread only.
  [[nodiscard]] std::vector<std::int64_t> image_scalars() const { return scalars_; }
  /// A copy of all cells. Network thread only.
  [[nodiscard]] SumsImage image() const {
    return {scalars_, {sums_.begin(), sums_.begin() + layout_.sum_count()}};
  }
  /// Replaces all cells and recomputes the digest. REQUIRES: the sizes of layout().
  void install(const SumsImage& image);

 private:
  // Only the network thread writes, so a load and a store do: no locked instruction is needed.
  void add_scalar(std::uint32_t cell, std::int64_t value) {
    const std::atomic_ref ref(scalars_[cell]);
    const auto sum = static_cast<std::uint64_t>(ref.load(std::memory_order_relaxed)) +
                     static_cast<std::uint64_t>(value);
    ref.store(static_cast<std::int64_t>(sum), std::memory_order_relaxed);
  }
  void add_sum(std::uint32_t index, std::int64_t value) {
    const std::atomic_ref ref(sums_[index]);
    const auto sum =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(ref.load(std::memory_order_relaxed)) +
                                  static_cast<std::uint32_t>(value));
    ref.store(sum, std::memory_order_relaxed);
    if (sum > kLargestSum || sum < -kLargestSum) overflowed_ = index;
  }
  // Release: who reads the new number sees the sum that it counts.
  void count_change(std::uint32_t block) {
    const std::atomic_ref ref(version_[block]);
    ref.store(ref.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // Fixed after construction.
  SumsLayout layout_;
  // Written by the network thread, read by any, relaxed. (atomic_ref of a const object is C++26.)
  mutable std::vector<std::int64_t> scalars_;
  mutable std::vector<std::int32_t> sums_;      ///< padded, see SumsLayout
  mutable std::vector<std::uint32_t> version_;  ///< one a block
  // Network thread only.
  std::uint64_t digest_ = 0;
  std::int64_t overflowed_ = -1;
};

}  // namespace hogwild::sgd
