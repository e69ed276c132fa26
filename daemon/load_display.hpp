#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "daemon/load_line.hpp"
#include "sgd/data/load_progress.hpp"

namespace hogwild::daemon {

/// What `progress` says, `seconds` after the beginning.
[[nodiscard]] LoadCounts load_counts(const sgd::LoadProgress& progress, double seconds);

/// A live line on standard error while data are loaded, where that is a terminal; nothing where it
/// is none, and nothing for data that are there at once. The line is gone when this ends.
/// Threads: one of its own, which reads the counters.
class LoadDisplay {
 public:
  LoadDisplay();
  ~LoadDisplay();

  /// What the loader counts in.
  [[nodiscard]] sgd::LoadProgress* progress() { return &progress_; }

 private:
  void show(const std::stop_token& stop);

  sgd::LoadProgress progress_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  ///< last: it uses the others
};

}  // namespace hogwild::daemon
