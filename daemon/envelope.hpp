#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "daemon/version.hpp"

namespace hogwild::daemon {

/// Which core a message is for.
enum class Channel : std::uint8_t { kMembership = 1, kReplication = 2, kData = 3 };

/// Why a message was dropped. No state changes but a counter. The numbers are those of hints.
enum class Refusal : std::uint8_t {
  kTruncated = 0,
  kNotOurs = 1,
  kOtherVersion = 2,
  kOtherCluster = 3,
  kBadChannel = 4,
  kNotSealed = 5,   ///< this node has a key, the sender has none
  kSealed = 6,      ///< the sender has a key, this node has none
  kUnknownKey = 7,  ///< sealed with a key that this node does not have
  kForged = 8,      ///< the seal does not fit: changed under way, or made without the key
  kReplayed = 9,    ///< seen before, or too old to tell
};
inline constexpr std::size_t kRefusalCount = 10;

/// "truncated", "not_ours", ...: a label of metrics and log lines.
[[nodiscard]] std::string_view to_string(Refusal refusal);

/// What stands before every datagram and every stream message between nodes, 16 bytes:
///
///     0  'h' 'w'          not some other protocol
///     2  u8               version of everything behind it
///     3  u8               channel, plus 128 where what follows is sealed
///     4  u32              hash of the cluster's name
///     8  u64              the sender: the short id of its process
///
/// Little-endian. What is behind it in sealed messages: daemon/secure_channel.hpp.
struct Envelope {
  static constexpr std::size_t kBytes = 16;

  Channel channel = Channel::kMembership;
  bool is_sealed = false;
  std::uint64_t sender = 0;
};

using EnvelopeBytes = std::array<std::byte, Envelope::kBytes>;

/// FNV-1a of the name, folded to 32 bits.
[[nodiscard]] std::uint32_t cluster_tag(std::string_view cluster_name);

[[nodiscard]] EnvelopeBytes encode(const Envelope& envelope, std::uint32_t cluster);
/// The envelope of `message`, or why it is none of this cluster.
[[nodiscard]] std::expected<Envelope, Refusal> decode_envelope(std::span<const std::byte> message,
                                                               std::uint32_t cluster);

/// What a node answers, over TCP alone, to a request that it cannot take: why. It proves nothing,
/// changes nothing and is there to be shown to people; its bytes are the same in every version:
///
///     0  'h' 'w'  u8 version of the speaker  u8 3
///     4  u8 reason  3 bytes of zero
///     8  u64  the sender of the request, as it gave itself
struct Hint {
  std::uint8_t version = protocol_version();
  Refusal reason = Refusal::kNotOurs;
  std::uint64_t about = 0;
};

[[nodiscard]] EnvelopeBytes encode(const Hint& hint);
[[nodiscard]] std::optional<Hint> decode_hint(std::span<const std::byte> message);
/// The hint that a refused request should be answered with; nothing where its sender could not use
/// it.
[[nodiscard]] std::optional<Hint> hint_about(std::span<const std::byte> request, Refusal refusal);

}  // namespace hogwild::daemon
