#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/json_text.hpp"

namespace hogwild::http {

/// Writes one JSON object straight into text, members in the order of the calls.
///
/// For what is asked for often: a tree of values costs five times as much. Names are constants of
/// the program that need no escape.
class JsonWriter {
 public:
  explicit JsonWriter(std::size_t usual_bytes) { text_.reserve(usual_bytes); }

  /// A member that is an object; `members` writes what is in it.
  template <std::invocable Members>
  void object(std::string_view name, Members members) {
    begin(name);
    text_ += '{';
    is_first_ = true;
    members();
    text_ += '}';
    is_first_ = false;
  }
  /// The same, or null.
  template <typename T, std::invocable<const T&> Members>
  void object(std::string_view name, const std::optional<T>& value, Members members) {
    if (!value) return null(name);
    object(name, [&] { members(*value); });
  }

  void add(std::string_view name, std::string_view value) {
    begin(name);
    append_string(text_, value);
  }
  void add(std::string_view name, double value) {
    begin(name);
    append_number(text_, value);
  }
  void add(std::string_view name, std::uint64_t value) {
    begin(name);
    append_number(text_, value);
  }
  void add(std::string_view name, std::same_as<bool> auto value) {
    begin(name);
    text_ += value ? "true" : "false";
  }
  void add(std::string_view name, const std::vector<std::string>& values) {
    list(name, values, append_string);
  }
  void add(std::string_view name, const std::vector<double>& values) {
    list(name, values, [](std::string& text, double value) { append_number(text, value); });
  }
  template <typename T>
  void add(std::string_view name, const std::optional<T>& value) {
    value ? add(name, *value) : null(name);
  }

  /// What was written, as an object.
  [[nodiscard]] std::string text() && { return '{' + std::move(text_) + '}'; }

 private:
  void begin(std::string_view name) {
    if (!is_first_) text_ += ',';
    is_first_ = false;
    text_.append(1, '"').append(name).append("\":");
  }
  template <typename T, typename Append>
  void list(std::string_view name, const std::vector<T>& values, Append append) {
    begin(name);
    text_ += '[';
    for (const T& value : values) {
      if (&value != &values.front()) text_ += ',';
      append(text_, value);
    }
    text_ += ']';
  }
  void null(std::string_view name) {
    begin(name);
    text_ += "null";
  }

  std::string text_;
  bool is_first_ = true;
};

}  // namespace hogwild::http
