#pragma once

#include <cstdint>

namespace hogwild::sgd {

/// A bijection of 64 bits that passes avalanche tests: the finalizer of splitmix64 (Steele, Lea,
/// Flood 2014). Digests, shuffles and the sharing of blocks are built on it, so it never changes.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

}  // namespace hogwild::sgd
