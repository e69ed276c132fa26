#include "sgd/data/plain_entries.hpp"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <charconv>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sgd/data/text.hpp"

namespace hogwild::sgd {
namespace {

using namespace std::string_view_literals;

struct Entries {
  std::vector<std::uint32_t> feature = std::vector<std::uint32_t>(1000);
  std::vector<float> value = std::vector<float>(1000);
  std::size_t count = 0;
  std::size_t end = 0;
  std::size_t retry = 0;
};

/// What is read of `line` with room for `room` entries.
Entries read(std::string_view line, std::size_t room = 1000) {
  const Text text = Text::copy_of(line);
  const char* const begin = text.view().data();
  Entries entries;
  const PlainEntries plain = read_plain_entries(
      begin, {.feature = entries.feature.data(), .value = entries.value.data(), .size = room});
  entries.count = plain.count;
  entries.end = static_cast<std::size_t>(plain.end - begin);
  entries.retry = static_cast<std::size_t>(plain.retry - begin);
  return entries;
}

/// False on machines where nothing is read this way.
bool is_available() { return read("1:1 2:1\n").count > 0; }

std::string digits(std::mt19937& random, std::size_t count) {
  std::string text;
  for (; count > 0; --count) text += static_cast<char>('0' + random() % 10);
  return text;
}

/// An id or a value as files have them; most of them plain.
std::string random_value(std::mt19937& random) {
  const std::string sign = random() % 4 == 0 ? "-" : "";
  switch (random() % 8) {
    case 0:
      return sign + digits(random, random() % 8 + 1);
    case 1:
      return sign + std::to_string(random() % 10);
    default:
      return sign + "0." + digits(random, random() % 8 + 1);
  }
}

float nearest(std::string_view number) {
  float value = 0.0F;
  std::from_chars(number.data(), number.data() + number.size(), value);
  return value;
}

BOOST_AUTO_TEST_SUITE(plain_entries)

BOOST_AUTO_TEST_CASE(entries_of_random_lines_are_the_nearest_floats) {
  std::mt19937 random(5);
  std::size_t read_of_them = 0;
  std::size_t all = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string line;
    std::vector<std::pair<std::uint32_t, float>> expected;
    std::vector<std::size_t> ends;
    for (auto k = random() % 120; k > 0; --k) {
      const auto id = static_cast<std::uint32_t>(random() % (1U << (random() % 26 + 1)) + 1);
      const std::string value = random_value(random);
      line += (line.empty() ? "" : " ") + std::to_string(id) + ":" + value;
      expected.emplace_back(id - 1, nearest(value));
      ends.push_back(line.size());
    }
    line += round % 3 == 0 ? "" : round % 3 == 1 ? "\n" : "\r\n";
    const Entries entries = read(line);
    BOOST_TEST_REQUIRE(entries.count <= expected.size());
    for (std::size_t i = 0; i < entries.count; ++i) {
      if (entries.feature[i] != expected[i].first ||
          std::bit_cast<std::uint32_t>(entries.value[i]) !=
              std::bit_cast<std::uint32_t>(expected[i].second)) {
        BOOST_ERROR("entry " << i << " of " << line);
      }
    }
    BOOST_TEST_REQUIRE(entries.end == (entries.count == 0 ? 0 : ends[entries.count - 1]));
    BOOST_TEST_REQUIRE(entries.retry >= entries.end);
    read_of_them += entries.count;
    all += expected.size();
  }
  if (is_available()) BOOST_TEST(read_of_them > all / 2);
}

BOOST_AUTO_TEST_CASE(mantissas_that_no_float_holds_are_rounded_once) {
  // Around the middle of two floats: odd/2^25 lies there, and its neighbours of eight digits.
  std::mt19937 random(6);
  for (int round = 0; round < 3000; ++round) {
    std::string line;
    std::vector<float> expected;
    for (std::size_t i = 0; i < 40; ++i) {
      const double middle =
          static_cast<double>((1U << 24U) + 2 * (random() % (1U << 23U)) + 1) / 0x1p25;
      const auto digits =
          static_cast<std::uint32_t>(middle * 1e8) + static_cast<std::uint32_t>(random() % 2);
      const std::string value = i % 2 == 0 ? "0." + std::to_string(digits) : std::to_string(digits);
      line += std::to_string(i + 1) + ":" + value + " ";
      expected.push_back(nearest(value));
    }
    const Entries entries = read(line);
    for (std::size_t i = 0; i < entries.count; ++i) {
      if (entries.value[i] != expected[i]) BOOST_ERROR("entry " << i << " of " << line);
    }
    if (is_available()) BOOST_TEST_REQUIRE(entries.count == 40U);
  }
}

BOOST_AUTO_TEST_CASE(whole_line_of_plain_entries_is_read) {
  if (!is_available()) return;
  std::string line;
  for (int i = 1; i <= 500; ++i) {
    line += (i == 1 ? "" : " ") + std::to_string(i * 7) + ":0.0" + std::to_string(i);
    BOOST_TEST_REQUIRE(read(line + "\n-1 1:1\n").count == static_cast<std::size_t>(i));
    BOOST_TEST_REQUIRE(read(line + "\n-1 1:1\n").end == line.size());
    BOOST_TEST_REQUIRE(read(line).count == static_cast<std::size_t>(i));
  }
}

BOOST_AUTO_TEST_CASE(reading_stops_before_what_is_not_plain) {
  // Whatever stands there, nothing but the entries before it is read, and nothing of it is.
  for (const std::string_view odd : std::initializer_list<std::string_view>{"",
                                                                            "\n",
                                                                            "\r\n",
                                                                            "#",
                                                                            " ",
                                                                            "\t3:1",
                                                                            "x",
                                                                            "3",
                                                                            "3:",
                                                                            "3: 1",
                                                                            ":1",
                                                                            "0:1",
                                                                            "00000000:1",
                                                                            "123456789:1",
                                                                            "-3:1",
                                                                            "+3:1",
                                                                            "3:+1",
                                                                            "3:.5",
                                                                            "3:1.",
                                                                            "3:1.5",
                                                                            "3:0.",
                                                                            "3:0.x",
                                                                            "3:0.1x",
                                                                            "3:1e5",
                                                                            "3:0.1e5",
                                                                            "3:0.123456789",
                                                                            "3:999999999",
                                                                            "3:nan",
                                                                            "3:-",
                                                                            "3:--1",
                                                                            "3:0x1",
                                                                            "3:1:2",
                                                                            "3:1,5",
                                                                            "3::",
                                                                            "qid:3",

                                                                            "\0"sv}) {
    for (std::size_t before = 0; before < 60; ++before) {
      std::string line;
      for (std::size_t i = 1; i <= before; ++i) {
        line += std::to_string(i) + ":0." + std::to_string(i) + " ";
      }
      const Entries entries = read(line + std::string(odd) + " 77:1 78:1 79:1\n");
      BOOST_TEST_REQUIRE(entries.count <= before);
      BOOST_TEST_REQUIRE(entries.end <= line.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(line_end_is_never_passed) {
  // What follows looks as if the line went on.
  for (const std::string_view line_end : {"\n", "\r\n", "\r", "\t", "\v"}) {
    for (std::size_t before = 1; before < 60; ++before) {
      std::string line;
      for (std::size_t i = 1; i <= before; ++i)
        line += (i == 1 ? "" : " ") + std::to_string(i) + ":1";
      const Entries entries = read(line + std::string(line_end) + "5:1 6:1 7:1 8:1 9:1\n");
      BOOST_TEST_REQUIRE(entries.count <= before);
      if (is_available()) BOOST_TEST_REQUIRE(entries.count == before);
    }
  }
}

BOOST_AUTO_TEST_CASE(room_is_never_passed) {
  std::string line;
  for (int i = 1; i <= 300; ++i) line += std::to_string(i) + ":0.5 ";
  for (std::size_t room = 0; room <= 300; ++room) {
    std::vector<std::uint32_t> feature(room + 1, 0xabcdefU);
    std::vector<float> value(room + 1, 7.0F);
    const Text text = Text::copy_of(line + "\n");
    const PlainEntries plain = read_plain_entries(
        text.view().data(), {.feature = feature.data(), .value = value.data(), .size = room});
    BOOST_TEST_REQUIRE(plain.count <= room);
    BOOST_TEST_REQUIRE(feature[room] == 0xabcdefU);
    BOOST_TEST_REQUIRE(value[room] == 7.0F);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
