#include "sgd/data/svmlight_file.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

#include "sgd/data/dataset_builder.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

/// Rows of all kinds, among comments and empty lines.
std::string odd_text(unsigned seed, int lines) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < lines; ++i) {
    switch (random() % 12) {
      case 0:
        text += "\n";
        continue;
      case 1:
        text += "# comment 5:7\n";
        continue;
      case 2:
        text += "3,17 ";
        break;
      case 3:
        break;  // no label
      default:
        text += random() % 2 == 0 ? "+1 " : "-1 ";
    }
    std::uint32_t id = 0;
    for (auto k = random() % 30 + 1; k > 0; --k) {
      id += static_cast<std::uint32_t>(random() % 1000) + 1;
      text += std::to_string(id) + ":" + std::to_string(random() % 1000) + "e-3 ";
    }
    text += random() % 5 == 0 ? "# 1:1\r\n" : "\n";
  }
  return text;
}

std::expected<Dataset, DataError> parse_in_blocks(const TemporaryDirectory& directory,
                                                  std::string_view bytes, std::size_t block_bytes,
                                                  unsigned threads) {
  const std::string path = directory.write("train.svm", bytes);
  auto blocks = TextBlocks::open(Input(*OpenFile::open(path), "train.svm", nullptr), block_bytes);
  DatasetBuilder builder;
  const auto fed = feed_svmlight_blocks(std::move(*blocks), threads, nullptr, builder);
  if (!fed) return std::unexpected(fed.error());
  return std::move(builder).finish("train.svm", threads);
}

BOOST_AUTO_TEST_SUITE(svmlight_file)

BOOST_AUTO_TEST_CASE(text_in_blocks_is_the_same_data_set_as_the_whole) {
  const TemporaryDirectory directory;
  for (const unsigned seed : {1U, 2U, 3U}) {
    const std::string text = odd_text(seed, 400);
    const Dataset expected = parse_valid(text);
    for (const std::size_t block_bytes : {1U, 100U, 3000U, 1'000'000U}) {
      for (const unsigned threads : {1U, 2U, 5U}) {
        const auto dataset = parse_in_blocks(directory, text, block_bytes, threads);
        BOOST_TEST_REQUIRE(dataset.has_value());
        BOOST_TEST(equal_contents(*dataset, expected));
        for (std::size_t row = 0; row < expected.row_count(); ++row) {
          BOOST_TEST_REQUIRE(dataset->lines.line_of(row) == expected.lines.line_of(row));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(first_fault_is_the_same_in_blocks_as_in_the_whole) {
  const TemporaryDirectory directory;
  std::mt19937 random(9);
  for (int round = 0; round < 20; ++round) {
    std::string text = odd_text(40U + static_cast<unsigned>(round), 200);
    for (int faults = 0; faults < 3; ++faults) {
      text.insert(text.find('\n', random() % (text.size() - 100)) + 1, "+1 1:2 7:x\n");
    }
    const auto expected = parse(text);
    BOOST_TEST_REQUIRE(!expected.has_value());
    for (const std::size_t block_bytes : {1U, 500U, 1'000'000U}) {
      for (const unsigned threads : {1U, 4U}) {
        const auto dataset = parse_in_blocks(directory, gzip(text), block_bytes, threads);
        BOOST_TEST_REQUIRE(!dataset.has_value());
        BOOST_TEST(dataset.error().message() == expected.error().message());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(damaged_packed_data_are_the_reason_and_not_the_bad_line_that_they_give) {
  const TemporaryDirectory directory;
  const std::string text = odd_text(7, 300);
  for (const char* first : {"", "x\n"}) {  // with and without a line that is bad all the same
    std::string packed = gzip(first + text);
    const auto cut = parse_in_blocks(directory, packed.substr(0, packed.size() - 9), 200, 3);
    BOOST_TEST_REQUIRE(!cut.has_value());
    BOOST_TEST(cut.error().message().starts_with("train.svm: the gzip data end early"));
    packed[packed.size() - 6] ^= 1;  // of the checksum
    const auto damaged = parse_in_blocks(directory, packed, 200, 3);
    BOOST_TEST_REQUIRE(!damaged.has_value());
    BOOST_TEST(damaged.error().message().starts_with("train.svm: the gzip data are corrupt"));
  }
}

BOOST_AUTO_TEST_CASE(text_without_rows_is_refused_in_every_form) {
  const TemporaryDirectory directory;
  for (const char* text : {"", "\n\n", "# nothing\n"}) {
    for (const std::string& bytes : {std::string(text), gzip(text), bzip2(text), zstd(text)}) {
      const auto dataset = load_svmlight(directory.write("train.svm", bytes), 2);
      BOOST_TEST_REQUIRE(!dataset.has_value());
      BOOST_TEST(dataset.error().reason == "no rows; expected svmlight text");
    }
  }
}

BOOST_AUTO_TEST_CASE(files_of_every_form_are_the_same_data_set) {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 12; ++i) text += odd_text(11, 2000);  // several blocks of the usual size
  const Dataset expected = parse_valid(text);
  const std::size_t middle = text.find('\n', text.size() / 2) - 3;  // members end anywhere
  const std::string first = text.substr(0, middle);
  const std::string second = text.substr(middle);
  for (const std::string& path :
       {directory.write("plain.svm", text), directory.write("plain-called.gz", text),
        directory.write("one.svm.gz", gzip(text)), directory.write("one.svm.bz2", bzip2(text)),
        directory.write("one.svm.zst", zstd(text)),
        directory.write("name-says-nothing", gzip(text)),
        directory.write("two.gz", gzip(first) + gzip(second)),
        directory.write("two.bz2", bzip2(first) + bzip2(second)),
        directory.write("two.zst", zstd(first) + zstd(second))}) {
    LoadProgress progress;
    const auto dataset = load_svmlight(path, 2, &progress);
    BOOST_TEST_REQUIRE(dataset.has_value(), path);
    BOOST_TEST(equal_contents(*dataset, expected), path);
    BOOST_TEST(dataset->name == path);
    BOOST_TEST(progress.rows == expected.row_count(), path);
    BOOST_TEST(progress.bytes == progress.total_bytes, path);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
