#include "membership/suspicion.hpp"

#include <algorithm>
#include <cmath>

namespace hogwild::membership {

Instant Suspicion::deadline() const {
  double share = 1;  // of the way from the maximum to the minimum
  if (limits_.confirmations > 0) {
    share =
        std::min(1.0, std::log(double(accusers_)) / std::log(double(limits_.confirmations) + 1));
  }
  const auto span = static_cast<double>((limits_.at_most - limits_.at_least).count());
  const Duration given = limits_.at_most - Duration(static_cast<Duration::rep>(span * share));
  return std::max(postponed_, std::min(hastened_, start_ + given));
}

void Suspicion::limit_confirmations(std::uint32_t confirmations) {
  limits_.confirmations = std::min(limits_.confirmations, confirmations);
}

void Suspicion::set_accusers(std::uint32_t accusers) { accusers_ = std::max(accusers_, accusers); }

void Suspicion::hasten(Instant deadline) { hastened_ = std::min(hastened_, deadline); }

void Suspicion::postpone(Instant deadline) { postponed_ = std::max(postponed_, deadline); }

}  // namespace hogwild::membership
