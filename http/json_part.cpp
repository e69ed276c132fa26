#include "http/json_part.hpp"

#include <boost/json.hpp>

#include "http/text_table.hpp"

namespace hogwild::http {

namespace json = boost::json;

const json::value& part(const json::value& from, JsonKeys keys) {
  static const json::value kNothing = nullptr;
  const json::value* at = &from;
  for (const auto key : keys) {
    const auto* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(key);
    if (at == nullptr) return kNothing;
  }
  return *at;
}

std::optional<double> number(const json::value& from, JsonKeys keys) {
  const json::value& value = part(from, keys);
  if (!value.is_number()) return std::nullopt;
  return value.to_number<double>();
}

std::string word(const json::value& from, JsonKeys keys) {
  const json::value& value = part(from, keys);
  if (value.is_string()) return printable(value.get_string());
  if (value.is_double()) return rounded_text(value.get_double());
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  return value.is_number() ? json::serialize(value) : "-";
}

const json::array& elements(const json::value& from, JsonKeys keys) {
  static const json::array kNone;
  const auto* list = part(from, keys).if_array();
  return list == nullptr ? kNone : *list;
}

}  // namespace hogwild::http
