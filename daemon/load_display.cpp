#include "daemon/load_display.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace hogwild::daemon {

LoadCounts load_counts(const sgd::LoadProgress& progress, double seconds) {
  return {.bytes = progress.bytes.load(std::memory_order_relaxed),
          .total_bytes = progress.total_bytes.load(std::memory_order_relaxed),
          .rows = progress.rows.load(std::memory_order_relaxed),
          .seconds = seconds};
}

LoadDisplay::LoadDisplay() {
  if (isatty(STDERR_FILENO) == 0) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { show(stop); });
}

LoadDisplay::~LoadDisplay() = default;

void LoadDisplay::show(const std::stop_token& stop) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kPause{200};
  const Clock::time_point start = Clock::now();
  bool has_line = false;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, stop, kPause, [&stop] { return stop.stop_requested(); })) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    // Carriage return, text, and erasing to the end of the line.
    fmt::print(stderr, "\r{}\x1b[K", load_line(load_counts(progress_, seconds)));
    std::fflush(stderr);
    has_line = true;
  }
  if (!has_line) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

}  // namespace hogwild::daemon
