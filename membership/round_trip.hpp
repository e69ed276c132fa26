#pragma once

#include <optional>

#include "membership/instant.hpp"

namespace hogwild::membership {

/// Smoothed round-trip time and its mean deviation (Jacobson 1988; RFC 6298, 2). Callers leave out
/// samples of probes that were sent again, since such an answer belongs to either (Karn, Partridge
/// 1987).
class RoundTrip {
 public:
  void add(Duration sample);
  /// Empty before the first sample.
  [[nodiscard]] std::optional<Duration> smoothed() const;
  /// smoothed + 4 deviations within [at_least, at_most]; at_most before the first sample.
  [[nodiscard]] Duration timeout(Duration at_least, Duration at_most) const;

 private:
  bool has_sample_ = false;
  Duration smoothed_{0};
  Duration deviation_{0};
};

}  // namespace hogwild::membership
