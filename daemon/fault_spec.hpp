#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace hogwild::daemon {

/// Harm done to a node's incoming datagrams, for tests: shares between 0 and 1, and the seed of the
/// draws.
struct FaultSpec {
  double drop = 0;
  double duplicate = 0;
  double reorder = 0;
  std::uint64_t seed = 1;

  [[nodiscard]] bool harms() const { return drop > 0 || duplicate > 0 || reorder > 0; }
  bool operator==(const FaultSpec&) const = default;
};

/// Reads `drop=.1,dup=.05,reorder=.1,seed=7`, any part of it in any order.
[[nodiscard]] std::expected<FaultSpec, std::string> parse_fault_spec(std::string_view text);

}  // namespace hogwild::daemon
