#include "daemon/quantity.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

namespace hogwild::daemon {
namespace {

using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

BOOST_AUTO_TEST_SUITE(quantity)

BOOST_AUTO_TEST_CASE(durations_are_read_with_their_unit) {
  BOOST_TEST((parse_duration("60s") == Duration(60s)));
  BOOST_TEST((parse_duration("5ms") == Duration(5ms)));
  BOOST_TEST((parse_duration("2m") == Duration(2min)));
  BOOST_TEST((parse_duration("250us") == Duration(250us)));
  BOOST_TEST((parse_duration("1.5s") == Duration(1500ms)));
  BOOST_TEST((parse_duration("1h") == Duration(1h)));
  BOOST_TEST((parse_duration("0s") == Duration(0)));
}

BOOST_AUTO_TEST_CASE(durations_without_a_unit_or_with_a_sign_are_refused) {
  for (const std::string text : {"", "60", "s", "-1s", "1 s", "1S", "1sec", "1s1ms", "nan s",
                                 "infs", "1e999s", "0x1s", "1m "}) {
    BOOST_TEST(!parse_duration(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_duration_too_long_for_any_clock_stays_finite) {
  BOOST_TEST(parse_duration("1e300h")->count() > 0);
}

BOOST_AUTO_TEST_CASE(an_interval_is_one_of_updates_or_of_time) {
  BOOST_TEST((parse_interval("1000i") == Interval{.updates = 1000, .time = {}}));
  BOOST_TEST((parse_interval("5ms") == Interval{.updates = 0, .time = 5ms}));
  for (const std::string text :
       {"", "i", "0i", "-1i", "1.5i", "1000", "1000I", "99999999999999999999i"}) {
    BOOST_TEST(!parse_interval(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(bandwidths_are_bits_in_steps_of_a_thousand) {
  BOOST_TEST(parse_bandwidth("200Mbit").value() == 200'000'000U);
  BOOST_TEST(parse_bandwidth("1Gbit").value() == 1'000'000'000U);
  BOOST_TEST(parse_bandwidth("1.5Gbit").value() == 1'500'000'000U);
  BOOST_TEST(parse_bandwidth("64kbit").value() == 64'000U);
  BOOST_TEST(parse_bandwidth("9bit").value() == 9U);
  for (const std::string text : {"", "1", "1MB", "1Mb", "1mbit", "-1Mbit", "Mbit", "1Gibit"}) {
    BOOST_TEST(!parse_bandwidth(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(numbers_take_the_whole_text_and_are_finite) {
  BOOST_TEST(parse_number("1e-4").value() == 1e-4);
  BOOST_TEST(parse_number("-.5").value() == -0.5);
  for (const std::string text : {"", "x", "1x", " 1", "1 ", "nan", "inf", "1e999", "1,5", "+1"}) {
    BOOST_TEST(!parse_number(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(counts_are_digits_within_64_bits) {
  BOOST_TEST(parse_count("18446744073709551615").value() == 18446744073709551615U);
  for (const std::string text : {"", "-1", "+1", "1.0", "1e3", "18446744073709551616", "1 "}) {
    BOOST_TEST(!parse_count(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(switches_know_the_words_people_use) {
  for (const std::string text : {"true", "1", "yes", "on"})
    BOOST_TEST(parse_switch(text).value(), text);
  for (const std::string text : {"false", "0", "no", "off"})
    BOOST_TEST(!parse_switch(text).value(), text);
  for (const std::string text : {"", "TRUE", "2", "y"})
    BOOST_TEST(!parse_switch(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(a_duration_printed_is_read_back_as_the_same) {
  BOOST_TEST(duration_text(60s) == "1m");
  BOOST_TEST(duration_text(90s) == "90s");
  BOOST_TEST(duration_text(5ms) == "5ms");
  BOOST_TEST(duration_text(Duration(0)) == "0ns");
  std::mt19937_64 random(3);
  for (int i = 0; i < 10'000; ++i) {
    const Duration duration(static_cast<std::int64_t>(random() % 1'000'000'000'000U));
    BOOST_TEST_REQUIRE((parse_duration(duration_text(duration)) == duration));
  }
  BOOST_TEST(bandwidth_text(1'000'000'000) == "1Gbit");
  BOOST_TEST(bandwidth_text(200'500'000) == "200500kbit");
  BOOST_TEST(bandwidth_text(999) == "999bit");
  BOOST_TEST(bandwidth_text(0) == "0bit");
  BOOST_TEST(interval_text({.updates = 200, .time = {}}) == "200i");
  BOOST_TEST(interval_text({.updates = 0, .time = 1s}) == "1s");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
