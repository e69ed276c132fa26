#include "sgd/replica/part.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/replica/decoding.hpp"

namespace hogwild::sgd {
namespace {

TrainingSet set_of(const std::string& text) {
  return prepare_training(parse_valid(text), 1).value();
}

RunConstants constants_of_texts(const std::vector<std::string>& texts) {
  std::vector<PartSummary> parts;
  for (const std::string& text : texts) parts.push_back(summary_of(set_of(text), 9));
  return constants_of(parts).value();
}

/// Rows as labels, and values by id in the file: whatever the order and the scale.
using PlainRow = std::pair<std::vector<float>, std::map<std::uint32_t, float>>;

std::vector<PlainRow> plain(const TrainingSet& set) {
  std::vector<PlainRow> rows;
  for (std::uint64_t row = 0; row < set.rows.row_count(); ++row) {
    PlainRow& one = rows.emplace_back();
    if (set.rows.column_count() == 1) {
      one.first.push_back(set.labels.labels[set.rows.sign(row) > 0 ? 1 : 0]);
    } else {
      for (const auto column : set.rows.positives(row)) {
        one.first.push_back(set.labels.labels[column]);
      }
    }
    for (std::size_t i = 0; i < set.rows.features(row).size(); ++i) {
      const std::uint32_t feature = set.order.feature_of(set.rows.features(row)[i]);
      one.second[feature + 1] = set.rows.values(row)[i] / set.scale.factor;
    }
  }
  return rows;
}

const std::string kFirst = "+1 1:0.5 3:0.5\n-1 3:0.25 7:0.5\n+1 3:1\n";
const std::string kSecond = "-1 2:0.5 3:0.125\n-1 9:0.75\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(part)

BOOST_AUTO_TEST_CASE(parts_have_the_constants_of_the_whole) {
  const TrainingSet whole = set_of(kFirst + kSecond);
  const RunConstants constants = constants_of_texts({kFirst, kSecond});
  BOOST_TEST(constants.rows == 5U);
  BOOST_TEST(constants.test_fingerprint == 9U);
  BOOST_TEST(constants.scale_exponent == 0);
  BOOST_CHECK(constants.labels == whole.labels);
  // By how often they are in all parts; where that is alike, by their ids.
  BOOST_TEST(constants.file_index == (std::vector<std::uint32_t>{2, 0, 1, 6, 8}),
             boost::test_tools::per_element());
  const auto metric = metric_of(whole.mean_square, 5);
  for (std::size_t i = 0; i < constants.file_index.size(); ++i) {
    const std::uint32_t rank = whole.order.rank_of(constants.file_index[i]);
    BOOST_TEST(std::abs(constants.metric[i] - metric[rank]) < 1e-6F);
  }
  // Whoever combines them, and in which order.
  BOOST_CHECK(constants_of_texts({kSecond, kFirst}) == constants);
}

BOOST_AUTO_TEST_CASE(rows_stay_what_they_are_in_the_runs_order) {
  const RunConstants run = constants_of_texts({kFirst, kSecond, "+1 3:6\n-1 3:7\n"});
  BOOST_TEST(run.scale_exponent == -3);  // of the longest rows
  for (const std::string& text : {kFirst, kSecond}) {
    const TrainingSet own = set_of(text);
    const auto laid = laid_out_for(own, run);
    BOOST_TEST_REQUIRE(laid.has_value());
    BOOST_TEST((plain(*laid) == plain(own)));
    BOOST_TEST(laid->rows.feature_count() == run.metric.size());
    BOOST_TEST(laid->scale.factor == 0.125F);
    // And again, for another run.
    const auto again = laid_out_for(*laid, constants_of_texts({kSecond, kFirst, "+1 3:6\n"}));
    BOOST_TEST_REQUIRE(again.has_value());
    BOOST_TEST((plain(*again) == plain(own)));
  }
}

// A part may have one class of two, and the made-up other one is nobody's.
BOOST_AUTO_TEST_CASE(labels_are_those_that_some_row_has) {
  BOOST_TEST(constants_of_texts({"1 1:1\n", "0 1:1\n"}).labels.labels == (std::vector<float>{0, 1}),
             boost::test_tools::per_element());
  BOOST_TEST(
      constants_of_texts({"3 1:1\n", "3 2:1\n"}).labels.labels == (std::vector<float>{-3, 3}),
      boost::test_tools::per_element());
  const RunConstants run = constants_of_texts({"1 1:1\n", "2 1:1\n", "5 1:1\n2 1:1\n"});
  BOOST_TEST(run.labels.labels == (std::vector<float>{1, 2, 5}), boost::test_tools::per_element());
  for (const std::string text : {"1 1:1\n", "5 1:1\n1 1:1\n", "1 1:1\n2 1:1\n5 1:1\n"}) {
    const TrainingSet own = set_of(text);
    BOOST_TEST((plain(laid_out_for(own, run).value()) == plain(own)));
  }
  const RunConstants several = constants_of_texts({"1 1:1\n", "1,2 1:1\n 1:1\n"});
  BOOST_TEST(several.labels.is_multilabel);
  for (const std::string text : {"2 1:1\n", "1,2 1:1\n 1:1\n"}) {
    const TrainingSet own = set_of(text);
    BOOST_TEST((plain(laid_out_for(own, several).value()) == plain(own)));
  }
}

BOOST_AUTO_TEST_CASE(what_no_part_had_when_the_run_began_is_named) {
  const RunConstants run = constants_of_texts({kFirst});
  const auto why = [&](const std::string& text) {
    const auto laid = laid_out_for(set_of(text), run);
    return laid ? std::string() : laid.error();
  };
  BOOST_TEST(why("+1 3:1\n").empty());
  BOOST_TEST(why(kSecond).starts_with("feature 2 that no part had"));
  BOOST_TEST(why("5 3:1\n-1 3:1\n").starts_with("label 5 that no part had"));
  BOOST_TEST(why("+1,-1 3:1\n").starts_with("rows of several labels"));
  BOOST_TEST(why("+1 3:8\n").starts_with("rows are longer"));
}

BOOST_AUTO_TEST_CASE(parts_that_cannot_be_one_set_are_refused) {
  PartSummary first = summary_of(set_of(kFirst), 9);
  PartSummary second = summary_of(set_of(kSecond), 8);
  BOOST_TEST(constants_of(std::vector{first, second})
                 .error()
                 .starts_with("members have different test data"));
  second.test_fingerprint = 0;
  BOOST_TEST(constants_of(std::vector{first, second}).value().test_fingerprint == 9U);
}

BOOST_AUTO_TEST_CASE(a_summary_comes_back_whole) {
  const PartSummary sent = summary_of(set_of(kFirst), 9);
  const Bytes bytes = encode_part(sent);
  const auto got = decode_part(bytes);
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_CHECK(*got == sent);
  BOOST_TEST(count_accepted_truncations(
                 bytes, [](auto part) { return decode_part(part).has_value(); }) == 0U);
  PartSummary bad = sent;
  bad.mean_square[0] = -1;
  BOOST_TEST(!decode_part(encode_part(bad)));
  bad = sent;
  bad.rows = 0;
  BOOST_TEST(!decode_part(encode_part(bad)));
}

BOOST_AUTO_TEST_CASE(a_later_part_may_have_what_was_declared) {
  const DeclaredShape shape{.features = 12, .labels = {-1, 1, 7}};
  std::vector<PartSummary> parts;
  for (const std::string& text : {kFirst, kSecond}) {
    TrainingSet set = set_of(text);
    BOOST_TEST_REQUIRE(declare(shape, set).has_value());
    parts.push_back(summary_of(set, 9));
    BOOST_TEST(parts.back().features.size() < 12U);  // it tells of its rows alone
  }
  const RunConstants constants = constants_of(parts, shape).value();
  BOOST_TEST(constants.metric.size() == 12U);
  BOOST_TEST(constants.labels.column_count() == 3U);
  const auto later = laid_out_for(set_of("7 11:0.5 12:0.25\n"), constants);
  BOOST_TEST_REQUIRE(later.has_value());
  BOOST_TEST((plain(*later) == std::vector<PlainRow>{{{7.0F}, {{11, 0.5F}, {12, 0.25F}}}}));
  BOOST_TEST(!laid_out_for(set_of("7 13:0.5\n"), constants));
  BOOST_TEST(!laid_out_for(set_of("8 1:0.5\n"), constants));
  BOOST_TEST(constants_of(parts, {.features = 8}).error() ==
             "a part has features beyond --features 8");
  BOOST_TEST(constants_of(parts, {.labels = {1, 7}}).error() ==
             "a part has a label beside those of --labels 1,7");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
