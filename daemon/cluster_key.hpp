#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hogwild::daemon {

/// One key of a cluster. Whoever has it is a member; there is nothing else to show.
struct ClusterKey {
  static constexpr std::size_t kBytes = 32;

  /// HKDF-Extract of the bytes in the file (RFC 5869): what all other keys are expanded from.
  std::array<std::byte, kBytes> root{};
  /// What packets and people call it; it tells nothing about the key.
  std::uint16_t id = 0;

  ClusterKey() = default;
  ClusterKey(const ClusterKey&) = default;
  ClusterKey& operator=(const ClusterKey&) = default;
  /// Leaves nothing of it in memory.
  ~ClusterKey();
  friend bool operator==(const ClusterKey&, const ClusterKey&) = default;
};

/// The first key seals, all of them open: put a new one last on every node, then first, then take
/// the old one away, and no packet was ever refused. Empty: nothing is sealed.
using KeyRing = std::vector<ClusterKey>;

/// More are refused: members tell each other the ids of those that they have.
inline constexpr std::size_t kMostKeys = 6;

/// Four hex digits.
[[nodiscard]] std::string key_id_text(std::uint16_t id);

/// Reads a key a line (base64 of 32 bytes); empty lines and those that begin with # are none.
/// Error: a sentence with the line, never with the key.
[[nodiscard]] std::expected<KeyRing, std::string> parse_keys(std::string_view text);

/// parse_keys() of a file that nobody but its owner and group may read. Error: a sentence that
/// begins with the flag and the file.
[[nodiscard]] std::expected<KeyRing, std::string> read_key_file(const std::filesystem::path& path);

/// The text of a key file with a key that nobody has seen. Throws where the system has no
/// randomness.
[[nodiscard]] std::string new_key_text();

}  // namespace hogwild::daemon
