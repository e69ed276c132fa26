#include "daemon/peer_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace hogwild::daemon {
namespace {

/// As many as there may be members.
constexpr std::size_t kMostPeers = 1024;

}  // namespace

std::string peers_text(std::span<const RememberedPeer> peers) {
  std::string text = "# members to ask when this node starts again\n";
  for (const RememberedPeer& peer : peers.first(std::min(peers.size(), kMostPeers))) {
    text += fmt::format("{} {}\n", peer.gossip.text(), peer.name);
  }
  return text;
}

std::expected<std::vector<RememberedPeer>, std::string> parse_peers(std::string_view text) {
  std::vector<RememberedPeer> peers;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto blank = std::min(line.find(' '), line.size());
    auto gossip = parse_host_port(line.substr(0, blank));
    if (!gossip) return std::unexpected(fmt::format("line {}: {}", number, gossip.error()));
    if (peers.size() == kMostPeers) {
      return std::unexpected(fmt::format("line {}: more than {} peers", number, kMostPeers));
    }
    peers.push_back(
        {std::move(*gossip), std::string(line.substr(std::min(blank + 1, line.size())))});
  }
  return peers;
}

std::filesystem::path peer_file_path(const std::filesystem::path& state_directory) {
  return state_directory / "peers";
}

std::expected<std::vector<RememberedPeer>, std::string> read_peers(
    const std::filesystem::path& state_directory) {
  const auto path = peer_file_path(state_directory);
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return {};
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad()) {
    return std::unexpected(
        fmt::format("--state {}: {} cannot be read", state_directory.string(), path.string()));
  }
  auto peers = parse_peers(text);
  if (!peers) {
    return std::unexpected(
        fmt::format("--state {}: {}, {}", state_directory.string(), path.string(), peers.error()));
  }
  return peers;
}

}  // namespace hogwild::daemon
