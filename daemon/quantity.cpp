#include "daemon/quantity.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace hogwild::daemon {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 6> kTimes{
    {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
constexpr std::array<Unit, 4> kRates{{{"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}}};

constexpr std::string_view kDurationForm = "expected a time with its unit, such as 5ms, 60s or 2m";
constexpr std::string_view kBandwidthForm = "expected a rate such as 200Mbit or 1Gbit";
// Above this a double no longer holds each integer; it is 104 days in nanoseconds.
constexpr double kMostExact = 9007199254740992.0;

/// A decimal number at the start of `text`, and what follows it.
struct Leading {
  double number;
  std::string_view rest;
};

std::optional<Leading> leading_number(std::string_view text) {
  double number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || !std::isfinite(number)) return std::nullopt;
  return Leading{.number = number, .rest = {stop, end}};
}

template <std::size_t Count>
std::optional<double> scaled(std::string_view text, const std::array<Unit, Count>& units) {
  const auto leading = leading_number(text);
  if (!leading || leading->number < 0) return std::nullopt;
  for (const auto& unit : units) {
    if (unit.name == leading->rest) return leading->number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::expected<std::uint64_t, std::string> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || stop != end) {
    return std::unexpected("expected a whole number, written with digits alone");
  }
  return count;
}

std::expected<double, std::string> parse_number(std::string_view text) {
  const auto leading = leading_number(text);
  if (!leading || !leading->rest.empty()) {
    return std::unexpected("expected a number such as 0.5 or 1e-4");
  }
  return leading->number;
}

std::expected<bool, std::string> parse_switch(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "yes", "on"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "0", "no", "off"}) {
    if (text == no) return false;
  }
  return std::unexpected("expected true or false");
}

std::expected<Duration, std::string> parse_duration(std::string_view text) {
  const auto nanoseconds = scaled(text, kTimes);
  if (!nanoseconds) return std::unexpected(std::string(kDurationForm));
  // Longer than any run: callers bound the value further.
  return Duration(std::llround(std::min(*nanoseconds, kMostExact)));
}

std::expected<Interval, std::string> parse_interval(std::string_view text) {
  if (text.ends_with('i')) {
    const auto updates = parse_count(text.substr(0, text.size() - 1));
    if (updates && *updates > 0) return Interval{.updates = *updates, .time = {}};
    return std::unexpected("expected a number of updates from 1, such as 1000i");
  }
  const auto time = parse_duration(text);
  if (!time) {
    return std::unexpected("expected a number of updates such as 1000i, or a time such as 1s");
  }
  return Interval{.updates = 0, .time = *time};
}

std::expected<std::uint64_t, std::string> parse_bandwidth(std::string_view text) {
  const auto bits = scaled(text, kRates);
  if (!bits) return std::unexpected(std::string(kBandwidthForm));
  return static_cast<std::uint64_t>(std::llround(std::min(*bits, kMostExact)));
}

namespace {

/// `amount` in the largest unit of which it is a whole number.
template <std::size_t Count>
std::string in_best_unit(double amount, const std::array<Unit, Count>& units) {
  const Unit* best = units.data();
  for (const auto& unit : units) {
    const double scaled_amount = amount / unit.factor;
    if (scaled_amount >= 1 && scaled_amount == std::floor(scaled_amount)) best = &unit;
  }
  return fmt::format("{}{}", amount / best->factor, best->name);
}

}  // namespace

std::string duration_text(Duration duration) {
  return in_best_unit(static_cast<double>(duration.count()), kTimes);
}

std::string bandwidth_text(std::uint64_t bits_per_second) {
  return in_best_unit(static_cast<double>(bits_per_second), kRates);
}

std::string interval_text(const Interval& interval) {
  return interval.counts_updates() ? fmt::format("{}i", interval.updates)
                                   : duration_text(interval.time);
}

}  // namespace hogwild::daemon
