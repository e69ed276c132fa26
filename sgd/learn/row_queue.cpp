#include "sgd/learn/row_queue.hpp"

#include <bit>
#include <cassert>

namespace hogwild::sgd {
namespace {

constexpr unsigned kCountBits = 20;

}  // namespace

RowQueue::RowQueue(std::size_t capacity)
    : mask_(capacity - 1), slots_(std::make_unique<std::atomic<std::uint64_t>[]>(capacity)) {
  assert(std::has_single_bit(capacity));
}

bool RowQueue::push(RowRange range) {
  assert(range.count > 0);
  assert(range.count < (1U << kCountBits));
  const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  // Acquire: a slot is written again only after its consumer moved the head past it.
  if (tail - head_.load(std::memory_order_acquire) > mask_) return false;
  slots_[tail & mask_].store(range.first << kCountBits | range.count, std::memory_order_relaxed);
  // Release: who sees the new tail sees the slot.
  tail_.store(tail + 1, std::memory_order_release);
  signal();
  return true;
}

std::optional<RowRange> RowQueue::pop() {
  std::uint64_t head = head_.load(std::memory_order_relaxed);
  while (state() != State::kStopped && head != tail_.load(std::memory_order_acquire)) {
    const std::uint64_t slot = slots_[head & mask_].load(std::memory_order_relaxed);
    // A slot that was overwritten meanwhile means that the head moved: the exchange then fails.
    if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel,
                                    std::memory_order_relaxed)) {
      return RowRange{slot >> kCountBits,
                      static_cast<std::uint32_t>(slot & ((1U << kCountBits) - 1))};
    }
  }
  return std::nullopt;
}

bool RowQueue::wait() {
  const std::uint32_t seen = signal_.load(std::memory_order_acquire);
  const State now = state();
  const bool is_empty =
      head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  if (now == State::kStopped || (now == State::kClosed && is_empty)) return false;
  // Whatever came after `seen` was read has changed the signal, and wait() returns at once.
  if (is_empty) signal_.wait(seen, std::memory_order_acquire);
  return true;
}

void RowQueue::reopen() {
  head_.store(0, std::memory_order_relaxed);
  tail_.store(0, std::memory_order_relaxed);
  state_.store(State::kOpen, std::memory_order_release);
}

void RowQueue::set_state(State state) {
  state_.store(state, std::memory_order_release);
  signal();
}

void RowQueue::signal() {
  signal_.fetch_add(1, std::memory_order_release);
  signal_.notify_all();
}

}  // namespace hogwild::sgd
