#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

namespace hogwild::daemon {

/// Which core a message is for.
enum class Channel : std::uint8_t { kMembership = 1, kReplication = 2 };

/// Why bytes are not a message of this cluster.
enum class EnvelopeError : std::uint8_t {
  kTruncated,
  kNotOurs,
  kOtherVersion,
  kOtherCluster,
  kBadChannel
};

/// What stands before every datagram and every stream message between nodes, 16 bytes:
///
///     0  'h' 'w'          not some other protocol
///     2  u8               version of everything behind it
///     3  u8               channel
///     4  u32              hash of the cluster's name
///     8  u64              the sender: the short id of its process
///
/// Little-endian.
struct Envelope {
  static constexpr std::size_t kBytes = 16;
  static constexpr std::uint8_t kVersion = 1;

  Channel channel = Channel::kMembership;
  std::uint64_t sender = 0;
};

using EnvelopeBytes = std::array<std::byte, Envelope::kBytes>;

/// FNV-1a of the name, folded to 32 bits.
[[nodiscard]] std::uint32_t cluster_tag(std::string_view cluster_name);

[[nodiscard]] EnvelopeBytes seal(const Envelope& envelope, std::uint32_t cluster);

/// The envelope of `message` and what is behind it, or why it is refused.
struct Opened {
  Envelope envelope;
  std::span<const std::byte> payload;
};
[[nodiscard]] std::expected<Opened, EnvelopeError> open(std::span<const std::byte> message,
                                                        std::uint32_t cluster);

}  // namespace hogwild::daemon
