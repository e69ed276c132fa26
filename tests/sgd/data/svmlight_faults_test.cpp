#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <string_view>

#include "sgd/data/svmlight_file.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

using namespace std::string_view_literals;

struct BadText {
  std::string_view text;
  std::string_view message;  ///< behind "train.svm"
};

const BadText kBadTexts[] = {
    // No rows at all.
    {"", ": no rows; expected svmlight text"},
    {"\n\n", ": no rows; expected svmlight text"},
    {"# nothing\n   \n", ": no rows; expected svmlight text"},
    {"\xef\xbb\xbf", ": no rows; expected svmlight text"},
    // Labels.
    {"x 1:1\n", ":1:1: found \"x\"; expected a label (a number such as +1, -1 or 0)"},
    {"+1 1:1\nspam 1:1\n", ":2:1: found \"spam\"; expected a label (a number such as +1, -1 or 0)"},
    {"nan 1:1\n", ":1:1: found \"nan\"; expected a label (a number such as +1, -1 or 0)"},
    {"inf 1:1\n", ":1:1: found \"inf\"; expected a label (a number such as +1, -1 or 0)"},
    {"- 1:1\n", ":1:1: found \"-\"; expected a label (a number such as +1, -1 or 0)"},
    {"+-1 1:1\n", ":1:1: found \"+-1\"; expected a label (a number such as +1, -1 or 0)"},
    {"1e40 1:1\n", ":1:1: label \"1e40\"; expected a number from -16777215 to 16777215"},
    {"16777217 1:1\n", ":1:1: label \"16777217\"; expected a number from -16777215 to 16777215"},
    {"16777218 1:1\n", ":1:1: label \"16777218\"; expected a number from -16777215 to 16777215"},
    {"3, 1:1\n", ":1:3: found a blank; expected a label (a number such as +1, -1 or 0)"},
    {"3,17,x 1:1\n", ":1:6: found \"x\"; expected a label (a number such as +1, -1 or 0)"},
    {",3 1:1\n", ":1:1: found \",3\"; expected a label (a number such as +1, -1 or 0)"},
    {"3,17,3 1:1\n", ":1:6: label \"3\" a second time; expected it once a row"},
    {"1x 1:1\n", ":1:2: found \"x\"; expected a space after the label"},
    {"+1:2\n", ":1:3: found \":2\"; expected a space after the label"},
    {"1;2:1\n", ":1:2: found \";2:1\"; expected a space after the label"},
    {"1.5:2\n", ":1:4: found \":2\"; expected a space after the label"},
    // Ids.
    {"+1 0:1\n", ":1:4: feature id \"0:1\"; expected an id from 1 to 2147483647 (ids start at 1)"},
    {"+1 00000000:1\n",
     ":1:4: feature id \"00000000:1\"; expected an id from 1 to 2147483647 "
     "(ids start at 1)"},
    {"+1 2147483648:1\n", ":1:4: feature id \"2147483648:1\"; expected an id from 1 to 2147483647"},
    {"+1 99999999999999999999:1\n",
     ":1:4: feature id \"99999999999999999999:1\"; expected an id from 1 to 2147483647"},
    {"+1 -5:1\n", ":1:4: found \"-5:1\"; expected a feature (id:value) or the end of the line"},
    {"+1 a:1\n", ":1:4: found \"a:1\"; expected a feature (id:value) or the end of the line"},
    {"+1 :1\n", ":1:4: found \":1\"; expected a feature (id:value) or the end of the line"},
    {"+1 +5:1\n", ":1:4: found \"+5:1\"; expected a feature (id:value) or the end of the line"},
    {"+1 5 6:1\n", ":1:5: found a blank; expected a colon after a feature id"},
    {"+1 5\n", ":1:5: found the end of the line; expected a colon after a feature id"},
    {"+1 5", ":1:5: found the end of the file; expected a colon after a feature id"},
    {"+1 5.0:1\n", ":1:5: found \".0:1\"; expected a colon after a feature id"},
    {"+1 1e3:1\n", ":1:5: found \"e3:1\"; expected a colon after a feature id"},
    {"+1 12345678901\n", ":1:15: found the end of the line; expected a colon after a feature id"},
    // Values.
    {"+1 5:\n",
     ":1:6: found the end of the line; expected a finite number as the value of feature 5"},
    {"+1 5:",
     ":1:6: found the end of the file; expected a finite number as the value of feature 5"},
    {"+1 5: 1\n", ":1:6: found a blank; expected a finite number as the value of feature 5"},
    {"+1 5:x\n", ":1:6: found \"x\"; expected a finite number as the value of feature 5"},
    {"+1 5:nan\n", ":1:6: found \"nan\"; expected a finite number as the value of feature 5"},
    {"+1 5:-inf\n", ":1:6: found \"-inf\"; expected a finite number as the value of feature 5"},
    {"+1 5:1e39\n",
     ":1:6: value \"1e39\" of feature 5 is too large; expected one that is finite in "
     "a 32-bit float"},
    {"+1 5:--1\n", ":1:6: found \"--1\"; expected a finite number as the value of feature 5"},
    {"+1 5:.\n", ":1:6: found \".\"; expected a finite number as the value of feature 5"},
    {"+1 5:1.2.3\n", ":1:9: found \".3\"; expected a space after the value of feature 5"},
    {"+1 5:1e\n", ":1:7: found \"e\"; expected a space after the value of feature 5"},
    {"+1 5:0.5e\n", ":1:9: found \"e\"; expected a space after the value of feature 5"},
    {"+1 5:1,5\n", ":1:7: found \",5\"; expected a space after the value of feature 5"},
    {"+1 5:1:2\n", ":1:7: found \":2\"; expected a space after the value of feature 5"},
    {"+1 5:0x10\n", ":1:7: found \"x10\"; expected a space after the value of feature 5"},
    {"+1 5:::::\n", ":1:6: found \"::::\"; expected a finite number as the value of feature 5"},
    // Features twice.
    {"+1 5:1 5:2\n", ":1:8: feature 5 a second time in this row; expected each id once"},
    {"+1 7:1 5:1 7:2 5:1\n", ":1:12: feature 7 a second time in this row; expected each id once"},
    {"+1 qid:3 \t9:1  8:1 9:2\n",
     ":1:20: feature 9 a second time in this row; expected each id once"},
    // qid.
    {"+1 qid: 1:1\n", ":1:8: found a blank; expected a whole number after qid:"},
    {"+1 qid:x 1:1\n", ":1:8: found \"x\"; expected a whole number after qid:"},
    {"+1 1:1 qid:3\n",
     ":1:8: found \"qid:3\"; expected a feature (id:value) or the end of the line"},
    // Bytes that do not belong there.
    {"+1 1:1\0 2:1\n"sv,
     ":1:7: found \"\\x00\"; expected a feature (id:value) or the end of the line"},
    {"\0"sv, ":1:1: found \"\\x00\"; expected a label (a number such as +1, -1 or 0)"},
    {"+1 1:1\r2:1\n",
     ":1:7: found \"\\x0d2:1\"; expected a feature (id:value) or the end of the line"},
    {"\xff\xfe+\0001\0"sv,
     ":1:1: found \"\\xff\\xfe+\"; expected a label (a number such as +1, -1 "
     "or 0)"},
    {"+1 1:1 caf\xc3\xa9\n",
     ":1:8: found \"caf\\xc3\\xa9\"; expected a feature (id:value) or the end of the line"},
    {"+1 1:1 abcdefghijklmnopqrstuvwxyz\n",
     ":1:8: found \"abcdefghijklmnopqrstuvwx…\"; expected a feature (id:value) or the end of the "
     "line"},
    {"\xef\xbb\xbf+1 x\n",
     ":1:4: found \"x\"; expected a feature (id:value) or the end of the line"},
    {"+1 1:1\r\n\r\n# c\r\n+1 y\r\n",
     ":4:4: found \"y\"; expected a feature (id:value) or the end of the line"},
};

BOOST_AUTO_TEST_SUITE(svmlight_faults)

BOOST_AUTO_TEST_CASE(each_bad_text_is_refused_with_its_place_and_reason) {
  for (const BadText& bad : kBadTexts) {
    const auto dataset = parse(bad.text);
    BOOST_TEST_REQUIRE(!dataset.has_value(), bad.text);
    BOOST_TEST(dataset.error().message() == "train.svm" + std::string(bad.message));
  }
}

BOOST_AUTO_TEST_CASE(first_bad_line_of_the_text_is_reported_whatever_the_threads) {
  std::string good;
  while (good.size() < 1'300'000) good += "+1 1:0.5 20:0.25 300:0.125\n";
  const auto lines = static_cast<std::uint64_t>(std::count(good.begin(), good.end(), '\n'));
  // One bad line in each of three chunks; the first also far behind a skipped line.
  const std::string text = "\n" + good + "+1 1:a\n" + good + "+1 1:b\n" + good + "c\n";
  for (const unsigned threads : {1U, 2U, 3U, 7U}) {
    for (int round = 0; round < 5; ++round) {
      const auto dataset = parse(text, threads);
      BOOST_TEST_REQUIRE(!dataset.has_value());
      BOOST_TEST(dataset.error().line == lines + 2);
      BOOST_TEST(dataset.error().column == 6U);
      BOOST_TEST(dataset.error().reason ==
                 "found \"a\"; expected a finite number as the value of feature 1");
    }
  }
}

BOOST_AUTO_TEST_CASE(each_truncation_of_a_text_is_read_or_refused) {
  const std::string text = "+1 qid:3 1:0.125 12345678:1.5e-3 # c\r\n-1\n3,17 2147483647:-0.5\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto dataset = parse(std::string_view(text).substr(0, size));
    if (!dataset) {
      BOOST_TEST(dataset.error().reason.find("expected") != std::string::npos, size);
    }
  }
}

BOOST_AUTO_TEST_CASE(random_bytes_are_read_or_refused) {
  std::mt19937 random(21);
  constexpr std::string_view kLikely = "0123456789.:,+-eE# \t\r\n\0qid:nan\xef\xbb\xbf"sv;
  std::size_t valid = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string text;
    for (auto k = random() % 60; k > 0; --k) {
      text += random() % 8 == 0 ? static_cast<char>(random()) : kLikely[random() % kLikely.size()];
    }
    valid += parse(text, 1).has_value() ? 1U : 0U;
  }
  BOOST_TEST(valid > 0U);
}

BOOST_AUTO_TEST_CASE(changed_bytes_of_a_valid_text_are_read_or_refused) {
  std::mt19937 random(22);
  const std::string valid = "+1 1:0.125 2:1.5e-3 77:1\n-1 5:0.5 4:2\n+1\n-1 9:12345678.5 # x\n";
  for (int round = 0; round < 30'000; ++round) {
    std::string text = valid;
    for (auto k = random() % 3 + 1; k > 0; --k) {
      text[random() % text.size()] =
          random() % 2 == 0 ? static_cast<char>(random()) : valid[random() % valid.size()];
    }
    const auto dataset = parse(text);
    if (!dataset) continue;
    for (std::size_t row = 0; row < dataset->row_count(); ++row) {
      const auto features = dataset->rows.features(row);
      BOOST_TEST((std::adjacent_find(features.begin(), features.end(), std::greater_equal<>()) ==
                  features.end()));
    }
  }
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_unpacked_are_refused) {
  const TemporaryDirectory directory;
  const auto reason = [&](const std::string& name, std::string_view contents) {
    const auto dataset = load_svmlight(directory.write(name, contents), 1);
    return dataset ? std::string("loaded") : dataset.error().reason;
  };
  BOOST_TEST(reason("a.gz", "+1 1:1\n") == "loaded");  // the name says nothing
  BOOST_TEST(reason("b.gz", gzip("+1 1:1\n").substr(0, 15)).starts_with("the gzip data end early"));
  BOOST_TEST(reason("c.bz2", bzip2("+1 1:1\n").substr(0, 30)).starts_with("the bzip2 data end"));
  BOOST_TEST(reason("d.zst", "\x28\xb5\x2f\xfd rest").starts_with("the zstd data are corrupt ("));
  BOOST_TEST(reason("e.gz", gzip("")) == "no rows; expected svmlight text");
  BOOST_TEST(reason("f.gz", gzip("+1 1:1\n-1 1:x\n")) ==
             "found \"x\"; expected a finite number as the value of feature 1");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
