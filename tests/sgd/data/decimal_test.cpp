#include "sgd/data/decimal.hpp"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "sgd/data/text.hpp"

namespace hogwild::sgd {
namespace {

/// The float nearest to `number` by std::from_chars, which knows no plus sign; what is too small
/// is zero.
float oracle(std::string_view number) {
  const bool is_negative = number.starts_with('-');
  if (is_negative || number.starts_with('+')) number.remove_prefix(1);
  float value = 0.0F;
  const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
  if (result.ec == std::errc::result_out_of_range) value = 0.0F;
  return is_negative ? -value : value;
}

/// Reads `number`, checks that nothing is left, and gives the bits.
std::uint32_t read_bits(const std::string& number) {
  const Text text = Text::copy_of(number);
  const char* const end = text.view().data() + text.view().size();
  const Decimal read = read_decimal(text.view().data(), end);
  // Not BOOST_TEST for each of a million numbers: it takes longer than the reading.
  if (read.state != DecimalState::kOk) BOOST_ERROR("not read: " + number);
  if (read.end != end) BOOST_ERROR("not read to its end: " + number);
  return std::bit_cast<std::uint32_t>(read.value);
}

void check_agrees(const std::string& number) {
  if (read_bits(number) != std::bit_cast<std::uint32_t>(oracle(number))) {
    BOOST_ERROR("not the nearest float: " + number);
  }
}

BOOST_AUTO_TEST_SUITE(decimal)

BOOST_AUTO_TEST_CASE(number_is_the_nearest_float) {
  for (const char* number : {"0",
                             "-0",
                             "+0",
                             "1",
                             "+1",
                             "-1",
                             "1.",
                             "-1.",
                             ".5",
                             "-.5",
                             "+.5",
                             "0.1",
                             "0.0739221",
                             "0.1234567",
                             "0.12345678",
                             "0.123456789",
                             "0.123456789012345",
                             "0.1234567890123456",
                             "123456789",
                             "16777216",
                             "16777217",
                             "16777219",
                             "9007199254740993",
                             "1234567.12345678",
                             "0.000000000000001",
                             "0.0000000000000001",
                             "1e5",
                             "1E5",
                             "1e+5",
                             "1e-5",
                             "-1.5e-7",
                             "3.4028235e38",
                             "1e-45",
                             "1.17549435e-38",
                             "1.17549421e-38",
                             "0.00000000000000000000",
                             "00001.50000",
                             "99999999",
                             "999999999999999999999",
                             "0.5e1",
                             "0.5E1",
                             "0.e1",
                             "1.e2",
                             "5e-324"}) {
    check_agrees(number);
  }
}

BOOST_AUTO_TEST_CASE(number_halfway_between_two_floats_goes_to_the_even_one) {
  // 2^24 + 1 and 2^24 + 3 lie halfway; a digit far behind breaks the tie.
  check_agrees("16777217");
  check_agrees("16777217.0");
  check_agrees("16777219.0");
  check_agrees("1677721.7");
  check_agrees("8388608.5");
  check_agrees("8388609.5");
  check_agrees("8388608.50000001");
  check_agrees("8388608.4999999999999999999");
  BOOST_TEST(read_bits("8388608.5") == std::bit_cast<std::uint32_t>(8388608.0F));
  BOOST_TEST(read_bits("8388609.5") == std::bit_cast<std::uint32_t>(8388610.0F));
}

BOOST_AUTO_TEST_CASE(number_next_to_halfway_is_not_rounded_twice) {
  // odd/2^25 lies between two floats of [0.5, 1). As a fraction with 15 digits it is odd·5^15/2^10:
  // where that is almost whole, the whole number is nearer to halfway than any double.
  constexpr std::uint64_t kFifteenDigits = 30'517'578'125;  // 5^15
  int found = 0;
  for (std::uint64_t odd = (1U << 24U) + 1; odd < (1U << 25U); odd += 2) {
    const std::uint64_t product = odd * kFifteenDigits;
    const std::uint64_t rest = product % 1024;
    if (rest > 3 && rest < 1021) continue;
    const std::string digits = std::to_string((product + 512) / 1024);
    if (++found % 16 == 0) check_agrees("0." + digits);
  }
  BOOST_TEST(found > 1000);
}

BOOST_AUTO_TEST_CASE(printed_floats_read_back_as_from_chars_reads_them) {
  std::mt19937_64 random(1);
  char digits[64];
  for (int i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    const auto format = i % 3 == 0 ? std::chars_format::scientific : std::chars_format::general;
    const auto end = i % 2 == 0 ? std::to_chars(std::begin(digits), std::end(digits), value, format)
                                : std::to_chars(std::begin(digits), std::end(digits), value, format,
                                                static_cast<int>(random() % 18));
    check_agrees(std::string(std::begin(digits), end.ptr));
  }
}

BOOST_AUTO_TEST_CASE(random_digits_read_as_from_chars_reads_them) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 300'000; ++i) {
    std::string number;
    const auto sign = random() % 4;
    if (sign == 0) number += '-';
    if (sign == 1) number += '+';
    // Mostly few digits, so that all the fast ways are taken, and often a "0." in front.
    if (random() % 3 == 0) {
      number += '0';
    } else {
      for (std::uint64_t k = random() % 10 + 1; k > 0; --k) {
        number += static_cast<char>('0' + random() % 10);
      }
    }
    if (random() % 8 != 0) {
      number += '.';
      for (std::uint64_t k = random() % 18; k > 0; --k) {
        number += static_cast<char>('0' + random() % 10);
      }
    }
    if (random() % 10 == 0) {
      number += 'e';
      number += std::to_string(static_cast<int>(random() % 56) - 30);
    }
    check_agrees(number);
  }
}

BOOST_AUTO_TEST_CASE(digits_at_their_limits_are_counted_exactly) {
  for (std::size_t length = 1; length <= 24; ++length) {
    check_agrees(std::string(length, '9'));
    check_agrees("0." + std::string(length, '9'));
    check_agrees("0." + std::string(length, '0') + "1");
    check_agrees("1." + std::string(length, '0') + "1");
    check_agrees(std::string(length, '9') + "." + std::string(length, '9'));
  }
}

BOOST_AUTO_TEST_CASE(number_ends_where_its_longest_prefix_ends) {
  struct Case {
    const char* text;
    std::size_t length;
  };
  for (const Case& at : {Case{"1 2", 1}, Case{"1.5:2", 3}, Case{"1.5.2", 3}, Case{"1e", 1},
                         Case{"1e+", 1}, Case{"0.5e", 3}, Case{"0.5ex", 3}, Case{"1,2", 1},
                         Case{"0.1234567x", 9}, Case{"12345678901x", 11}, Case{"1.e", 2}}) {
    const Text text = Text::copy_of(at.text);
    const Decimal read = read_decimal(text.view().data(), text.view().data() + text.view().size());
    BOOST_TEST(static_cast<std::size_t>(read.end - text.view().data()) == at.length, at.text);
    BOOST_TEST((read.state == DecimalState::kOk), at.text);
  }
}

BOOST_AUTO_TEST_CASE(too_small_is_zero_and_too_large_is_said_to_be) {
  for (const char* number :
       {"1e-46", "-1e-400", "1e-99999999999999999999", "0.000001e-50", "0e99999", "0.0e400"}) {
    const Text text = Text::copy_of(number);
    const Decimal read = read_decimal(text.view().data(), text.view().data() + text.view().size());
    BOOST_TEST((read.state == DecimalState::kOk), number);
    BOOST_TEST(read.value == 0.0F, number);
    BOOST_TEST(std::signbit(read.value) == (number[0] == '-'), number);
  }
  for (const char* number :
       {"1e39", "-3.5e38", "1e400", "1e99999999999999999999", "0.0000001e46",
        "340282366920938463463374607431768211456", "1000000000000000000000000000000000000000.5"}) {
    const Text text = Text::copy_of(number);
    const Decimal read = read_decimal(text.view().data(), text.view().data() + text.view().size());
    BOOST_TEST((read.state == DecimalState::kTooLarge), number);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_number_is_not_read) {
  for (const char* text : {"", "-", "+", ".", "-.", "e5", ".e5", "nan", "inf", "-inf", "infinity",
                           "x", "+-1", "--1", " 1", ":", "\xff", "0x"}) {
    const Text copy = Text::copy_of(text);
    const Decimal read = read_decimal(copy.view().data(), copy.view().data() + copy.view().size());
    if (std::string_view(text) == "0x") {
      BOOST_TEST((read.end == copy.view().data() + 1));
      continue;
    }
    BOOST_TEST((read.state == DecimalState::kNotANumber), text);
    BOOST_TEST((read.end == copy.view().data()), text);
  }
}

BOOST_AUTO_TEST_CASE(rounding_to_six_digits_is_printing_and_reading_back) {
  std::mt19937_64 random(3);
  const auto check = [](float value) {
    char digits[32];
    const auto printed =
        std::to_chars(std::begin(digits), std::end(digits), value, std::chars_format::general, 6);
    const float expected = oracle({std::begin(digits), printed.ptr});
    if (std::bit_cast<std::uint32_t>(round_to_six_digits(value)) !=
        std::bit_cast<std::uint32_t>(expected)) {
      BOOST_ERROR(value);
    }
  };
  for (int i = 0; i < 300'000; ++i) {
    // All magnitudes of interest, and values close to a rounding step.
    const float value = std::ldexp(static_cast<float>(random() >> 40U) * 0x1p-24F,
                                   -static_cast<int>(random() % 20));
    check(value);
    check(std::nextafter(round_to_six_digits(value) + 5e-7F, 0.0F));
  }
  // Exactly between two numbers of six digits: odd multiples of 2^-7 below 1, of 2^-8 below 0.1.
  for (int odd = 1; odd < 256; odd += 2) {
    check(std::ldexp(static_cast<float>(odd), -7));
    check(std::ldexp(static_cast<float>(odd), -8));
    check(std::ldexp(static_cast<float>(odd), -9));
  }
  for (const float value : {1.0F, 0.9999995F, 0.99999949F, 0.1F, 0.01F, 1e-5F, 1.1e-5F, 0.5F,
                            0.0625F, 0.00390625F, 2.0F, 1e-20F, 0.0F}) {
    check(value);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
