#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <vector>

#include "membership/claim.hpp"

namespace hogwild::membership {

// clang-format off
/// The bytes of membership. Little endian; the daemon's envelope before them has magic, version,
/// cluster and the sender's short id, and a change that old decoders cannot read raises the version
/// there.
///
///     Datagram                                    bytes  what
///       ping          1 seq:4 digest:8 target:8 claim*   21   `target` is who must answer, by an ack
///       ack           2 seq:4 digest:8 claim*            13   to a ping
///       ping request  3 seq:4 target:8                   13   "ping that one for me": answered by relayed ack or nack
///       nack          4 seq:4                             5   the helper lives, the target did not answer it
///       relayed ack   5 seq:4                             5   the target answered the helper
///       gossip        6 claim*                            1   news alone
///       leave         7 seq:4 claim*                      5   the first claim is the sender's own `left`
///       leave ack     8 seq:4                             5
///     Stream, one message each way
///       sync request  1 digest:8 count:4 summary*count claim*   the first claim is the sender's own `alive`
///       sync reply    2 sender:8 count:4 short_id*count claim*  ids of members whose full claim is wanted
///       probe         3 target:8
///       probe reply   4 sender:8
///     Summary         short_id:8 incarnation:4 state:1
///     Claim (to the end of the message, no count)
///       alive         0 id:16 incarnation:4 start_ms:8 family:1 address:4|16 port:2 name_len:1 name meta_len:1 meta
///       suspect       1 short_id:8 incarnation:4 count:1 (accuser:8 refused:1)*count
///       dead          2 short_id:8 incarnation:4 declared_by:8
///       left          3 short_id:8 incarnation:4
///
/// seq is chosen by the asker and echoed. digest is MemberTable::view_digest(). family is 4 or 6.
/// Example, an idle ping of sequence 7 to member 0x1122:
///
///     01 | 07 00 00 00 | digest | 22 11 00 00 00 00 00 00
///
/// Decoders take any bytes: a message is decoded whole or refused with a reason, and nothing is
/// allocated for a count before the bytes that it counts are known to be there.
// clang-format on

enum class PacketType : std::uint8_t {
  kPing = 1,
  kAck = 2,
  kPingRequest = 3,
  kNack = 4,
  kRelayedAck = 5,
  kGossip = 6,
  kLeave = 7,
  kLeaveAck = 8,
};

struct Packet {
  PacketType type = PacketType::kGossip;
  std::uint32_t sequence = 0;
  std::uint64_t digest = 0;
  std::uint64_t target = 0;
  std::vector<Claim> claims{};

  friend bool operator==(const Packet&, const Packet&) = default;
};

/// What a view holds about one member, without its profile.
struct Summary {
  std::uint64_t short_id = 0;
  std::uint32_t incarnation = 0;
  MemberState state = MemberState::kAlive;

  friend bool operator==(const Summary&, const Summary&) = default;
};

enum class StreamType : std::uint8_t {
  kSyncRequest = 1,
  kSyncReply = 2,
  kProbe = 3,
  kProbeReply = 4
};

struct StreamMessage {
  StreamType type = StreamType::kProbe;
  std::uint64_t member = 0;             // probe: target; probe reply and sync reply: sender
  std::uint64_t digest = 0;             // sync request
  std::vector<Summary> summaries{};     // sync request
  std::vector<std::uint64_t> wanted{};  // sync reply
  std::vector<Claim> claims{};          // sync request and reply

  friend bool operator==(const StreamMessage&, const StreamMessage&) = default;
};

/// Why bytes were refused. The message is dropped whole; no state changes.
enum class DecodeError : std::uint8_t {
  kTruncated,    // ended inside a field
  kTrailing,     // bytes after a message that has no claims
  kUnknownType,  // type of packet, message or claim
  kBadCount,     // a count or length out of its range
  kBadValue,     // a field out of its range: state, incarnation, family, short id 0
  kBadName,      // name of a member with other characters or none
  kTooLong,      // longer than any sender makes it
};
inline constexpr std::size_t kDecodeErrorCount = 7;

[[nodiscard]] std::string_view to_string(DecodeError error);

/// Appends the header of a packet, without claims. Used with append() and RumorQueue to fill the
/// rest.
void append_header(std::vector<std::byte>& bytes, const Packet& packet);
/// Appends one claim. REQUIRES: the invariant of Claim.
void append(std::vector<std::byte>& bytes, const Claim& claim);

[[nodiscard]] std::vector<std::byte> encode(const Packet& packet);
[[nodiscard]] std::vector<std::byte> encode(const StreamMessage& message);
[[nodiscard]] std::expected<Packet, DecodeError> decode_packet(std::span<const std::byte> bytes);
/// Refuses more than `max_bytes`.
[[nodiscard]] std::expected<StreamMessage, DecodeError> decode_stream(
    std::span<const std::byte> bytes, std::size_t max_bytes);

}  // namespace hogwild::membership
