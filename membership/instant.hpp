#pragma once

#include <chrono>

namespace hogwild::membership {

/// A point of the caller's monotonic clock. The protocol never reads a clock: every step is told
/// `now`.
using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// Later than every deadline: "nothing is due".
inline constexpr Instant kNever = Instant::max();

}  // namespace hogwild::membership
