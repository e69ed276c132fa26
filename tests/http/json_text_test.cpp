#include "http/json_text.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace hogwild::http {
namespace {

namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(json_texts)

BOOST_AUTO_TEST_CASE(numbers_are_short_and_without_needless_exponents) {
  BOOST_TEST(number_text(0.0001) == "0.0001");
  BOOST_TEST(number_text(0.1) == "0.1");
  BOOST_TEST(number_text(200000) == "200000");
  BOOST_TEST(number_text(0) == "0");
  BOOST_TEST(number_text(-1.5) == "-1.5");
  BOOST_TEST(number_text(1e-9) == "1e-09");
  BOOST_TEST(number_text(1e300) == "1e+300");
}

BOOST_AUTO_TEST_CASE(numbers_that_are_not_finite_are_null) {
  BOOST_TEST(number_text(std::nan("")) == "null");
  BOOST_TEST(number_text(-std::numeric_limits<double>::infinity()) == "null");
}

BOOST_AUTO_TEST_CASE(every_double_reads_back_as_itself) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) continue;
    BOOST_TEST_REQUIRE(std::strtod(number_text(number).c_str(), nullptr) == number);
  }
}

BOOST_AUTO_TEST_CASE(nested_values_come_out_in_order_and_without_blanks) {
  const json::value value = {
      {"b", {1, 2.5, nullptr, true}}, {"a", json::object()}, {"c", json::array()}};
  BOOST_TEST(json_text(value) == R"({"b":[1,2.5,null,true],"a":{},"c":[]})");
}

BOOST_AUTO_TEST_CASE(strings_are_escaped_and_mended) {
  BOOST_TEST(json_text(json::value("a\"\\\n\x01")) == R"("a\"\\\n\u0001")");
  BOOST_TEST(json_text(json::value("\xff")) == "\"\xef\xbf\xbd\"");
}

BOOST_AUTO_TEST_CASE(valid_utf8_stays_as_it_is) {
  for (const std::string text : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\x97",
                                 "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    BOOST_TEST(valid_utf8(text) == text);
  }
}

// RFC 3629, 3 and 4: overlong forms, surrogates, values above U+10FFFF and cut sequences are not
// UTF-8.
BOOST_AUTO_TEST_CASE(each_wrong_byte_becomes_one_replacement_character) {
  const std::string mark = "\xef\xbf\xbd";
  BOOST_TEST(valid_utf8("\xc0\xaf") == mark + mark);
  BOOST_TEST(valid_utf8("\xe0\x80\xaf") == mark + mark + mark);
  BOOST_TEST(valid_utf8("\xed\xa0\x80") == mark + mark + mark);
  BOOST_TEST(valid_utf8("\xf4\x90\x80\x80") == mark + mark + mark + mark);
  BOOST_TEST(valid_utf8("\xf0\x80\x80\x80") == mark + mark + mark + mark);
  BOOST_TEST(valid_utf8("a\xe2\x82") == "a" + mark + mark);
  BOOST_TEST(valid_utf8("\xe2\x82z") == mark + mark + "z");
  BOOST_TEST(valid_utf8("\x80") == mark);
}

BOOST_AUTO_TEST_CASE(random_bytes_always_become_json_that_parses) {
  std::mt19937 random(2);
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes(random() % 20, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    boost::system::error_code error;
    const auto value = json::parse(json_text(json::value(json::string(bytes))), error);
    BOOST_TEST_REQUIRE(!error);
    BOOST_TEST_REQUIRE(std::string(value.as_string()) == valid_utf8(bytes));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
