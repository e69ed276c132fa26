#include "daemon/log_ring.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hogwild::daemon {

LogRing::LogRing(std::size_t lines_per_level) : lines_per_level_(lines_per_level) {
  assert(lines_per_level > 0);
}

std::uint64_t LogRing::push(std::chrono::system_clock::time_point time, LogLevel level,
                            std::string text) {
  const std::scoped_lock lock(mutex_);
  auto& lines = levels_[static_cast<std::size_t>(level)];
  if (lines.size() == lines_per_level_) lines.pop_front();
  lines.push_back(
      {.sequence = ++last_sequence_, .time = time, .level = level, .text = std::move(text)});
  return last_sequence_;
}

std::vector<LogLine> LogRing::lines(const LogQuery& query) const {
  std::vector<LogLine> found;
  const std::scoped_lock lock(mutex_);
  for (std::size_t level = 0; level <= static_cast<std::size_t>(query.level); ++level) {
    // The newest `limit` of all levels are among the newest `limit` of each.
    const auto& lines = levels_[level];
    const auto wanted = std::min(lines.size(), query.limit);
    for (auto line = lines.end() - static_cast<std::ptrdiff_t>(wanted); line != lines.end();
         ++line) {
      if (line->sequence > query.since) found.push_back(*line);
    }
  }
  std::ranges::sort(found, {}, &LogLine::sequence);
  if (found.size() > query.limit) {
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(query.limit));
  }
  return found;
}

}  // namespace hogwild::daemon
