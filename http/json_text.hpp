#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace hogwild::http {

/// Writes `value` for people as well as programs: numbers in their shortest form without needless
/// exponents (0.0001, not 1E-4), null for what is not finite, and every string as valid UTF-8. Ends
/// without a line feed.
[[nodiscard]] std::string json_text(const boost::json::value& value);

/// Appends `text` as a JSON string, mended where it is not UTF-8.
void append_string(std::string& out, std::string_view text);
void append_number(std::string& out, std::uint64_t number);
/// The same as number_text().
void append_number(std::string& out, double number);

/// The shortest text that reads back as `number`; "null" where it is not finite.
[[nodiscard]] std::string number_text(double number);

/// `text` with U+FFFD in the place of each byte that is not part of valid UTF-8.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace hogwild::http
