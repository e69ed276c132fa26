#include "http/query.hpp"

#include <algorithm>

#include "http/ascii.hpp"

namespace hogwild::http {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = ascii_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a') + 10;
  return std::nullopt;
}

/// Decoded text without control characters.
std::optional<std::string> clean_text(std::string_view text) {
  auto decoded = percent_decode(text);
  if (!decoded || std::ranges::any_of(*decoded, is_control)) return std::nullopt;
  return decoded;
}

/// Splits "http://authority/path?query"; leaves `text` beginning with '/' or '?'.
std::optional<std::string> take_authority(std::string_view& text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!ascii_iequal(text.substr(0, scheme.size()), scheme)) continue;
    text.remove_prefix(scheme.size());
    const auto end = std::min(text.find_first_of("/?"), text.size());
    const std::string authority(text.substr(0, end));
    text.remove_prefix(end);
    return authority;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> Target::find(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  target.authority = take_authority(text);
  std::string_view raw_path = take_until(text, '?');
  if (raw_path.empty() && target.authority) raw_path = "/";
  if (!raw_path.starts_with('/')) return std::nullopt;
  auto path = clean_text(raw_path);
  if (!path) return std::nullopt;
  target.path = std::move(*path);

  while (!text.empty()) {
    std::string_view value = take_until(text, '&');
    if (value.empty()) continue;
    const std::string_view raw_name = take_until(value, '=');
    auto name = clean_text(raw_name);
    std::string spaced(value);
    std::ranges::replace(spaced, '+', ' ');
    auto decoded = clean_text(spaced);
    if (!name || !decoded) return std::nullopt;
    target.query.emplace_back(std::move(*name), std::move(*decoded));
  }
  return target;
}

}  // namespace hogwild::http
