#include "http/negotiation.hpp"

#include <cassert>
#include <charconv>

#include "http/ascii.hpp"

namespace hogwild::http {
namespace {

/// How closely a media range names `type`: 0 not at all, 1 "*/*", 2 "text/*", 3 "text/plain".
int specificity(std::string_view range, std::string_view type) {
  if (ascii_iequal(range, type)) return 3;
  if (range == "*/*") return 1;
  const auto slash = type.find('/') + 1;
  const bool is_whole_kind = range.size() == slash + 1 && range.ends_with("/*") &&
                             ascii_iequal(range.substr(0, slash), type.substr(0, slash));
  return is_whole_kind ? 2 : 0;
}

/// The weight of a range from its parameters ("; q=0.5"); 1 where it has none, 0 where it is not a
/// number.
double weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view value = trimmed(take_until(parameters, ';'));
    const auto name = trimmed(take_until(value, '='));
    if (!ascii_iequal(name, "q")) continue;
    double weight = 0;
    std::from_chars(value.data(), value.data() + value.size(), weight);
    return weight;
  }
  return 1;
}

double weight_for(std::string_view accept, std::string_view type) {
  int best = 0;
  double weight = 0;
  while (!accept.empty()) {
    std::string_view parameters = take_until(accept, ',');
    const auto range = trimmed(take_until(parameters, ';'));
    const int fit = specificity(range, type);
    if (fit > best) {
      best = fit;
      weight = weight_of(parameters);
    }
  }
  return weight;
}

}  // namespace

std::string_view preferred_type(std::string_view accept,
                                std::span<const std::string_view> offered) {
  assert(!offered.empty());
  std::string_view preferred = offered.front();
  double best = 0;
  for (const auto type : offered) {
    const double weight = weight_for(accept, type);
    if (weight > best) {
      best = weight;
      preferred = type;
    }
  }
  return preferred;
}

bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
  bool is_taken = false;
  while (!accept_encoding.empty()) {
    std::string_view parameters = take_until(accept_encoding, ',');
    const auto name = trimmed(take_until(parameters, ';'));
    if (ascii_iequal(name, coding)) return weight_of(parameters) > 0;
    if (name == "*") is_taken = weight_of(parameters) > 0;
  }
  return is_taken;
}

bool names_tag(std::string_view if_none_match, std::string_view tag) {
  const auto opaque = [](std::string_view text) {
    return text.substr(text.starts_with("W/") ? 2 : 0);
  };
  while (!if_none_match.empty()) {
    const auto each = trimmed(take_until(if_none_match, ','));
    if (each == "*" || (!each.empty() && opaque(each) == opaque(tag))) return true;
  }
  return false;
}

}  // namespace hogwild::http
