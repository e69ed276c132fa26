#include "daemon/envelope.hpp"

#include <cstring>

namespace hogwild::daemon {

std::uint32_t cluster_tag(std::string_view cluster_name) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : cluster_name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

EnvelopeBytes seal(const Envelope& envelope, std::uint32_t cluster) {
  EnvelopeBytes bytes{std::byte{'h'}, std::byte{'w'}, std::byte{Envelope::kVersion},
                      static_cast<std::byte>(envelope.channel)};
  std::memcpy(bytes.data() + 4, &cluster, sizeof cluster);
  std::memcpy(bytes.data() + 8, &envelope.sender, sizeof envelope.sender);
  return bytes;
}

std::expected<Opened, EnvelopeError> open(std::span<const std::byte> message,
                                          std::uint32_t cluster) {
  if (message.size() < Envelope::kBytes) return std::unexpected(EnvelopeError::kTruncated);
  if (message[0] != std::byte{'h'} || message[1] != std::byte{'w'}) {
    return std::unexpected(EnvelopeError::kNotOurs);
  }
  if (message[2] != std::byte{Envelope::kVersion}) {
    return std::unexpected(EnvelopeError::kOtherVersion);
  }
  const auto channel = std::to_integer<std::uint8_t>(message[3]);
  if (channel < 1 || channel > 2) return std::unexpected(EnvelopeError::kBadChannel);
  std::uint32_t tag = 0;
  Opened opened;
  std::memcpy(&tag, message.data() + 4, sizeof tag);
  std::memcpy(&opened.envelope.sender, message.data() + 8, sizeof opened.envelope.sender);
  if (tag != cluster) return std::unexpected(EnvelopeError::kOtherCluster);
  if (opened.envelope.sender == 0) return std::unexpected(EnvelopeError::kNotOurs);
  opened.envelope.channel = static_cast<Channel>(channel);
  opened.payload = message.subspan(Envelope::kBytes);
  return opened;
}

}  // namespace hogwild::daemon
