#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace hogwild::daemon {

using Duration = std::chrono::nanoseconds;

/// How often something is done: each so many updates, or each so much time. One of the two.
struct Interval {
  std::uint64_t updates = 0;  ///< 0: the interval is one of time
  Duration time{};            ///< 0: the interval is one of updates
  [[nodiscard]] bool counts_updates() const { return updates != 0; }
  bool operator==(const Interval&) const = default;
};

/// Numbers with units as people type them. Each takes the whole text or fails; the error says what
/// would be right, without the text itself.
[[nodiscard]] std::expected<std::uint64_t, std::string> parse_count(std::string_view text);
[[nodiscard]] std::expected<double, std::string> parse_number(std::string_view text);
/// `true`, `false`, and what else people mean by them.
[[nodiscard]] std::expected<bool, std::string> parse_switch(std::string_view text);
/// `250us`, `5ms`, `1.5s`, `2m`, `1h`; never a number alone.
[[nodiscard]] std::expected<Duration, std::string> parse_duration(std::string_view text);
/// `1000i` (updates) or a duration.
[[nodiscard]] std::expected<Interval, std::string> parse_interval(std::string_view text);
/// `500kbit`, `200Mbit`, `1Gbit`: bits a second, steps of 1000.
[[nodiscard]] std::expected<std::uint64_t, std::string> parse_bandwidth(std::string_view text);

/// The shortest text that parse_duration reads back as the same value.
[[nodiscard]] std::string duration_text(Duration duration);
/// The shortest text that parse_bandwidth reads back as the same value.
[[nodiscard]] std::string bandwidth_text(std::uint64_t bits_per_second);
[[nodiscard]] std::string interval_text(const Interval& interval);

}  // namespace hogwild::daemon
