#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace hogwild::daemon {

/// Replaces `path` by a file with `content`: written under a temporary name in the same directory,
/// synced, renamed, the directory synced. Whoever opens `path` finds the old content or the new
/// one, also after a crash. On error the old file stays, the temporary one is gone, and the text
/// names the file and why. A device or a pipe is written to as it is.
/// Blocks for as long as the disk takes: not for the network thread.
[[nodiscard]] std::expected<void, std::string> write_file_atomically(
    const std::filesystem::path& path, std::string_view content);

/// Whether write_file_atomically() could begin now, for work that should not be done in vain.
/// Effect: none that lasts.
[[nodiscard]] std::expected<void, std::string> check_writable(const std::filesystem::path& path);

}  // namespace hogwild::daemon
