#pragma once

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <vector>

namespace hogwild {

/// The seeds of a test: 1 to HOGWILD_SIM_SEEDS (else `count`) and those that found a bug once;
/// HOGWILD_SIM_SEED=S alone, to replay a failure.
inline std::vector<std::uint64_t> seeds_to_run(
    std::uint64_t count, std::initializer_list<std::uint64_t> that_found_bugs = {}) {
  const auto number = [](const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
  };
  if (const std::uint64_t one = number("HOGWILD_SIM_SEED", 0); one != 0) return {one};
  std::vector<std::uint64_t> seeds(that_found_bugs);
  const std::uint64_t last = number("HOGWILD_SIM_SEEDS", count);
  for (std::uint64_t seed = 1; seed <= last; ++seed) seeds.push_back(seed);
  return seeds;
}

}  // namespace hogwild
