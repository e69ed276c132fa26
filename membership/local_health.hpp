#pragma once

#include <algorithm>
#include <cstdint>

#include "membership/instant.hpp"

namespace hogwild::membership {

/// How much this node trusts itself: 0 is healthy, each sign of own slowness adds one.
///
/// Source: Lifeguard, "LHA-Probe". A node that is slow, or cut off, sees everybody as slow; it
/// waits longer instead. Invariant: 0 <= score() <= kMaxScore.
class LocalHealth {
 public:
  static constexpr std::uint32_t kMaxScore = 8;

  void worsen(std::uint32_t by = 1) {
    score_ = std::min(kMaxScore, score_ + std::min(by, kMaxScore));
  }
  void improve() { score_ -= score_ > 0 ? 1 : 0; }
  [[nodiscard]] std::uint32_t score() const { return score_; }
  /// A time that a healthy node would wait, as long as this one should.
  [[nodiscard]] Duration scaled(Duration time) const { return time * (1 + score_); }
  /// The same, gently: up to three times. For verdicts that have other safeguards.
  [[nodiscard]] Duration stretched(Duration time) const { return time * (4 + score_) / 4; }

 private:
  std::uint32_t score_ = 0;
};

}  // namespace hogwild::membership
