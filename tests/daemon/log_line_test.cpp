#include "daemon/log_line.hpp"

#include <array>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <limits>
#include <random>
#include <string>

namespace hogwild::daemon {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::system_clock::time_point kTime =
    std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 4h + 13min + 123ms;

std::string text_of(LogValue value) {
  const std::array fields{LogField{"k", value}};
  const auto line =
      text_line({.time = kTime, .level = LogLevel::kMinimal, .event = "e", .fields = fields});
  return line.substr(line.find("k=") + 2);
}

boost::json::value json_of(LogValue value) {
  const std::array fields{LogField{"k", value}};
  const auto line =
      json_line({.time = kTime, .level = LogLevel::kMinimal, .event = "e", .fields = fields});
  return boost::json::parse(line).at("k");
}

BOOST_AUTO_TEST_SUITE(log_line)

BOOST_AUTO_TEST_CASE(a_text_line_is_time_event_and_fields) {
  const std::array fields{LogField{"name", "b"}, LogField{"incarnation", 3}};
  const LogRecord record{
      .time = kTime, .level = LogLevel::kMembership, .event = "member_suspect", .fields = fields};
  BOOST_TEST(text_line(record) ==
             "2026-11-23T04:13:00.123Z event=member_suspect name=b incarnation=3");
  BOOST_TEST(
      json_line(record) ==
      R"({"time":"2026-11-23T04:13:00.123Z","level":2,"event":"member_suspect","name":"b","incarnation":3})");
}

BOOST_AUTO_TEST_CASE(times_keep_their_milliseconds_before_1970_too) {
  BOOST_TEST(utc_text(std::chrono::system_clock::time_point(-1ms)) == "1969-12-31T23:59:59.999Z");
  BOOST_TEST(utc_text(std::chrono::system_clock::time_point(7ms)) == "1970-01-01T00:00:00.007Z");
}

BOOST_AUTO_TEST_CASE(values_keep_their_type) {
  BOOST_TEST(text_of(-3) == "-3");
  BOOST_TEST(text_of(18446744073709551615U) == "18446744073709551615");
  BOOST_TEST(text_of(true) == "true");
  BOOST_TEST(text_of(0.9451) == "0.9451");
  BOOST_TEST(json_of(-3).is_int64());
  BOOST_TEST(json_of(true).is_bool());
  BOOST_TEST(json_of(0.5).is_double());
  BOOST_TEST(json_of(std::string("7")).is_string());
  BOOST_TEST(json_of(std::numeric_limits<double>::quiet_NaN()).is_null());
  BOOST_TEST(json_of(-std::numeric_limits<double>::infinity()).is_null());
}

BOOST_AUTO_TEST_CASE(a_value_that_could_be_taken_for_something_else_is_quoted) {
  BOOST_TEST(text_of("node-1.example:7420") == "node-1.example:7420");
  BOOST_TEST(text_of("") == R"("")");
  BOOST_TEST(text_of("a b") == R"("a b")");
  BOOST_TEST(text_of("a=b") == R"("a=b")");
  BOOST_TEST(text_of(R"(a"b)") == R"("a\"b")");
  BOOST_TEST(text_of(R"(a\b)") == R"("a\\b")");
}

BOOST_AUTO_TEST_CASE(no_value_can_forge_a_line_or_move_a_cursor) {
  BOOST_TEST(text_of("a\nevent=forged") == R"("a\nevent=forged")");
  BOOST_TEST(text_of("\x1b[2J") == R"("\x1b[2J")");
  BOOST_TEST(text_of("\xc2\x9b") == R"("\xc2\x9b")");
  BOOST_TEST(text_of("\x7f") == R"("\x7f")");
  BOOST_TEST(text_of(std::string_view("\0", 1)) == R"("\x00")");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_are_escaped_and_letters_that_are_pass) {
  BOOST_TEST(text_of("zürich") == "zürich");
  BOOST_TEST(text_of("\xff") == R"("\xff")");
  BOOST_TEST(json_of("zürich").as_string() == "zürich");
  BOOST_TEST(json_of("a\xff\x62").as_string() ==
             "a\xef\xbf\xbd"
             "b");
  BOOST_TEST(json_of("\xed\xa0\x80").as_string() ==
             "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");                         // a surrogate
  BOOST_TEST(json_of("\xc0\x80").as_string() == "\xef\xbf\xbd\xef\xbf\xbd");  // overlong
  BOOST_TEST(json_of("\xe2\x82").as_string() == "\xef\xbf\xbd\xef\xbf\xbd");  // cut off
  BOOST_TEST(json_of("\xf0\x9f\x90\x97").as_string() == "\xf0\x9f\x90\x97");
  BOOST_TEST(json_of("\xf4\x90\x80\x80").as_string().size() == 12U);  // above U+10FFFF
}

BOOST_AUTO_TEST_CASE(any_bytes_give_one_text_line_and_valid_json) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 50'000; ++i) {
    std::string bytes(random() % 9, ' ');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    const auto text = text_of(bytes);
    for (const char byte : text)
      BOOST_TEST_REQUIRE((static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7F));
    BOOST_TEST_REQUIRE(json_of(bytes).is_string());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
