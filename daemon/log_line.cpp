#include "daemon/log_line.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace hogwild::daemon {
namespace {

/// Length of the UTF-8 sequence at the start of `text`; 0 where there is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto continues = [&](std::size_t at, unsigned least = 0x80, unsigned most = 0xBF) {
    return at < text.size() && byte(at) >= least && byte(at) <= most;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned least = lead == 0xE0 ? 0xA0 : 0x80;  // no overlong forms
    const unsigned most = lead == 0xED ? 0x9F : 0xBF;   // no surrogates
    return continues(1, least, most) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned least = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned most = lead == 0xF4 ? 0x8F : 0xBF;  // up to U+10FFFF
    return continues(1, least, most) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

/// C0, DEL, and C1 as UTF-8: what moves a terminal's cursor.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return character.size() == 2 && first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

/// Calls plain(characters) or odd(byte, is_utf8) for each character, in order.
template <typename Plain, typename Odd>
void each_character(std::string_view text, Plain&& plain, Odd&& odd) {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const auto character = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || is_control(character)) {
      odd(character, length != 0);
    } else {
      plain(character);
    }
    text.remove_prefix(character.size());
  }
}

bool needs_quotes(std::string_view text) {
  bool needs = text.empty();
  each_character(
      text, [&](std::string_view c) { needs |= c == " " || c == "\"" || c == "=" || c == "\\"; },
      [&](std::string_view, bool) { needs = true; });
  return needs;
}

void append_text_value(std::string& line, std::string_view text) {
  if (!needs_quotes(text)) {
    line += text;
    return;
  }
  line += '"';
  each_character(
      text,
      [&](std::string_view c) {
        if (c == "\"" || c == "\\") line += '\\';
        line += c;
      },
      [&](std::string_view c, bool) {
        if (c == "\n") {
          line += "\\n";
          return;
        }
        for (const char byte : c) {
          fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(byte));
        }
      });
  line += '"';
}

void append_json_text(std::string& line, std::string_view text) {
  line += '"';
  each_character(
      text,
      [&](std::string_view c) {
        if (c == "\"" || c == "\\") line += '\\';
        line += c;
      },
      [&](std::string_view c, bool is_utf8) {
        if (!is_utf8) {
          line += "\\ufffd";
        } else {
          // A control of two bytes is U+0080 to U+009F: its last byte is the code point.
          fmt::format_to(std::back_inserter(line), "\\u{:04x}",
                         static_cast<unsigned char>(c.back()));
        }
      });
  line += '"';
}

void append_value(std::string& line, const LogValue& value) {
  std::visit(
      [&](const auto& any) {
        if constexpr (std::same_as<std::decay_t<decltype(any)>, std::string_view>) {
          append_text_value(line, any);
        } else {
          fmt::format_to(std::back_inserter(line), "{}", any);
        }
      },
      value.any());
}

void append_json_value(std::string& line, const LogValue& value) {
  std::visit(
      [&](const auto& any) {
        using Any = std::decay_t<decltype(any)>;
        if constexpr (std::same_as<Any, std::string_view>) {
          append_json_text(line, any);
        } else if constexpr (std::same_as<Any, double>) {
          line += std::isfinite(any) ? fmt::format("{}", any) : "null";
        } else {
          fmt::format_to(std::back_inserter(line), "{}", any);
        }
      },
      value.any());
}

}  // namespace

std::string utc_text(std::chrono::system_clock::time_point time) {
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(whole);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (whole - seconds).count());
}

std::string text_line(const LogRecord& record) {
  std::string line = utc_text(record.time);
  line += " event=";
  line += record.event;
  for (const auto& field : record.fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

std::string json_line(const LogRecord& record) {
  std::string line = fmt::format(R"({{"time":"{}","level":{},"event":)", utc_text(record.time),
                                 static_cast<unsigned>(record.level));
  append_json_text(line, record.event);
  for (const auto& field : record.fields) {
    line += ',';
    append_json_text(line, field.key);
    line += ':';
    append_json_value(line, field.value);
  }
  line += '}';
  return line;
}

}  // namespace hogwild::daemon
