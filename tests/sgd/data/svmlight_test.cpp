#include "sgd/data/svmlight.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sgd/data/fingerprint.hpp"
#include "sgd/data/svmlight_writer.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

using Entries = std::vector<std::pair<std::uint32_t, float>>;

std::string write_all(const Dataset& dataset) {
  std::string text;
  SvmlightWriter(dataset).append(0, dataset.row_count(), text);
  return text;
}

/// Several chunks of text with everything that is not a row in between.
std::string long_text() {
  std::mt19937 random(11);
  std::string text = "# header\n";
  while (text.size() < 5'000'000) {
    switch (random() % 50) {
      case 0:
        text += "\n";
        continue;
      case 1:
        text += "# qid:5 7:8 a comment with colons ::::\n";
        continue;
      case 2:
        text += "-1\r\n";
        continue;
      case 3:
        text += "+1 qid:3 5:0.5 3:0.25 # unsorted 9:9\n";
        continue;
      default:
        break;
    }
    text += random() % 2 == 0 ? "+1" : "-1";
    std::uint64_t id = 0;
    for (auto k = random() % 60; k > 0; --k) {
      id += random() % 500 + 1;
      text += ' ' + std::to_string(id) + ":0." + std::to_string(random() % 1'000'000);
    }
    text += '\n';
  }
  return text;
}

BOOST_AUTO_TEST_SUITE(svmlight)

BOOST_AUTO_TEST_CASE(plain_text_is_read_as_it_stands) {
  const Dataset dataset = parse_valid("+1 1:0.5 7:-2 10:1e-3\n-1 2:1\n");
  BOOST_TEST(dataset.row_count() == 2U);
  BOOST_TEST(dataset.feature_count == 10U);
  BOOST_TEST(dataset.label[0] == 1.0F);
  BOOST_TEST(dataset.label[1] == -1.0F);
  BOOST_TEST((entries(dataset, 0) == Entries{{1, 0.5F}, {7, -2.0F}, {10, 1e-3F}}));
  BOOST_TEST((entries(dataset, 1) == Entries{{2, 1.0F}}));
}

BOOST_AUTO_TEST_CASE(odd_but_valid_texts_mean_the_same_as_the_plain_one) {
  const Dataset plain = parse_valid("+1 1:0.5 7:-2\n-1\n-1 2:1\n");
  struct Case {
    const char* name;
    std::string_view text;
  };
  for (const Case& odd : std::initializer_list<Case>{
           {"CRLF", "+1 1:0.5 7:-2\r\n-1\r\n-1 2:1\r\n"},
           {"no final newline", "+1 1:0.5 7:-2\n-1\n-1 2:1"},
           {"final CR without LF", "+1 1:0.5 7:-2\n-1\n-1 2:1\r"},
           {"byte order mark", "\xef\xbb\xbf+1 1:0.5 7:-2\n-1\n-1 2:1\n"},
           {"tabs", "+1\t1:0.5\t7:-2\n-1\t\n-1\t2:1\n"},
           {"many blanks", "+1  1:0.5   7:-2 \n-1  \n-1 2:1  \t \n"},
           {"blanks before the label", "  +1 1:0.5 7:-2\n\t-1\n -1 2:1\n"},
           {"comments", "+1 1:0.5 7:-2 # one\n-1# two\n-1 2:1 #3:4\n"},
           {"comment lines", "# a\n+1 1:0.5 7:-2\n  # b\n-1\n-1 2:1\n#"},
           {"empty lines", "\n\n+1 1:0.5 7:-2\n\r\n-1\n \t \n-1 2:1\n\n\n"},
           {"qid", "+1 qid:1 1:0.5 7:-2\n-1 qid:2\n-1 qid:-7 2:1\n"},
           {"not ascending", "+1 7:-2 1:0.5\n-1\n-1 2:1\n"},
           {"other spellings of numbers", "1.0 1:.5 7:-2.\n-1.000 \n-1e0 2:+1\n"},
           {"zeros before an id", "+1 001:0.5 0000000007:-2\n-1\n-1 2:1\n"},
           {"long digits", "+1 1:0.500000000000000000000 7:-2.0e+0\n-1\n-1 2:10e-1\n"},
       }) {
    const auto dataset = parse(odd.text);
    BOOST_TEST_REQUIRE(dataset.has_value(), odd.name);
    BOOST_TEST(equal_contents(*dataset, plain), odd.name);
  }
}

BOOST_AUTO_TEST_CASE(line_of_a_label_alone_is_a_row_and_an_empty_line_is_none) {
  const Dataset dataset = parse_valid("-1\n\n-1\n   \n# -1\n+1");
  BOOST_TEST(dataset.row_count() == 3U);
  BOOST_TEST(dataset.rows.nonzero_count() == 0U);
  BOOST_TEST(dataset.lines.line_of(0) == 1U);
  BOOST_TEST(dataset.lines.line_of(1) == 3U);
  BOOST_TEST(dataset.lines.line_of(2) == 6U);
}

BOOST_AUTO_TEST_CASE(line_that_begins_with_a_feature_is_a_row_without_label) {
  const Dataset dataset = parse_valid("+1 1:1\n 5:1 6:2\n7:3\nqid:4 8:1\n");
  BOOST_TEST(dataset.row_count() == 4U);
  BOOST_TEST(dataset.label[0] == 1.0F);
  for (std::size_t row = 1; row < 4; ++row) BOOST_TEST(std::isnan(dataset.label[row]));
  BOOST_TEST((entries(dataset, 1) == Entries{{5, 1.0F}, {6, 2.0F}}));
  BOOST_TEST((entries(dataset, 3) == Entries{{8, 1.0F}}));
}

BOOST_AUTO_TEST_CASE(several_labels_are_kept_with_their_rows) {
  const Dataset dataset = parse_valid("3,17 1:1\n 2:1\n4 2:1\n5,6,7\n");
  BOOST_TEST(dataset.label[0] == 3.0F);
  BOOST_TEST(dataset.label[3] == 5.0F);
  BOOST_TEST(
      (dataset.further_label == std::vector<FurtherLabel>{{0, 17.0F}, {3, 6.0F}, {3, 7.0F}}));
}

BOOST_AUTO_TEST_CASE(largest_id_and_largest_value_are_valid) {
  const Dataset dataset = parse_valid("1 2147483647:3.4028235e38\n16777215 1:-3.4028235e38\n");
  BOOST_TEST(dataset.feature_count == 2147483647U);
  BOOST_TEST((entries(dataset, 0) == Entries{{2147483647U, 3.4028235e38F}}));
}

BOOST_AUTO_TEST_CASE(stored_zeros_stay_and_values_too_small_become_zero) {
  const Dataset dataset = parse_valid("1 1:0 2:-0 3:1e-60\n");
  BOOST_TEST((entries(dataset, 0) == Entries{{1, 0.0F}, {2, 0.0F}, {3, 0.0F}}));
  BOOST_TEST(std::signbit(dataset.rows.values(0)[1]));
}

BOOST_AUTO_TEST_CASE(row_may_be_longer_than_any_chunk) {
  std::string text = "+1";
  for (int id = 1; id <= 300'000; ++id) text += ' ' + std::to_string(id) + ":0.5";
  const Dataset dataset = parse_valid(text + "\n-1 1:1\n", 3);
  BOOST_TEST(dataset.rows.features(0).size() == 300'000U);
  BOOST_TEST(dataset.rows.features(0).back() == 299'999U);
  BOOST_TEST(dataset.row_count() == 2U);
}

BOOST_AUTO_TEST_CASE(any_number_of_threads_reads_the_same) {
  const std::string text = long_text();
  const Dataset one = parse_valid(text, 1);
  for (const unsigned threads : {2U, 3U, 7U}) {
    const Dataset many = parse_valid(text, threads);
    BOOST_TEST(equal_contents(one, many), threads);
    for (std::size_t row = 0; row < one.row_count(); row += 97) {
      BOOST_TEST(one.lines.line_of(row) == many.lines.line_of(row));
    }
  }
  BOOST_TEST(one.fingerprint == fingerprint_of(one));
}

BOOST_AUTO_TEST_CASE(lines_of_rows_are_those_of_the_text) {
  const std::string text = long_text();
  const Dataset dataset = parse_valid(text, 2);
  std::size_t row = 0;
  std::uint64_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    ++line;
    if (text[at] == '+' || text[at] == '-') {
      BOOST_TEST_REQUIRE(dataset.lines.line_of(row) == line);
      ++row;
    }
    at = end + 1;
  }
  BOOST_TEST(row == dataset.row_count());
}

BOOST_AUTO_TEST_CASE(written_text_reads_back_as_the_same_data_set) {
  const Dataset dataset = parse_valid(
      "+1 1:0.1 2:1e-30 3:16777217 4:3.4028235e38\n-1\n 7:0.333333343\n3,17 1:0\n0.5 2:-0\n");
  const std::string text = write_all(dataset);
  BOOST_TEST(equal_contents(parse_valid(text), dataset));
  const Dataset many = parse_valid(long_text(), 2);
  const std::string many_text = write_all(many);
  BOOST_TEST(equal_contents(parse_valid(many_text, 2), many));
  std::string parts;
  SvmlightWriter(many).append(0, 1000, parts);
  SvmlightWriter(many).append(1000, many.row_count(), parts);
  BOOST_TEST((parts == many_text));
}

BOOST_AUTO_TEST_CASE(plus_sign_is_written_where_the_set_has_minus_one) {
  BOOST_TEST(write_all(parse_valid("1 1:0.5\n-1 2:1\n")) == "+1 1:0.5\n-1 2:1\n");
  BOOST_TEST(write_all(parse_valid("+1 1:0.5\n0 2:1\n")) == "1 1:0.5\n0 2:1\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
