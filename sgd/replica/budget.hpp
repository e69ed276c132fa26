#pragma once

#include <algorithm>
#include <chrono>

namespace hogwild::sgd {

/// What one member may cause here: so much a second, and so much at once.
/// Source: token bucket.
class Budget {
 public:
  constexpr Budget(double per_second, double at_once) : per_second_(per_second), most_(at_once) {}

  /// Whether one more is within it; then it is taken.
  [[nodiscard]] bool take(std::chrono::steady_clock::time_point now) {
    const double seconds = std::chrono::duration<double>(now - at_).count();
    left_ = std::min(left_ + per_second_ * seconds, most_);
    at_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  double per_second_;
  double most_;
  double left_ = most_;
  std::chrono::steady_clock::time_point at_{};
};

}  // namespace hogwild::sgd
