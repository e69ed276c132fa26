#include "sgd/learn/candidate.hpp"

#include <cassert>
#include <cmath>

namespace hogwild::sgd {

std::optional<std::uint32_t> best_candidate(std::span<const double> losses,
                                            std::span<const double> lambda) {
  assert(losses.size() == lambda.size());
  std::optional<std::uint32_t> best;
  for (std::uint32_t i = 0; i < losses.size(); ++i) {
    if (!std::isfinite(losses[i])) continue;
    if (!best || losses[i] < losses[*best] ||
        (losses[i] == losses[*best] && lambda[i] > lambda[*best])) {
      best = i;
    }
  }
  return best;
}

}  // namespace hogwild::sgd
