#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace hogwild::daemon {

/// What the level lets through; each holds those before it.
enum class LogLevel : std::uint8_t {
  kMinimal = 0,      ///< warnings, the final result, the links
  kEvaluations = 1,  ///< each evaluation
  kMembership = 2,   ///< joins, leaves, suspicions, rounds
  kTraffic = 3,      ///< each send and each receive
};
inline constexpr std::size_t kLogLevelCount = 4;

/// A value of a log line. Text is not owned: it must live until the call that logs it returns.
class LogValue {
 public:
  template <std::same_as<bool> Bool>
  LogValue(Bool value) : value_(value) {}
  template <std::signed_integral Int>
  LogValue(Int value) : value_(static_cast<std::int64_t>(value)) {}
  template <std::unsigned_integral UInt>
  requires(!std::same_as<UInt, bool>) LogValue(UInt value)
      : value_(static_cast<std::uint64_t>(value)) {}
  LogValue(double value) : value_(value) {}
  LogValue(std::string_view value) : value_(value) {}
  LogValue(const std::string& value) : value_(std::string_view(value)) {}
  LogValue(const char* value) : value_(std::string_view(value)) {}

  using Any = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view>;
  [[nodiscard]] const Any& any() const { return value_; }

 private:
  Any value_;
};

struct LogField {
  std::string_view key;  ///< snake_case, from the program and never from a peer
  LogValue value;
};

/// What is logged: `event` in snake_case, as a verb of the past or a claim (`member_joined`).
struct LogRecord {
  std::chrono::system_clock::time_point time;
  LogLevel level = LogLevel::kMinimal;
  std::string_view event;
  std::span<const LogField> fields;
};

/// `2026-11-23T04:13:00.123Z event=member_suspect name=b incarnation=3`, without a newline.
/// A text value is quoted where it is empty or holds a space, a quote, `=` or a backslash; control
/// characters and bytes that are not UTF-8 are escaped, so no value can forge a line or move a
/// terminal's cursor.
[[nodiscard]] std::string text_line(const LogRecord& record);

/// `{"time":"…","level":2,"event":"member_suspect","name":"b","incarnation":3}`, without a newline;
/// always valid JSON: numbers that are not finite are null, bytes that are not UTF-8 are U+FFFD.
[[nodiscard]] std::string json_line(const LogRecord& record);

/// UTC, ISO 8601, milliseconds.
[[nodiscard]] std::string utc_text(std::chrono::system_clock::time_point time);

}  // namespace hogwild::daemon
