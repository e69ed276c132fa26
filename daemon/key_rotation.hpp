#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace hogwild::daemon {

/// The three steps that change the key of a running cluster; each is done on every node, and seen
/// by all (/v1/members tells the keys of each), before the next one. After none of them is a
/// message refused.
enum class RotationStep {
  kAdd,      ///< a new key comes last: it opens
  kPromote,  ///< the last key comes first: it seals
  kRetire    ///< all but the first go
};

/// The text of a key file after a step; `new_key` is what kAdd appends, as new_key_text() gives it.
/// Comments before the first key stay. Error: why the step cannot be done, `text` is as it was.
[[nodiscard]] std::expected<std::string, std::string> rotated(std::string_view text,
                                                              RotationStep step,
                                                              std::string_view new_key);

/// rotated() of a file, which keeps its owner and its mode and is replaced as a whole; kAdd makes
/// one of mode 0600 where there is none. Returns a sentence on the keys it has now. Error: a
/// sentence that names the file, which is as it was.
[[nodiscard]] std::expected<std::string, std::string> rotate_key_file(
    const std::filesystem::path& path, RotationStep step);

}  // namespace hogwild::daemon
