#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <charconv>
#include <string>
#include <vector>

#include "sgd/data/dataset_builder.hpp"
#include "sgd/data/fingerprint.hpp"
#include "sgd/data/lyrl2004.hpp"
#include "sgd/data/svmlight_file.hpp"
#include "sgd/data/svmlight_writer.hpp"
#include "tests/fuzz.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

const std::initializer_list<std::string_view> kWords = {":",
                                                        " ",
                                                        "\n",
                                                        "\r\n",
                                                        "\t",
                                                        ",",
                                                        "#",
                                                        "-",
                                                        "+",
                                                        ".",
                                                        "e",
                                                        "0",
                                                        "1:",
                                                        " 2147483647:1",
                                                        " 2147483648:1",
                                                        "qid:7 ",
                                                        " 1:1e38",
                                                        " 2:1e39",
                                                        " 3:1e-46",
                                                        " 4:nan",
                                                        " 5:inf",
                                                        "0x1p3",
                                                        "\xef\xbb\xbf",
                                                        "1e",
                                                        "99999999999999999999",
                                                        "0.000000000000000000000000000001",
                                                        "3,17 ",
                                                        "# 5:6",
                                                        "\x1f\x8b",
                                                        "BZh9"};

/// A text with rows of all kinds; `values` are the texts of all values, in order.
std::string make_text(FuzzRandom& random, std::vector<std::string>& values) {
  std::string text;
  for (auto rows = random.below(12) + 1; rows > 0; --rows) {
    if (random.one_in(9)) text += random.one_of<const char*>({"\n", "# 1:2\n", "  \n", "\r\n"});
    text += random.one_of<const char*>({"+1", "-1", "0", "3,17", "2.5", " 4", "1"});
    std::uint32_t id = 0;
    for (auto entries = random.below(20); entries > 0; --entries) {
      id += static_cast<std::uint32_t>(random.below(random.one_in(5) ? 100'000 : 9)) + 1;
      char value[40];
      char* end = value;
      switch (random.below(4)) {
        case 0:
          end = std::to_chars(value, value + 40, random.below(2000)).ptr;
          break;
        case 1:
          end =
              std::to_chars(value, value + 40, static_cast<float>(random.below(1U << 30U)) * 1e-9F,
                            std::chars_format::general, 6)
                  .ptr;
          break;
        case 2:
          end = std::to_chars(value, value + 40, -static_cast<double>(random.bits()) * 0x1p-70).ptr;
          break;
        default:
          end = std::to_chars(value, value + 40, static_cast<double>(random.bits()) * 1e-30,
                              std::chars_format::scientific, 17)
                    .ptr;
      }
      values.emplace_back(value, end);
      text += random.one_of<const char*>({" ", " ", " ", "\t", "  "}) + std::to_string(id) + ":";
      text += values.back();
    }
    text += random.one_of<const char*>({"\n", "\n", "\n", " \n", "\r\n", " # 9:9\n"});
  }
  if (random.one_in(4)) text.pop_back();
  return text;
}

std::expected<Dataset, DataError> parse_in_blocks(const TemporaryDirectory& directory,
                                                  std::string_view bytes, std::size_t block_bytes,
                                                  unsigned threads) {
  const std::string path = directory.write("train.svm", bytes);
  auto blocks = TextBlocks::open(Input(*OpenFile::open(path), "train.svm", nullptr), block_bytes);
  if (!blocks) return std::unexpected(blocks.error());
  DatasetBuilder builder;
  const auto fed = feed_svmlight_blocks(std::move(*blocks), threads, nullptr, builder);
  if (!fed) return std::unexpected(fed.error());
  return std::move(builder).finish("train.svm", threads);
}

std::string write_all(const Dataset& dataset) {
  std::string text;
  SvmlightWriter(dataset).append(0, dataset.row_count(), text);
  return text;
}

bool equal_outcome(const std::expected<Dataset, DataError>& a,
                   const std::expected<Dataset, DataError>& b) {
  if (a.has_value() != b.has_value()) return false;
  return a ? equal_contents(*a, *b) : a.error().message() == b.error().message();
}

/// What is wrong with what was made of `text`; empty where nothing is.
std::string fault_of(const std::expected<Dataset, DataError>& parsed, const std::string& text) {
  if (!parsed) {
    const DataError& error = parsed.error();
    const auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    if (error.line > lines + 1 || (error.line > 0) != (error.column > 0)) return "no such line";
    return error.reason.empty() ? "no reason" : "";
  }
  if (fingerprint_of(*parsed) != parsed->fingerprint) return "another fingerprint";
  const auto again = parse(write_all(*parsed));
  if (!again) return "what it writes cannot be read: " + again.error().message();
  return equal_contents(*parsed, *again) ? "" : "what it writes is another set";
}

BOOST_AUTO_TEST_SUITE(text_fuzz)

BOOST_AUTO_TEST_CASE(values_are_those_of_from_chars_in_any_text) {
  fuzz(2000, [](FuzzRandom& random) -> std::string {
    std::vector<std::string> values;
    const std::string text = make_text(random, values);
    const auto parsed = parse(text, 2);
    if (!parsed) return parsed.error().message();
    const auto got = std::as_const(parsed->rows).value();
    if (got.size() != values.size()) return "another number of entries";
    for (std::size_t i = 0; i < values.size(); ++i) {
      float expected = 0;
      const auto result =
          std::from_chars(values[i].data(), values[i].data() + values[i].size(), expected);
      if (result.ec == std::errc::result_out_of_range) expected = got[i];  // too small: 0
      if (std::bit_cast<std::uint32_t>(got[i]) != std::bit_cast<std::uint32_t>(expected)) {
        return values[i] + " is another value";
      }
    }
    return fault_of(parsed, text);
  });
}

BOOST_AUTO_TEST_CASE(any_bytes_are_read_alike_in_every_way_or_refused_alike) {
  const TemporaryDirectory directory;
  fuzz(2000, [&directory](FuzzRandom& random) -> std::string {
    std::vector<std::string> values;
    std::string text = make_text(random, values);
    mutate(random, kWords, text);
    const auto parsed = parse(text);
    const std::string fault = fault_of(parsed, text);
    if (!fault.empty()) return fault;
    if (!equal_outcome(parsed, parse(text, 3))) return "threads differ";
    if (packing_of(text) != Packing::kNone) return "";
    const auto threads = static_cast<unsigned>(random.below(4) + 1);
    const auto in_blocks = parse_in_blocks(directory, text, random.below(200) + 1, threads);
    return equal_outcome(parsed, in_blocks) ? "" : "blocks differ";
  });
}

BOOST_AUTO_TEST_CASE(changed_packed_bytes_are_refused_or_give_the_same_text) {
  const TemporaryDirectory directory;
  fuzz(1000, [&directory](FuzzRandom& random) -> std::string {
    std::vector<std::string> values;
    const std::string text = make_text(random, values);
    const bool is_gzip = random.one_in(3);
    std::string packed = is_gzip ? gzip(text) : random.one_in(2) ? bzip2(text) : zstd(text);
    std::string changed = packed;
    mutate(random, {"\x1f\x8b", "BZh9", "\x28\xb5\x2f\xfd", std::string_view("\0\0\0", 3)},
           changed);
    const auto parsed = parse_in_blocks(directory, changed, random.below(300) + 1, 2);
    // Whole members may have been cut away or doubled; gzip's header has no checksum.
    if (!parsed || parsed->row_count() == 0) return "";
    return fault_of(parsed, text);
  });
}

BOOST_AUTO_TEST_CASE(any_bytes_in_files_of_rcv1_are_read_or_refused) {
  const TemporaryDirectory directory;
  fuzz(1000, [&directory](FuzzRandom& random) -> std::string {
    std::string qrels;
    std::string vectors;
    for (auto document = random.below(50); document < 60; ++document) {
      vectors += std::to_string(document) + "  1:0.5 " + std::to_string(document + 2) + ":0.25\n";
      qrels += "CCAT " + std::to_string(document) + " 1\nGCAT " + std::to_string(document) + " 1\n";
    }
    std::string& changed = random.one_in(2) ? qrels : vectors;
    mutate(random, kWords, changed);
    (void)directory.write("rcv1-v2.topics.qrels", qrels);
    (void)directory.write("lyrl2004_vectors_train.dat", vectors);
    const Lyrl2004Options options{.directory = directory.path("."),
                                  .topic = random.one_of<const char*>({"", "CCAT", "X"}),
                                  .part = DataPart::kTest};
    DatasetBuilder builder;
    const auto fed = feed_lyrl2004(options, 2, nullptr, builder);
    if (!fed) return fed.error().reason.empty() ? "no reason" : "";
    return fault_of(std::move(builder).finish("vectors", 2), vectors);
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
