#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <utility>

#include "sgd/replica/replica.hpp"

namespace hogwild::sgd {

/// How fast a counter grew over the last second.
class RateMeter {
 public:
  void add(Instant now, std::uint64_t total) {
    if (!samples_.empty() && now - samples_.back().first < kSpacing) return;
    samples_.emplace_back(now, total);
    while (samples_.size() > 2 && now - samples_[1].first >= kSpan) samples_.pop_front();
  }
  void clear() { samples_.clear(); }

  /// A second's growth; 0 until a fifth of a second was seen.
  [[nodiscard]] double per_second() const {
    if (samples_.size() < 2) return 0.0;
    const auto [begin, first] = samples_.front();
    const auto [end, last] = samples_.back();
    const double seconds = std::chrono::duration<double>(end - begin).count();
    return seconds < 0.2 || last < first ? 0.0 : static_cast<double>(last - first) / seconds;
  }

 private:
  static constexpr std::chrono::milliseconds kSpacing{50};
  static constexpr std::chrono::seconds kSpan{1};

  std::deque<std::pair<Instant, std::uint64_t>> samples_;
};

}  // namespace hogwild::sgd
