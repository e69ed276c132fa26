#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hogwild::daemon {

/// What a node tells of itself through membership, which carries it without looking inside:
/// u16 data_port, u8 length and text of http, u8 length and text of version, u16 a key.
struct MemberMeta {
  std::uint16_t data_port = 0;  ///< UDP, at the gossip address: deltas have a socket of their own
  std::string http;             ///< HOST:PORT of the status endpoint; at most 72 bytes
  std::string version;          ///< at most 32 bytes
  std::vector<std::uint16_t> keys{};  ///< ids of the keys that it has, the sealing one first

  friend bool operator==(const MemberMeta&, const MemberMeta&) = default;
};

/// Longer texts are cut. REQUIRES: at most kMostKeys keys.
[[nodiscard]] std::vector<std::byte> encode_meta(const MemberMeta& meta);
/// Nothing where the bytes are no meta of this version of the protocol.
[[nodiscard]] std::optional<MemberMeta> decode_meta(std::span<const std::byte> bytes);

/// The data port alone, without reading the rest; 0 where there is none. For each datagram sent.
[[nodiscard]] std::uint16_t data_port_of(std::span<const std::byte> bytes);

}  // namespace hogwild::daemon
