#include "daemon/member_meta.hpp"

#include <string_view>

namespace hogwild::daemon {
namespace {

void write_text(std::string_view text, std::size_t most, std::vector<std::byte>& out) {
  text = text.substr(0, most);
  out.push_back(static_cast<std::byte>(text.size()));
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
}

std::optional<std::string> read_text(std::span<const std::byte>& in) {
  if (in.empty() || in.size() - 1 < std::to_integer<std::size_t>(in.front())) return std::nullopt;
  const auto size = std::to_integer<std::size_t>(in.front());
  std::string text(reinterpret_cast<const char*>(in.data() + 1), size);
  in = in.subspan(1 + size);
  return text;
}

}  // namespace

std::vector<std::byte> encode_meta(const MemberMeta& meta) {
  std::vector<std::byte> out = {static_cast<std::byte>(meta.data_port & 0xffU),
                                static_cast<std::byte>(meta.data_port >> 8U)};
  write_text(meta.http, 72, out);
  write_text(meta.version, 32, out);
  return out;
}

std::uint16_t data_port_of(std::span<const std::byte> bytes) {
  if (bytes.size() < 2) return 0;
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[0]) |
                                    std::to_integer<unsigned>(bytes[1]) << 8U);
}

std::optional<MemberMeta> decode_meta(std::span<const std::byte> bytes) {
  if (bytes.size() < 2) return std::nullopt;
  MemberMeta meta;
  meta.data_port = data_port_of(bytes);
  bytes = bytes.subspan(2);
  auto http = read_text(bytes);
  auto version = http ? read_text(bytes) : std::nullopt;
  if (!version || !bytes.empty()) return std::nullopt;
  meta.http = std::move(*http);
  meta.version = std::move(*version);
  return meta;
}

}  // namespace hogwild::daemon
