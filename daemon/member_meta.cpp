#include "daemon/member_meta.hpp"

#include <cassert>
#include <string_view>

#include "daemon/cluster_key.hpp"

namespace hogwild::daemon {
namespace {

void write_text(std::string_view text, std::size_t most, std::vector<std::byte>& out) {
  text = text.substr(0, most);
  out.push_back(static_cast<std::byte>(text.size()));
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
}

std::uint16_t read_u16(std::span<const std::byte> in) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(in[0]) |
                                    std::to_integer<unsigned>(in[1]) << 8U);
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
  assert(meta.keys.size() <= kMostKeys);
  for (const std::uint16_t key : meta.keys) {
    out.push_back(static_cast<std::byte>(key & 0xffU));
    out.push_back(static_cast<std::byte>(key >> 8U));
  }
  return out;
}

std::uint16_t data_port_of(std::span<const std::byte> bytes) {
  return bytes.size() < 2 ? std::uint16_t{0} : read_u16(bytes);
}

std::optional<MemberMeta> decode_meta(std::span<const std::byte> bytes) {
  if (bytes.size() < 2) return std::nullopt;
  MemberMeta meta;
  meta.data_port = data_port_of(bytes);
  bytes = bytes.subspan(2);
  auto http = read_text(bytes);
  auto version = http ? read_text(bytes) : std::nullopt;
  if (!version || bytes.size() % 2 != 0 || bytes.size() > 2 * kMostKeys) return std::nullopt;
  for (; !bytes.empty(); bytes = bytes.subspan(2)) meta.keys.push_back(read_u16(bytes));
  meta.http = std::move(*http);
  meta.version = std::move(*version);
  return meta;
}

}  // namespace hogwild::daemon
