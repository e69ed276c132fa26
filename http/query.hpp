#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hogwild::http {

/// A request target, taken apart and decoded.
struct Target {
  std::string path;  ///< Begins with '/', decoded; holds no control character.
  std::vector<std::pair<std::string, std::string>> query;  ///< Decoded, in order.
  std::optional<std::string> authority;  ///< Of the absolute form (http://authority/path).

  /// The value of the query parameter `name`.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

/// Parses an origin-form or absolute-form target; nothing where it is neither, is wrongly encoded,
/// or hides a control character.
[[nodiscard]] std::optional<Target> parse_target(std::string_view text);

/// Decodes %XX; nothing where what follows a '%' is not two hex digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace hogwild::http
