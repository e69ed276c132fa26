#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace hogwild::sgd {

/// MurmurHash3_x86_32 (Appleby) of `bytes` with the seed 0: what scikit-learn's HashingVectorizer
/// and FeatureHasher hash with, so that their features are ours.
[[nodiscard]] inline std::uint32_t murmur3(std::string_view bytes) {
  const auto scramble = [](std::uint32_t k) {
    return std::rotl(k * 0xcc9e2d51U, 15) * 0x1b873593U;
  };
  std::uint32_t hash = 0;
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t block = 0;
    std::memcpy(&block, bytes.data() + at, 4);  // little-endian machines alone
    hash = std::rotl(hash ^ scramble(block), 13) * 5 + 0xe6546b64U;
  }
  std::uint32_t tail = 0;
  for (std::size_t i = bytes.size(); i > at; --i) {
    tail = tail << 8U | static_cast<unsigned char>(bytes[i - 1]);
  }
  hash ^= scramble(tail);  // of 0 where there is none: 0
  hash ^= static_cast<std::uint32_t>(bytes.size());
  hash = (hash ^ hash >> 16U) * 0x85ebca6bU;
  hash = (hash ^ hash >> 13U) * 0xc2b2ae35U;
  return hash ^ hash >> 16U;
}

/// The column that `term` has among 2^bits, as scikit-learn counts them: |hash| as a signed number,
/// modulo. REQUIRES: bits at most 30.
[[nodiscard]] inline std::uint32_t hashed_feature(std::string_view term, unsigned bits) {
  const std::uint32_t hash = murmur3(term);
  const std::uint32_t magnitude = hash >> 31U != 0 ? ~hash + 1U : hash;
  return magnitude & ((std::uint32_t{1} << bits) - 1U);
}

}  // namespace hogwild::sgd
