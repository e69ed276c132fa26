#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace hogwild::sgd {

/// What the network thread tells the workers about the rest of the cluster, and what they ask of
/// it.
///
/// Threads: each member says who writes it; all are relaxed, since a worker that sees an old value
/// trains as it would have a moment ago.
struct Pace {
  /// s_cluster: how much work the whole cluster does while this node does one unit of it. 1 alone.
  /// Written by the network thread.
  std::atomic<float> lookahead{1.0F};
  /// Flushes of this node so far. Written by the network thread, which notifies after each.
  std::atomic<std::uint32_t> flushes{0};
  /// Set by a worker that computed a value that is not finite, or whose node's sums left their
  /// range; all workers stop then. Read by the network thread.
  std::atomic<bool> has_fault{false};
  /// A worker waits for a flush, whatever else the time for one is. Written by workers, taken back
  /// by the network thread.
  std::atomic<bool> wants_flush{false};
  /// Ranges popped from the queue at which more rows are asked for; the largest number: not at all.
  /// Written by the network thread when it fills the queue, taken back by the worker that asks.
  std::atomic<std::uint64_t> refill_at{kNever};
  /// Rows are wanted. Written by workers, taken back by the network thread.
  std::atomic<bool> wants_rows{false};
  /// Wakes the network thread, after wants_flush or wants_rows was set. Called by workers; must be
  /// callable from any thread. Empty where no flush is needed (one machine, no network).
  std::function<void()> wake;

  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  /// Called after ranges were taken: `popped` so far.
  void taken(std::uint64_t popped) {
    if (popped < refill_at.load(std::memory_order_relaxed)) return;
    if (refill_at.exchange(kNever, std::memory_order_relaxed) == kNever) return;
    wants_rows.store(true, std::memory_order_relaxed);
    if (wake) wake();
  }
  void request_flush() {
    wants_flush.store(true, std::memory_order_relaxed);
    wake();
  }
  /// Tells workers that wait for a flush that one happened, or that they must not wait.
  void flushed() {
    wants_flush.store(false, std::memory_order_relaxed);
    flushes.fetch_add(1, std::memory_order_release);
    flushes.notify_all();
  }
};

}  // namespace hogwild::sgd
