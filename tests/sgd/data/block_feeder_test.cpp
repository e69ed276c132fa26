#include "sgd/data/block_feeder.hpp"

#include <boost/test/unit_test.hpp>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "sgd/data/dataset_builder.hpp"
#include "sgd/data/fingerprint.hpp"
#include "tests/sgd/data/datasets.hpp"

namespace hogwild::sgd {
namespace {

/// Blocks of one row each: `+1 1:0`, `+1 1:1`, … with a comment in front of every third.
LineStream blocks_of_rows(int rows) {
  const auto next = [rows, i = 0]() mutable -> std::expected<std::optional<Text>, DataError> {
    if (i == rows) return std::nullopt;
    const std::string comment = i % 3 == 0 ? "# 5:5\n" : "";
    return Text::copy_of(comment + "+1 1:" + std::to_string(i++) + "\n");
  };
  return {.next = next};
}

std::expected<Dataset, DataError> parse_lines(const Text& text) {
  return parse_svmlight_lines(text, "f");
}

/// Parses late blocks sooner than early ones.
std::expected<Dataset, DataError> parse_in_disorder(const Text& text) {
  if (text.view().ends_with("5\n")) {
    for (int i = 0; i < 200; ++i) std::this_thread::yield();
  }
  return parse_lines(text);
}

BOOST_AUTO_TEST_SUITE(block_feeder)

BOOST_AUTO_TEST_CASE(rows_have_their_index_whoever_parsed_them_and_when) {
  for (const unsigned threads : {1U, 2U, 5U}) {
    DatasetBuilder builder;
    const auto rows =
        feed_blocks(blocks_of_rows(300), parse_in_disorder, threads, nullptr, builder);
    BOOST_TEST_REQUIRE(rows.has_value());
    BOOST_TEST(*rows == 300U);
    const Dataset dataset = std::move(builder).finish("f", 2);
    BOOST_TEST_REQUIRE(dataset.row_count() == 300U);
    for (std::size_t row = 0; row < 300; ++row) {
      BOOST_TEST_REQUIRE(dataset.rows.values(row)[0] == static_cast<float>(row));
      BOOST_TEST_REQUIRE(dataset.lines.line_of(row) == row + 1 + row / 3 + 1);
    }
    BOOST_TEST(dataset.fingerprint == fingerprint_of(dataset));
  }
}

BOOST_AUTO_TEST_CASE(rows_of_a_second_text_follow_those_of_the_first) {
  DatasetBuilder builder;
  BOOST_TEST(feed_blocks(blocks_of_rows(3), parse_lines, 1, nullptr, builder).value() == 3U);
  BOOST_TEST(feed_blocks(blocks_of_rows(2), parse_lines, 1, nullptr, builder, 3).value() == 2U);
  const Dataset dataset = std::move(builder).finish("f", 1);
  BOOST_TEST(dataset.row_count() == 5U);
  BOOST_TEST(dataset.rows.values(4)[0] == 1.0F);
}

BOOST_AUTO_TEST_CASE(first_fault_is_reported_with_its_line_in_the_text) {
  for (const unsigned threads : {1U, 2U, 5U}) {
    for (int round = 0; round < 20; ++round) {
      DatasetBuilder builder;
      const auto parse = [](const Text& text) -> std::expected<Dataset, DataError> {
        const std::string_view line = text.view();
        if (line.ends_with(":20\n")) {
          std::this_thread::yield();
          return std::unexpected(DataError{.file = "f", .line = 1, .column = 2, .reason = "first"});
        }
        if (line.ends_with(":21\n")) {
          return std::unexpected(DataError{.file = "f", .line = 2, .column = 1, .reason = "later"});
        }
        return parse_lines(text);
      };
      const auto rows = feed_blocks(blocks_of_rows(100), parse, threads, nullptr, builder);
      BOOST_TEST_REQUIRE(!rows.has_value());
      BOOST_TEST(rows.error().message() == "f:28:2: first");  // 20 rows and 7 comments before
    }
  }
}

BOOST_AUTO_TEST_CASE(fault_of_the_stream_comes_behind_those_of_the_lines_before_it) {
  const auto next = [i = 0]() mutable -> std::expected<std::optional<Text>, DataError> {
    if (++i == 3) return std::unexpected(DataError{.file = "f", .reason = "the data end early"});
    return Text::copy_of("+1 1:1\n");
  };
  DatasetBuilder builder;
  BOOST_TEST(feed_blocks({.next = next}, parse_lines, 2, nullptr, builder).error().message() ==
             "f: the data end early");
  const auto bad = [](const Text&) -> std::expected<Dataset, DataError> {
    return std::unexpected(DataError{.file = "f", .line = 1, .column = 1, .reason = "bad"});
  };
  BOOST_TEST(feed_blocks({.next = next}, bad, 2, nullptr, builder).error().message() ==
             "f:1:1: bad");
}

BOOST_AUTO_TEST_CASE(what_a_sink_throws_ends_the_feeding) {
  class FullSink : public RowSink {
   public:
    void take(Dataset, std::uint64_t) override { throw std::bad_alloc(); }
  };
  FullSink sink;
  for (const unsigned threads : {1U, 3U}) {
    BOOST_CHECK_THROW((void)feed_blocks(blocks_of_rows(50), parse_lines, threads, nullptr, sink),
                      std::bad_alloc);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
