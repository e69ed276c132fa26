#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sgd/learn/published_sums.hpp"
#include "sgd/learn/sums_layout.hpp"

namespace hogwild::sgd {

/// Everything that this node's workers ever learned (W), and how much of it was published (Sent).
///
/// Workers merge integers into W stripe by stripe; the network thread takes what is new there,
/// W − Sent, as the node's next deltas. What a crash loses is exactly W − Sent.
/// Threads: a stripe of W and of Sent is touched only by the thread that has claimed it; claims
/// are atomic flags, a busy stripe is passed over, nobody waits. Scalars: add_scalar() from any
/// thread, relaxed, since they are sums of independent additions.
/// Invariant: Σ of everything collect() ever returned = Sent ≤ W, cell by cell.
class OwnWork {
 public:
  static constexpr std::uint32_t kStripe = 4096;  ///< positions a claim covers: 16 KiB, half an L1
  static constexpr std::uint32_t kStripeBlocks = kStripe / kBlock;

  explicit OwnWork(SumsLayout layout);

  [[nodiscard]] const SumsLayout& layout() const { return layout_; }
  [[nodiscard]] std::uint32_t stripe_count() const { return stripe_count_; }
  /// First position of a stripe of sums, and how many it has.
  [[nodiscard]] std::uint32_t stripe_begin(std::uint32_t stripe) const { return stripe * kStripe; }
  [[nodiscard]] std::uint32_t stripe_size(std::uint32_t stripe) const;

  /// The right to touch one stripe; gives it back when destroyed.
  class Claim {
   public:
    explicit Claim(std::atomic<bool>* flag) : flag_(flag) {}
    Claim(Claim&& other) noexcept : flag_(std::exchange(other.flag_, nullptr)) {}
    Claim& operator=(Claim&& other) noexcept {
      std::swap(flag_, other.flag_);
      return *this;
    }
    // Release: the next claimer sees what this one wrote.
    ~Claim() {
      if (flag_ != nullptr) flag_->store(false, std::memory_order_release);
    }
    explicit operator bool() const { return flag_ != nullptr; }

   private:
    std::atomic<bool>* flag_;
  };

  /// Claims a stripe, or returns a false claim at once when another thread has it.
  [[nodiscard]] Claim try_claim(std::uint32_t stripe);
  /// W of a claimed stripe. REQUIRES: the caller holds its claim.
  [[nodiscard]] std::span<std::int32_t> made(std::uint32_t stripe);
  /// Sent of a claimed stripe. REQUIRES: the caller holds its claim.
  [[nodiscard]] std::span<const std::int32_t> sent(std::uint32_t stripe) const;

  /// How often each block of a claimed stripe got new work. Whoever adds to made() counts here.
  /// REQUIRES: the caller holds the stripe's claim.
  [[nodiscard]] std::span<std::uint32_t> versions(std::uint32_t stripe) {
    return std::span(version_).subspan(std::size_t{stripe} * kStripeBlocks, kStripeBlocks);
  }

  /// Adds to a counter or intercept. Any thread.
  void add_scalar(std::uint32_t cell, std::int64_t value) {
    made_scalars_[cell].fetch_add(value, std::memory_order_relaxed);
  }
  /// What of a counter or intercept is merged here but not published. Any thread, perhaps stale.
  [[nodiscard]] std::int64_t unsent_scalar(std::uint32_t cell) const {
    return made_scalars_[cell].load(std::memory_order_relaxed) -
           sent_scalars_[cell].load(std::memory_order_relaxed);
  }
  /// Examples that this node has merged since it started. Any thread.
  [[nodiscard]] std::uint64_t examples_made() const {
    return static_cast<std::uint64_t>(
        made_scalars_[SumsLayout::kExamples].load(std::memory_order_relaxed));
  }

  /// Takes what is new since the last call: adds it to `published` and to Sent and appends it to
  /// `out`, ascending by cell. A busy stripe is left for the next call. Network thread only.
  /// Cost: one pass over the blocks that have new work.
  void collect(PublishedSums& published, std::vector<CellDelta>& out);
  /// As collect(), but `published` is left to whoever applies what was taken, when its round is
  /// committed.
  void take(std::vector<CellDelta>& out);
  /// As collect(), for a node without peers: nothing is listed, which is 16 bytes a cell.
  void publish_to(PublishedSums& published);

  /// Forgets all work, as in a new process. REQUIRES: no worker is running.
  void reset();

 private:
  template <class Take>
  void collect_each(const Take& take);
  template <class Take>
  void collect_block(std::uint32_t block, const Take& take);

  // Fixed after construction.
  SumsLayout layout_;
  std::uint32_t stripe_count_;
  // A stripe at a time, by its claimer.
  std::vector<std::int32_t> made_;
  std::vector<std::int32_t> sent_;
  std::vector<std::uint32_t> version_;  ///< one a block
  std::unique_ptr<std::atomic<bool>[]> claimed_;
  // Any thread, relaxed.
  std::unique_ptr<std::atomic<std::int64_t>[]> made_scalars_;
  // Written by the network thread, read by any, relaxed.
  std::unique_ptr<std::atomic<std::int64_t>[]> sent_scalars_;
  // Network thread only.
  std::vector<std::uint32_t> collected_version_;  ///< of version_ at the last collect()
};

}  // namespace hogwild::sgd
