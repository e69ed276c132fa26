#include "membership/wire.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "membership/byte_reader.hpp"
#include "membership/byte_writer.hpp"

namespace hogwild::membership {

namespace {

constexpr std::size_t kSummaryBytes = 13;
constexpr std::size_t kMaxPacketBytes = 65535;
constexpr std::uint8_t kFamilyV4 = 4;
constexpr std::uint8_t kFamilyV6 = 6;

using Status = std::expected<void, DecodeError>;

void append_profile(ByteWriter& writer, const Profile& profile) {
  const auto address = std::as_bytes(std::span(profile.gossip.address));
  const bool is_v4 = profile.gossip.is_v4();
  writer.word(profile.start_time_unix_ms);
  writer.word(is_v4 ? kFamilyV4 : kFamilyV6);
  writer.raw(is_v4 ? address.last(4) : address);
  writer.word(profile.gossip.port);
  writer.word(static_cast<std::uint8_t>(profile.name.size()));
  writer.raw(std::as_bytes(std::span(profile.name)));
  writer.word(static_cast<std::uint8_t>(profile.meta.size()));
  writer.raw(profile.meta);
}

std::expected<Endpoint, DecodeError> read_endpoint(ByteReader& reader) {
  const auto family = reader.word<std::uint8_t>();
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  if (family != kFamilyV4 && family != kFamilyV6) return std::unexpected(DecodeError::kBadValue);
  const auto address = reader.raw(family == kFamilyV4 ? 4 : 16);
  const auto port = reader.word<std::uint16_t>();
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  Endpoint endpoint =
      family == kFamilyV4 ? Endpoint::v4({}, port) : Endpoint{.address = {}, .port = port};
  std::ranges::transform(address,
                         endpoint.address.end() - static_cast<std::ptrdiff_t>(address.size()),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  // A v4-mapped address has one spelling on the wire, so that equal endpoints have equal bytes.
  const bool is_canonical = endpoint.is_v4() == (family == kFamilyV4);
  if (!is_canonical || endpoint.is_unspecified()) return std::unexpected(DecodeError::kBadValue);
  return endpoint;
}

/// What follows id and incarnation of an alive claim.
Status read_profile(ByteReader& reader, Profile& profile) {
  profile.start_time_unix_ms = reader.word<std::uint64_t>();
  const auto endpoint = read_endpoint(reader);
  if (!endpoint) return std::unexpected(endpoint.error());
  profile.gossip = *endpoint;
  const auto name_size = reader.word<std::uint8_t>();
  const auto name = reader.raw(name_size);
  const auto meta_size = reader.word<std::uint8_t>();
  if (meta_size > kMaxMetaBytes) return std::unexpected(DecodeError::kBadCount);
  const auto meta = reader.raw(meta_size);
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  profile.name.resize(name.size());
  std::ranges::transform(name, profile.name.begin(),
                         [](std::byte byte) { return std::to_integer<char>(byte); });
  profile.meta.assign(meta.begin(), meta.end());
  if (!is_valid_name(profile.name)) return std::unexpected(DecodeError::kBadName);
  return {};
}

Status read_alive(ByteReader& reader, Claim& claim) {
  Profile& profile = claim.profile.emplace();
  const auto id = reader.raw(profile.id.bytes.size());
  std::ranges::transform(id, profile.id.bytes.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  claim.subject = profile.id.short_id();
  claim.incarnation = reader.word<std::uint32_t>();
  return read_profile(reader, profile);
}

Status read_accusations(ByteReader& reader, Claim& claim) {
  const auto count = reader.word<std::uint8_t>();
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  if (count == 0 || count > kMaxAccusations) return std::unexpected(DecodeError::kBadCount);
  for (std::size_t i = 0; i < count; ++i) {
    Accusation accusation;
    accusation.accuser = reader.word<std::uint64_t>();
    const auto refused = reader.word<std::uint8_t>();
    accusation.refused = refused == 1;
    if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
    const bool is_repeated =
        std::ranges::count(claim.accusations, accusation.accuser, &Accusation::accuser) > 0;
    if (refused > 1 || accusation.accuser == 0 || is_repeated)
      return std::unexpected(DecodeError::kBadValue);
    claim.accusations.push_back(accusation);
  }
  return {};
}

/// What follows the state of a claim that names nobody.
Status read_doubt(ByteReader& reader, Claim& claim) {
  claim.subject = reader.word<std::uint64_t>();
  claim.incarnation = reader.word<std::uint32_t>();
  if (claim.state == MemberState::kSuspect) return read_accusations(reader, claim);
  if (claim.state == MemberState::kDead) claim.declared_by = reader.word<std::uint64_t>();
  return {};
}

std::expected<Claim, DecodeError> read_claim(ByteReader& reader) {
  const auto state = reader.word<std::uint8_t>();
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  if (state > static_cast<std::uint8_t>(MemberState::kLeft))
    return std::unexpected(DecodeError::kUnknownType);
  Claim claim;
  claim.state = static_cast<MemberState>(state);
  const Status status =
      claim.state == MemberState::kAlive ? read_alive(reader, claim) : read_doubt(reader, claim);
  if (!status) return std::unexpected(status.error());
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  if (claim.subject == 0 || claim.incarnation > kMaxIncarnation)
    return std::unexpected(DecodeError::kBadValue);
  return claim;
}

std::expected<std::vector<Claim>, DecodeError> read_claims(ByteReader& reader) {
  std::vector<Claim> claims;
  while (reader.left() > 0) {
    auto claim = read_claim(reader);
    if (!claim) return std::unexpected(claim.error());
    claims.push_back(std::move(*claim));
  }
  return claims;
}

/// Reads a count of items of `item_bytes` each that must all be there.
std::expected<std::size_t, DecodeError> read_count(ByteReader& reader, std::size_t item_bytes) {
  const std::size_t count = reader.word<std::uint32_t>();
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  if (count > reader.left() / item_bytes) return std::unexpected(DecodeError::kTruncated);
  return count;
}

Status read_summaries(ByteReader& reader, std::vector<Summary>& summaries) {
  const auto count = read_count(reader, kSummaryBytes);
  if (!count) return std::unexpected(count.error());
  summaries.reserve(*count);
  for (std::size_t i = 0; i < *count; ++i) {
    Summary& summary = summaries.emplace_back();
    summary.short_id = reader.word<std::uint64_t>();
    summary.incarnation = reader.word<std::uint32_t>();
    const auto state = reader.word<std::uint8_t>();
    summary.state = static_cast<MemberState>(state);
    const bool is_good = summary.short_id != 0 && summary.incarnation <= kMaxIncarnation &&
                         state <= static_cast<std::uint8_t>(MemberState::kLeft);
    if (!is_good) return std::unexpected(DecodeError::kBadValue);
  }
  return {};
}

Status read_ids(ByteReader& reader, std::vector<std::uint64_t>& ids) {
  const auto count = read_count(reader, sizeof(std::uint64_t));
  if (!count) return std::unexpected(count.error());
  ids.resize(*count);
  std::ranges::generate(ids, [&] { return reader.word<std::uint64_t>(); });
  return {};
}

/// What comes before the claims of a stream message, by its type.
Status read_fields(ByteReader& reader, StreamMessage& message) {
  switch (message.type) {
    case StreamType::kSyncRequest:
      message.digest = reader.word<std::uint64_t>();
      return read_summaries(reader, message.summaries);
    case StreamType::kSyncReply:
      message.member = reader.word<std::uint64_t>();
      return read_ids(reader, message.wanted);
    case StreamType::kProbe:
    case StreamType::kProbeReply:
      message.member = reader.word<std::uint64_t>();
      if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
      return {};
  }
  return std::unexpected(DecodeError::kUnknownType);
}

bool has_claims(PacketType type) {
  return type == PacketType::kPing || type == PacketType::kAck || type == PacketType::kGossip ||
         type == PacketType::kLeave;
}

bool has_sequence(PacketType type) { return type != PacketType::kGossip; }

bool has_digest(PacketType type) { return type == PacketType::kPing || type == PacketType::kAck; }

bool has_target(PacketType type) {
  return type == PacketType::kPing || type == PacketType::kPingRequest;
}

}  // namespace

std::string_view to_string(DecodeError error) {
  switch (error) {
    case DecodeError::kTruncated:
      return "truncated";
    case DecodeError::kTrailing:
      return "trailing";
    case DecodeError::kUnknownType:
      return "unknown_type";
    case DecodeError::kBadCount:
      return "bad_count";
    case DecodeError::kBadValue:
      return "bad_value";
    case DecodeError::kBadName:
      return "bad_name";
    case DecodeError::kTooLong:
      return "too_long";
  }
  return "unknown";
}

void append_header(std::vector<std::byte>& bytes, const Packet& packet) {
  ByteWriter writer(bytes);
  writer.word(static_cast<std::uint8_t>(packet.type));
  if (has_sequence(packet.type)) writer.word(packet.sequence);
  if (has_digest(packet.type)) writer.word(packet.digest);
  if (has_target(packet.type)) writer.word(packet.target);
}

void append(std::vector<std::byte>& bytes, const Claim& claim) {
  assert(claim.profile.has_value() == (claim.state == MemberState::kAlive));
  assert(claim.accusations.empty() == (claim.state != MemberState::kSuspect));
  ByteWriter writer(bytes);
  writer.word(static_cast<std::uint8_t>(claim.state));
  if (claim.state == MemberState::kAlive) {
    writer.raw(std::as_bytes(std::span(claim.profile->id.bytes)));
    writer.word(claim.incarnation);
    append_profile(writer, *claim.profile);
    return;
  }
  writer.word(claim.subject);
  writer.word(claim.incarnation);
  if (claim.state == MemberState::kSuspect) {
    writer.word(static_cast<std::uint8_t>(claim.accusations.size()));
    for (const Accusation& accusation : claim.accusations) {
      writer.word(accusation.accuser);
      writer.word(static_cast<std::uint8_t>(accusation.refused ? 1 : 0));
    }
  }
  if (claim.state == MemberState::kDead) writer.word(claim.declared_by);
}

std::vector<std::byte> encode(const Packet& packet) {
  std::vector<std::byte> bytes;
  append_header(bytes, packet);
  for (const Claim& claim : packet.claims) append(bytes, claim);
  return bytes;
}

std::expected<Packet, DecodeError> decode_packet(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxPacketBytes) return std::unexpected(DecodeError::kTooLong);
  ByteReader reader(bytes);
  const auto type = reader.word<std::uint8_t>();
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  if (type < static_cast<std::uint8_t>(PacketType::kPing) ||
      type > static_cast<std::uint8_t>(PacketType::kLeaveAck)) {
    return std::unexpected(DecodeError::kUnknownType);
  }
  Packet packet;
  packet.type = static_cast<PacketType>(type);
  if (has_sequence(packet.type)) packet.sequence = reader.word<std::uint32_t>();
  if (has_digest(packet.type)) packet.digest = reader.word<std::uint64_t>();
  if (has_target(packet.type)) packet.target = reader.word<std::uint64_t>();
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  if (!has_claims(packet.type) && reader.left() > 0) return std::unexpected(DecodeError::kTrailing);
  auto claims = read_claims(reader);
  if (!claims) return std::unexpected(claims.error());
  packet.claims = std::move(*claims);
  return packet;
}

std::vector<std::byte> encode(const StreamMessage& message) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.word(static_cast<std::uint8_t>(message.type));
  if (message.type == StreamType::kSyncRequest) {
    writer.word(message.digest);
    writer.word(static_cast<std::uint32_t>(message.summaries.size()));
    for (const Summary& summary : message.summaries) {
      writer.word(summary.short_id);
      writer.word(summary.incarnation);
      writer.word(static_cast<std::uint8_t>(summary.state));
    }
  } else {
    writer.word(message.member);
  }
  if (message.type == StreamType::kSyncReply) {
    writer.word(static_cast<std::uint32_t>(message.wanted.size()));
    for (const std::uint64_t id : message.wanted) writer.word(id);
  }
  for (const Claim& claim : message.claims) append(bytes, claim);
  return bytes;
}

std::expected<StreamMessage, DecodeError> decode_stream(std::span<const std::byte> bytes,
                                                        std::size_t max_bytes) {
  if (bytes.size() > max_bytes) return std::unexpected(DecodeError::kTooLong);
  ByteReader reader(bytes);
  const auto type = reader.word<std::uint8_t>();
  if (!reader.ok()) return std::unexpected(DecodeError::kTruncated);
  StreamMessage message;
  message.type = static_cast<StreamType>(type);
  const Status status = read_fields(reader, message);
  if (!status) return std::unexpected(status.error());
  const bool is_probe =
      message.type == StreamType::kProbe || message.type == StreamType::kProbeReply;
  if (is_probe && reader.left() > 0) return std::unexpected(DecodeError::kTrailing);
  auto claims = read_claims(reader);
  if (!claims) return std::unexpected(claims.error());
  message.claims = std::move(*claims);
  return message;
}

}  // namespace hogwild::membership
