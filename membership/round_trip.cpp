#include "membership/round_trip.hpp"

#include <algorithm>

namespace hogwild::membership {

void RoundTrip::add(Duration sample) {
  sample = std::max(sample, Duration::zero());
  if (!has_sample_) {
    has_sample_ = true;
    smoothed_ = sample;
    deviation_ = sample / 2;
    return;
  }
  const Duration error = sample - smoothed_;
  deviation_ += (std::chrono::abs(error) - deviation_) / 4;
  smoothed_ += error / 8;
}

std::optional<Duration> RoundTrip::smoothed() const {
  return has_sample_ ? std::optional(smoothed_) : std::nullopt;
}

Duration RoundTrip::timeout(Duration at_least, Duration at_most) const {
  if (!has_sample_) return at_most;
  return std::clamp(smoothed_ + 4 * deviation_, at_least, at_most);
}

}  // namespace hogwild::membership
