#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hogwild::sgd {

/// A member of the cluster, as membership names it in packets: 64 bits of its id.
using PeerId = std::uint64_t;
/// A fresh random number for each process that publishes deltas; never 0, never used twice.
using OriginId = std::uint64_t;
/// A fresh random number for each run; never 0.
using RunId = std::uint64_t;

/// The first byte of each datagram of replication.
enum class MessageType : std::uint8_t {
  kDelta = 1,
  kStatus = 2,
  kNack = 3,
  kRound = 4,
  kFounding = 5
};

/// Payload of a datagram at most, so that with the envelope and a seal it stays under 1,400 bytes.
inline constexpr std::size_t kLargestPayload = 1340;

/// An id, digest or fingerprint as people see it.
[[nodiscard]] inline std::string hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4U) text[i] = kDigits[value & 15U];
  return text;
}

}  // namespace hogwild::sgd
