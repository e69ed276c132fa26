#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/log_line.hpp"

namespace hogwild::daemon {

/// One line as it was logged.
struct LogLine {
  std::uint64_t sequence = 0;  ///< from 1, without gaps, over all levels
  std::chrono::system_clock::time_point time;
  LogLevel level = LogLevel::kMinimal;
  std::string text;
};

/// What to show: lines of `level` and below, with a sequence above `since`, the newest `limit`.
struct LogQuery {
  LogLevel level = LogLevel::kEvaluations;
  std::uint64_t since = 0;
  std::size_t limit = 100;
};

/// The newest lines in memory, a bounded number of each level, so that traffic does not push out
/// what happened to members.
/// Threads: any; a mutex is held for one push or one copy of the lines asked for.
class LogRing {
 public:
  /// REQUIRES: lines_per_level > 0.
  explicit LogRing(std::size_t lines_per_level);
  /// Keeps a line, dropping the oldest of its level where there is no room; returns its sequence.
  std::uint64_t push(std::chrono::system_clock::time_point time, LogLevel level, std::string text);
  /// Oldest first.
  [[nodiscard]] std::vector<LogLine> lines(const LogQuery& query) const;

 private:
  // Fixed after construction
  std::size_t lines_per_level_;
  // Under mutex_
  mutable std::mutex mutex_;
  std::uint64_t last_sequence_ = 0;
  std::array<std::deque<LogLine>, kLogLevelCount> levels_;
};

}  // namespace hogwild::daemon
