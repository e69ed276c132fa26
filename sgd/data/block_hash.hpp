#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "sgd/data/mix64.hpp"
#include "sgd/data/parallel.hpp"

namespace hogwild::sgd {

/// Bytes whose hash is computed in one go, so that several threads share a long text.
inline constexpr std::size_t kHashBlock = std::size_t{1} << 20U;

/// A hash of `bytes` that finds damage, in any order of eight lanes of a word each; not one that
/// resists somebody who wants two alike. It is part of the cache's format.
/// Cost: about 0.1 ns a byte from a cache.
[[nodiscard]] inline std::uint64_t hash_block(std::span<const std::byte> bytes) {
  constexpr std::size_t kLanes = 8;
  constexpr std::uint64_t kFactor = 0x9e3779b185ebca87U;
  std::uint64_t lane[kLanes] = {1, 2, 3, 4, 5, 6, 7, 8};
  const auto add = [&lane](const std::byte* from) {
    std::uint64_t word[kLanes];
    std::memcpy(word, from, sizeof word);
    for (std::size_t i = 0; i < kLanes; ++i) {
      // Each step is a bijection of the lane and of the word: no single change is lost. The
      // rotation brings what multiplication left in the high bits down again.
      lane[i] = std::rotl(lane[i] ^ word[i], 29) * kFactor;
    }
  };
  std::size_t at = 0;
  for (; bytes.size() - at >= sizeof lane; at += sizeof lane) add(bytes.data() + at);
  std::byte rest[sizeof lane] = {};
  if (at < bytes.size()) std::memcpy(rest, bytes.data() + at, bytes.size() - at);
  add(rest);
  std::uint64_t hash = mix64(bytes.size());
  for (const std::uint64_t one : lane) hash = mix64(hash ^ one);
  return hash;
}

/// A hash of any number of bytes: of blocks of kHashBlock, each with its place. `done`, where there
/// is one, counts the bytes.
[[nodiscard]] inline std::uint64_t hash_bytes(std::span<const std::byte> bytes, unsigned threads,
                                              std::atomic<std::uint64_t>* done = nullptr) {
  std::atomic<std::uint64_t> sum{mix64(bytes.size())};
  for_each_range(bytes.size(), kHashBlock, threads, [&](std::size_t first, std::size_t last) {
    // Relaxed: a sum does not depend on the order, and joining the threads publishes it.
    sum.fetch_add(mix64(hash_block(bytes.subspan(first, last - first)) + first),
                  std::memory_order_relaxed);
    if (done != nullptr) done->fetch_add(last - first, std::memory_order_relaxed);
  });
  return sum.load();
}

}  // namespace hogwild::sgd
