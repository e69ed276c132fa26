#include "daemon/envelope.hpp"

#include <cstring>

namespace hogwild::daemon {
namespace {

constexpr std::byte kSealedBit{0x80};
constexpr std::byte kHintChannel{3};

bool has_magic(std::span<const std::byte> message) {
  return message.size() >= Envelope::kBytes && message[0] == std::byte{'h'} &&
         message[1] == std::byte{'w'};
}

std::uint64_t sender_of(std::span<const std::byte> message) {
  std::uint64_t sender = 0;
  std::memcpy(&sender, message.data() + 8, sizeof sender);
  return sender;
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  constexpr std::array<std::string_view, kRefusalCount> kNames = {
      "truncated",  "not_ours", "other_version", "other_cluster", "bad_channel",
      "not_sealed", "sealed",   "other_key",     "forged",        "replayed"};
  return kNames[static_cast<std::size_t>(refusal)];
}

std::uint32_t cluster_tag(std::string_view cluster_name) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : cluster_name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

EnvelopeBytes encode(const Envelope& envelope, std::uint32_t cluster) {
  EnvelopeBytes bytes{std::byte{'h'}, std::byte{'w'}, std::byte{protocol_version()},
                      static_cast<std::byte>(envelope.channel)};
  if (envelope.is_sealed) bytes[3] |= kSealedBit;
  std::memcpy(bytes.data() + 4, &cluster, sizeof cluster);
  std::memcpy(bytes.data() + 8, &envelope.sender, sizeof envelope.sender);
  return bytes;
}

std::expected<Envelope, Refusal> decode_envelope(std::span<const std::byte> message,
                                                 std::uint32_t cluster) {
  if (message.size() < Envelope::kBytes) return std::unexpected(Refusal::kTruncated);
  if (!has_magic(message)) return std::unexpected(Refusal::kNotOurs);
  if (message[2] != std::byte{protocol_version()}) return std::unexpected(Refusal::kOtherVersion);
  const auto channel = std::to_integer<std::uint8_t>(message[3] & ~kSealedBit);
  if (channel < 1 || channel > 3) return std::unexpected(Refusal::kBadChannel);
  std::uint32_t tag = 0;
  std::memcpy(&tag, message.data() + 4, sizeof tag);
  if (tag != cluster) return std::unexpected(Refusal::kOtherCluster);
  const Envelope envelope{.channel = static_cast<Channel>(channel),
                          .is_sealed = (message[3] & kSealedBit) != std::byte{0},
                          .sender = sender_of(message)};
  if (envelope.sender == 0) return std::unexpected(Refusal::kNotOurs);
  return envelope;
}

EnvelopeBytes encode(const Hint& hint) {
  EnvelopeBytes bytes{std::byte{'h'}, std::byte{'w'}, std::byte{hint.version}, kHintChannel,
                      static_cast<std::byte>(hint.reason)};
  std::memcpy(bytes.data() + 8, &hint.about, sizeof hint.about);
  return bytes;
}

std::optional<Hint> decode_hint(std::span<const std::byte> message) {
  if (message.size() != Envelope::kBytes || !has_magic(message) || message[3] != kHintChannel) {
    return std::nullopt;
  }
  const auto reason = std::to_integer<std::size_t>(message[4]);
  if (reason >= kRefusalCount) return std::nullopt;
  return Hint{std::to_integer<std::uint8_t>(message[2]), static_cast<Refusal>(reason),
              sender_of(message)};
}

std::optional<Hint> hint_about(std::span<const std::byte> request, Refusal refusal) {
  switch (refusal) {
    case Refusal::kOtherVersion:
    case Refusal::kOtherCluster:
    case Refusal::kNotSealed:
    case Refusal::kSealed:
    case Refusal::kUnknownKey:
      break;
    default:
      return std::nullopt;
  }
  if (request.size() < Envelope::kBytes) return std::nullopt;  // never longer than the request
  if (request[3] == kHintChannel) return std::nullopt;         // never a hint about a hint
  return Hint{.reason = refusal, .about = sender_of(request)};
}

}  // namespace hogwild::daemon
