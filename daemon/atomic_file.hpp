#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace hogwild::daemon {

/// Replaces `path` by a file with `content`: written under a temporary name in the same directory,
/// synced, renamed, the directory synced. Whoever opens `path` finds the old content or the new
/// one, also after a crash. On error the old file stays, the temporary one is gone, and the text
/// names the file and why. Blocks for as long as the disk takes: not for the network thread.
[[nodiscard]] std::expected<void, std::string> write_file_atomically(
    const std::filesystem::path& path, std::string_view content);

}  // namespace hogwild::daemon
