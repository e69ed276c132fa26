#include "sgd/learn/round_board.hpp"

#include <algorithm>
#include <cassert>

namespace hogwild::sgd {

RoundBoard::RoundBoard(std::uint32_t workers, std::function<void()> on_finished)
    : parts_(workers), on_finished_(std::move(on_finished)) {
  assert(workers > 0);
}

void RoundBoard::open(std::span<const RowRange> rows) {
  assert(!is_running());
  std::uint64_t total = 0;
  for (const RowRange& range : rows) total += range.count;
  // Consecutive parts, equal but for one row.
  std::size_t at = 0;
  std::uint32_t used = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    Part& part = parts_[i];
    part.rows.clear();
    part.at = 0;
    part.done = 0;
    std::uint64_t wanted = total * (i + 1) / parts_.size() - total * i / parts_.size();
    while (wanted > 0) {
      const RowRange& range = rows[at];
      const auto count =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, range.count - used));
      part.rows.push_back({range.first + used, count});
      wanted -= count;
      used += count;
      if (used == range.count) {
        ++at;
        used = 0;
      }
    }
  }
  is_closed_.store(false, std::memory_order_relaxed);
  running_.store(static_cast<std::uint32_t>(parts_.size()), std::memory_order_relaxed);
  // Release: who sees the new round sees its parts.
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
}

void RoundBoard::stop() {
  is_stopped_.store(true, std::memory_order_relaxed);
  close();
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
}

std::vector<RowRange> RoundBoard::left_over() const {
  assert(!is_running());
  std::vector<RowRange> left;
  for (const Part& part : parts_) {
    for (std::size_t i = part.at; i < part.rows.size(); ++i) {
      const std::uint32_t done = i == part.at ? part.done : 0;
      left.push_back({part.rows[i].first + done, part.rows[i].count - done});
    }
  }
  return left;
}

bool RoundBoard::await(std::uint32_t i) {
  Part& part = parts_[i];
  while (true) {
    const std::uint64_t round = round_.load(std::memory_order_acquire);
    if (is_stopped_.load(std::memory_order_relaxed)) return false;
    if (round != part.seen) {
      part.seen = round;
      return true;
    }
    round_.wait(round, std::memory_order_acquire);
  }
}

std::optional<RowRange> RoundBoard::next(std::uint32_t i) {
  Part& part = parts_[i];
  if (part.at == part.rows.size() || is_closed_.load(std::memory_order_relaxed)) {
    return std::nullopt;
  }
  const RowRange& range = part.rows[part.at];
  const RowRange piece{range.first + part.done, std::min(kPiece, range.count - part.done)};
  part.done += piece.count;
  if (part.done == range.count) {
    ++part.at;
    part.done = 0;
  }
  return piece;
}

void RoundBoard::finish(std::uint32_t) {
  // Release: what this worker merged and left is seen by who sees the end of the round.
  if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) on_finished_();
}

}  // namespace hogwild::sgd
