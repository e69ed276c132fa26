#include "membership/counters.hpp"

#include <algorithm>

namespace hogwild::membership {

void RttHistogram::add(Duration sample) {
  const double seconds = std::chrono::duration<double>(sample).count();
  const auto bound = std::ranges::lower_bound(kBoundsSeconds, seconds);
  ++buckets[static_cast<std::size_t>(bound - kBoundsSeconds.begin())];
  ++count;
  sum_seconds += seconds;
}

}  // namespace hogwild::membership
