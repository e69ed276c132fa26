#pragma once

#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/host_port.hpp"

namespace hogwild::daemon {

/// A member as --state remembers it: somebody to ask, never somebody to believe in.
struct RememberedPeer {
  HostPort gossip;
  std::string name;  ///< for people who read the file

  friend bool operator==(const RememberedPeer&, const RememberedPeer&) = default;
};

/// A line a peer: `HOST:PORT NAME`, after a comment.
[[nodiscard]] std::string peers_text(std::span<const RememberedPeer> peers);
/// Error: a sentence with the line.
[[nodiscard]] std::expected<std::vector<RememberedPeer>, std::string> parse_peers(
    std::string_view text);

/// DIR/peers
[[nodiscard]] std::filesystem::path peer_file_path(const std::filesystem::path& state_directory);
/// The peers of an earlier process; none where there is no file. Error: a sentence with flag and
/// file.
[[nodiscard]] std::expected<std::vector<RememberedPeer>, std::string> read_peers(
    const std::filesystem::path& state_directory);

}  // namespace hogwild::daemon
