#pragma once

#include <cstddef>
#include <cstdint>

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

}  // namespace hogwild::sgd
