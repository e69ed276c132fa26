#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sgd/learn/row_queue.hpp"

namespace hogwild::sgd {

/// Where the workers of a node get their rows of a round, in synchronous runs.
///
/// The network thread opens a round with rows that are shared out alike: worker i gets the i-th
/// part, always the same for the same rows. Each worker trains its part, or as much of it as comes
/// before the round is closed, merges what it learned, and parks. When the last one has, the round
/// is over.
/// Threads: open(), close(), left_over(), stop() from the network thread; await(), next(), finish()
/// from worker i alone.
/// Invariant: each row of a round is trained once or is in left_over().
class RoundBoard {
 public:
  /// Rows that a worker trains between two looks at the clock of others.
  static constexpr std::uint32_t kPiece = 256;

  /// `on_finished` is called by the last worker of a round; from any thread.
  RoundBoard(std::uint32_t workers, std::function<void()> on_finished);

  // ── Network thread ──
  /// Begins a round. REQUIRES: !is_running().
  void open(std::span<const RowRange> rows);
  /// The time is over: each worker ends with the piece that it is at.
  void close() { is_closed_.store(true, std::memory_order_relaxed); }
  /// Workers leave as soon as they have merged.
  void stop();
  /// True from open() until all workers have merged.
  [[nodiscard]] bool is_running() const {
    // Acquire: who sees the end sees what the workers left.
    return running_.load(std::memory_order_acquire) > 0;
  }
  /// Rows of the last round that nobody trained, in order. REQUIRES: !is_running().
  [[nodiscard]] std::vector<RowRange> left_over() const;

  // ── Worker i ──
  /// Parks until a round begins that worker i has not seen. False: leave.
  [[nodiscard]] bool await(std::uint32_t i);
  /// Its next rows, at most kPiece; nothing where its part is done or the round is closed.
  [[nodiscard]] std::optional<RowRange> next(std::uint32_t i);
  /// It has merged all that it learned.
  void finish(std::uint32_t i);

 private:
  struct alignas(64) Part {
    std::vector<RowRange> rows;  ///< written by the network thread between rounds
    std::size_t at = 0;          ///< first range that is not done
    std::uint32_t done = 0;      ///< rows of that range which are
    std::uint64_t seen = 0;      ///< rounds that this worker began
  };

  std::vector<Part> parts_;
  std::function<void()> on_finished_;
  std::atomic<std::uint64_t> round_{0};  ///< workers wait for it to change
  std::atomic<std::uint32_t> running_{0};
  std::atomic<bool> is_closed_{false};
  std::atomic<bool> is_stopped_{false};
};

}  // namespace hogwild::sgd
