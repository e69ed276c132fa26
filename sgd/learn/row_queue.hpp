#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace hogwild::sgd {

/// Consecutive rows of the training set.
struct RowRange {
  std::uint64_t first = 0;
  std::uint32_t count = 0;

  friend bool operator==(const RowRange&, const RowRange&) = default;
};

/// The rows that workers train on next: a bounded ring with one producer and many consumers.
///
/// The producer decides order, sharing and pace; consumers only take. A consumer that finds it
/// empty may park in wait(), which is how a throttled or a finished run costs nothing.
/// Threads: push(), close(), stop() from the producer; pop(), wait() from any thread.
/// Invariant: each range pushed is popped once, in order.
class RowQueue {
 public:
  enum class State : std::uint8_t { kOpen, kClosed, kStopped };

  /// REQUIRES: capacity is a power of two.
  explicit RowQueue(std::size_t capacity);

  /// False when full: the caller keeps the range for later. REQUIRES: count in [1, 2²⁰).
  [[nodiscard]] bool push(RowRange range);
  /// Nothing more will come: consumers leave when it is empty.
  void close() { set_state(State::kClosed); }
  /// Consumers leave now, whatever is queued.
  void stop() { set_state(State::kStopped); }
  /// Open and empty again. REQUIRES: no consumer.
  void reopen();

  /// The oldest range, or nothing when it is empty or stopped. Lock-free.
  [[nodiscard]] std::optional<RowRange> pop();
  /// Parks until something may have changed; may return early. False when the consumer should
  /// leave: stopped, or closed and empty.
  [[nodiscard]] bool wait();

  /// Ranges pushed, and popped, since the queue was made or reopened.
  [[nodiscard]] std::uint64_t pushed() const { return tail_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t popped() const { return head_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t capacity() const { return mask_ + 1; }
  [[nodiscard]] bool is_stopped() const { return state() == State::kStopped; }

 private:
  [[nodiscard]] State state() const { return state_.load(std::memory_order_acquire); }
  void set_state(State state);
  void signal();

  // Fixed after construction.
  std::size_t mask_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> slots_;  ///< first << 20 | count
  // Any thread; a line each, since consumers and the producer write them all the time.
  alignas(64) std::atomic<std::uint64_t> head_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::atomic<std::uint32_t> signal_{0};
  std::atomic<State> state_{State::kOpen};
};

}  // namespace hogwild::sgd
