#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace hogwild::http {

/// A whole number of [least, most], of digits alone.
template <std::integral Number>
[[nodiscard]] std::optional<Number> parse_whole(std::string_view text, Number least, Number most) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  if (!is_whole || number < least || number > most) return std::nullopt;
  return number;
}

}  // namespace hogwild::http
