#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hogwild::membership {

/// Identity of one process start: 128 random bits. A restarted daemon is a new member, so there is
/// no quarrel about incarnations between two lives of one name.
struct NodeId {
  std::array<std::uint8_t, 16> bytes{};

  /// From two random words. A low word of 0 becomes 1, because short id 0 means "nobody".
  [[nodiscard]] static NodeId from_words(std::uint64_t high, std::uint64_t low);
  /// The low 64 bits: the name of a member inside packets. 0 is nobody's.
  [[nodiscard]] std::uint64_t short_id() const;

  friend auto operator<=>(const NodeId&, const NodeId&) = default;
  friend bool operator==(const NodeId&, const NodeId&) = default;
};

/// 32 hexadecimal digits; the last 16 are those of the short id.
[[nodiscard]] std::string to_string(const NodeId& id);
/// 16 hexadecimal digits.
[[nodiscard]] std::string short_id_to_string(std::uint64_t short_id);
/// Reads what to_string() writes, in either case; nothing else.
[[nodiscard]] std::optional<NodeId> parse_node_id(std::string_view text);

}  // namespace hogwild::membership
