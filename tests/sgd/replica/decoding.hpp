#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

/// Gives `decode` every truncation of `message`, the message with each byte changed, and random
/// bytes: it must take them all without harm. `accepts(bytes)` says whether they were decoded.
template <typename Accepts>
std::size_t count_accepted_truncations(const Bytes& message, Accepts accepts) {
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < message.size(); ++size) {
    accepted += accepts(std::span(message).first(size)) ? 1U : 0U;
  }
  std::mt19937_64 random(11);
  for (std::size_t at = 0; at < message.size(); ++at) {
    Bytes changed = message;
    changed[at] ^= static_cast<std::byte>(1 + random() % 255);
    static_cast<void>(accepts(std::span<const std::byte>(changed)));
  }
  for (int round = 0; round < 2'000; ++round) {
    Bytes noise(random() % 200);
    for (std::byte& byte : noise) byte = static_cast<std::byte>(random());
    if (!noise.empty() && round % 2 == 0) noise[0] = message[0];
    static_cast<void>(accepts(std::span<const std::byte>(noise)));
  }
  return accepted;
}

}  // namespace hogwild::sgd
