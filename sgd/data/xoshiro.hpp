#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "sgd/data/mix64.hpp"

namespace hogwild::sgd {

/// xoshiro256** (Blackman, Vigna 2018), begun from a seed, a stream and an index, so that each
/// document, topic or shuffle has random numbers of its own whoever draws them.
///
/// Part of what `synth:` and row order mean on every node: it never changes.
class Xoshiro256 {
 public:
  /// REQUIRES: stream < 256, index < 2⁵⁶.
  constexpr Xoshiro256(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
    std::uint64_t state = (seed * kGolden) ^ (stream << 56U) ^ index;
    for (std::uint64_t& word : words_) {
      word = mix64(state);  // adds kGolden first: an output of splitmix64
      state += kGolden;
    }
  }

  /// 64 random bits.
  constexpr std::uint64_t next() {
    const std::uint64_t result = std::rotl(words_[1] * 5U, 7) * 9U;
    const std::uint64_t shifted = words_[1] << 17U;
    words_[2] ^= words_[0];
    words_[3] ^= words_[1];
    words_[1] ^= words_[2];
    words_[0] ^= words_[3];
    words_[2] ^= shifted;
    words_[3] = std::rotl(words_[3], 45);
    return result;
  }
  /// In [0, 1), a multiple of 2⁻⁵³.
  constexpr double uniform() { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  /// In [0, n). REQUIRES: n > 0.
  constexpr std::uint64_t below(std::uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * n) >> 64U);
  }
  /// Of the normal distribution; two uniform numbers a call (Box, Muller 1958).
  double gauss() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;

  std::array<std::uint64_t, 4> words_{};
};

}  // namespace hogwild::sgd
