#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "daemon/fault_spec.hpp"
#include "membership/endpoint.hpp"

namespace hogwild::daemon {

/// Harms incoming datagrams as --fault says: drops, doubles, holds some back behind later ones.
class FaultInjector {
 public:
  using Deliver = std::function<void(const membership::Endpoint&, std::span<const std::byte>)>;

  explicit FaultInjector(const FaultSpec& spec) : spec_(spec), random_(spec.seed) {}

  /// Calls `deliver` for what becomes of one datagram: never, once or twice, and for datagrams held
  /// back earlier whose turn has come.
  void pass(const membership::Endpoint& from, std::span<const std::byte> datagram,
            const Deliver& deliver);

 private:
  struct Held {
    membership::Endpoint from;
    std::vector<std::byte> bytes;
    int until = 0;  ///< so many datagrams pass it
  };
  [[nodiscard]] bool chance(double share) {
    return share > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < share;
  }

  FaultSpec spec_;
  std::mt19937_64 random_;
  std::deque<Held> held_;
};

}  // namespace hogwild::daemon
