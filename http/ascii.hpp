#pragma once

#include <algorithm>
#include <string>
#include <string_view>

/// Character questions that HTTP asks, of ASCII alone and whatever the locale.
namespace hogwild::http {

[[nodiscard]] constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
/// Printable ASCII but the space.
[[nodiscard]] constexpr bool is_visible(char c) { return c > 0x20 && c < 0x7f; }
/// Optional white space as header fields have it, and line ends.
[[nodiscard]] constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Equal whatever the case of letters.
[[nodiscard]] constexpr bool ascii_iequal(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, ascii_lower, ascii_lower);
}

/// `text` without white space at its ends; a view into it.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// The part of `text` before the first `separator`, which is taken off together with it; all where
/// there is none.
[[nodiscard]] constexpr std::string_view take_until(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const auto head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

}  // namespace hogwild::http
