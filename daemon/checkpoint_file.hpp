#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hogwild::daemon {

/// A run's state as it lies in --state, for the time when no member of it lives any more.
///
///     8 bytes  "hwckpt1\n"
///     u64      hash of all that follows (sgd/data/block_hash.hpp)
///     u64      length of the cluster's name, then the name
///     ...      content, as sgd::encode_checkpoint() makes it
struct CheckpointFile {
  std::string cluster;
  std::vector<std::byte> content;
};

[[nodiscard]] std::filesystem::path checkpoint_path(const std::filesystem::path& state_directory);

/// Replaces the file; see write_file_atomically(). Not for the network thread. The number of bytes.
[[nodiscard]] std::expected<std::size_t, std::string> write_checkpoint(
    const std::filesystem::path& path, std::string_view cluster,
    std::span<const std::byte> content);

/// Nothing where there is none. The error names the file, and what is wrong with it.
[[nodiscard]] std::expected<std::optional<CheckpointFile>, std::string> read_checkpoint(
    const std::filesystem::path& path);

}  // namespace hogwild::daemon
