#include "membership/node_id.hpp"

#include <cstddef>

namespace hogwild::membership {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

void append_hex(std::string& text, std::uint64_t word) {
  for (unsigned shift = 64; shift > 0;) {
    shift -= 4;
    text.push_back(kDigits[(word >> shift) & 0xfU]);
  }
}

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

std::uint64_t load(const std::array<std::uint8_t, 16>& bytes, std::size_t offset) {
  std::uint64_t word = 0;
  for (std::size_t i = 8; i > 0; --i) word = word << 8U | bytes[offset + i - 1];
  return word;
}

}  // namespace

NodeId NodeId::from_words(std::uint64_t high, std::uint64_t low) {
  if (low == 0) low = 1;
  NodeId id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(low >> (8 * i));
    id.bytes[8 + i] = static_cast<std::uint8_t>(high >> (8 * i));
  }
  return id;
}

std::uint64_t NodeId::short_id() const { return load(bytes, 0); }

std::string to_string(const NodeId& id) {
  std::string text;
  append_hex(text, load(id.bytes, 8));
  append_hex(text, load(id.bytes, 0));
  return text;
}

std::string short_id_to_string(std::uint64_t short_id) {
  std::string text;
  append_hex(text, short_id);
  return text;
}

std::optional<NodeId> parse_node_id(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  NodeId id;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto high = hex_value(text[2 * i]);
    const auto low = hex_value(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    id.bytes[15 - i] = static_cast<std::uint8_t>(*high * 16 + *low);
  }
  return id.short_id() == 0 ? std::nullopt : std::optional(id);
}

}  // namespace hogwild::membership
