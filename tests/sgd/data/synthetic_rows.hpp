#pragma once

#include <cstdint>
#include <map>

#include "sgd/data/synthetic.hpp"

namespace hogwild::sgd {

/// Synthetic training rows of seed 1, made once for all tests of a program: what all rows have in
/// common takes longest, seconds under a sanitizer. Threads: one.
inline const Dataset& synthetic_rows(std::uint64_t count) {
  static std::map<std::uint64_t, Dataset> made;
  const auto [at, is_new] = made.try_emplace(count);
  if (is_new) at->second = make_synthetic_rcv1({.rows = count}, 2);
  return at->second;
}

}  // namespace hogwild::sgd
