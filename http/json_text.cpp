#include "http/json_text.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace hogwild::http {
namespace {

namespace json = boost::json;

/// Length of the UTF-8 sequence at the start of `text`, 0 where there is none (RFC 3629: no
/// overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  if (lead >= 0xc2 && lead <= 0xdf) length = 2;
  if (lead >= 0xe0 && lead <= 0xef) length = 3;
  if (lead >= 0xf0 && lead <= 0xf4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  unsigned lowest = 0x80;
  unsigned highest = 0xbf;
  if (lead == 0xe0) lowest = 0xa0;
  if (lead == 0xed) highest = 0x9f;
  if (lead == 0xf0) lowest = 0x90;
  if (lead == 0xf4) highest = 0x8f;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

constexpr std::size_t kUsualBytes = 1500;  // A status.

void append_value(std::string& out, const json::value& value);

/// Whether JSON has `text` as it is between quotes: ASCII without controls, quotes, backslashes.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

template <typename Integer>
void append_integer(std::string& out, Integer number) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
  out.append(text.data(), end.ptr);
}

void append_array(std::string& out, const json::array& array) {
  out += '[';
  bool is_first = true;
  for (const auto& element : array) {
    if (!is_first) out += ',';
    is_first = false;
    append_value(out, element);
  }
  out += ']';
}

void append_object(std::string& out, const json::object& object) {
  out += '{';
  bool is_first = true;
  for (const auto& [key, element] : object) {
    if (!is_first) out += ',';
    is_first = false;
    append_string(out, key);
    out += ':';
    append_value(out, element);
  }
  out += '}';
}

void append_value(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      break;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case json::kind::int64:
      append_integer(out, value.get_int64());
      break;
    case json::kind::uint64:
      append_integer(out, value.get_uint64());
      break;
    case json::kind::double_:
      append_number(out, value.get_double());
      break;
    case json::kind::string:
      append_string(out, value.get_string());
      break;
    case json::kind::array:
      append_array(out, value.get_array());
      break;
    case json::kind::object:
      append_object(out, value.get_object());
      break;
  }
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  if (is_plain(text)) {  // Nearly all are: no copies for them.
    out.append(1, '"').append(text).append(1, '"');
  } else {
    out += json::serialize(json::string_view{valid_utf8(text)});
  }
}

void append_number(std::string& out, std::uint64_t number) { append_integer(out, number); }

void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 32> text;
  // Plain notation where it is short; to_chars would write 200000 as 2e+05.
  const double magnitude = std::abs(number);
  const bool is_plain = magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e15);
  const auto end = is_plain ? std::to_chars(text.data(), text.data() + text.size(), number,
                                            std::chars_format::fixed)
                            : std::to_chars(text.data(), text.data() + text.size(), number);
  out.append(text.data(), end.ptr);
}

std::string number_text(double number) {
  std::string out;
  append_number(out, number);
  return out;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

std::string json_text(const json::value& value) {
  std::string out;
  out.reserve(kUsualBytes);
  append_value(out, value);
  return out;
}

}  // namespace hogwild::http
