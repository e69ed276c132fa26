#pragma once

#include <cstdint>

#include "membership/instant.hpp"

namespace hogwild::membership {

/// How long one suspect has to clear itself.
///
/// Source: Lifeguard, "LHA-Suspicion": it begins at a maximum and falls with the logarithm of the
/// number of independent accusers to a minimum. Ours as well: two observers that were refused by
/// TCP leave it a fixed short time. Invariant: accusers only ever bring the deadline forward,
/// postpone() only ever moves it back.
class Suspicion {
 public:
  struct Limits {
    Duration at_least{0};
    Duration at_most{0};
    std::uint32_t confirmations = 0;  // accusers beyond the first that bring it down to at_least
  };

  Suspicion(Instant start, Limits limits) : start_(start), limits_(limits) {}

  [[nodiscard]] Instant start() const { return start_; }
  [[nodiscard]] Instant deadline() const;
  /// How long it lasts with a lone accuser.
  [[nodiscard]] Duration at_most() const { return limits_.at_most; }
  /// No more than so many accusers beyond the first can be expected any longer.
  void limit_confirmations(std::uint32_t confirmations);
  /// There are now so many accusers, the first included.
  void set_accusers(std::uint32_t accusers);
  /// The process is known to be gone: nothing later than `deadline` counts.
  void hasten(Instant deadline);
  /// Not before `deadline`, whatever else holds.
  void postpone(Instant deadline);

 private:
  Instant start_;
  Limits limits_;
  std::uint32_t accusers_ = 1;
  Instant hastened_ = kNever;
  Instant postponed_ = Instant::min();
};

}  // namespace hogwild::membership
