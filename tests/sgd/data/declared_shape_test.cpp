#include "sgd/data/declared_shape.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/sgd/data/datasets.hpp"

namespace hogwild::sgd {
namespace {

TrainingSet set_of(const std::string& text) {
  return prepare_training(parse_valid(text), 1).value();
}

const std::string kTwoClasses = "1 2:0.5 4:0.5\n2 4:0.25\n2 4:0.125 5:1\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(declared_shape)

BOOST_AUTO_TEST_CASE(labels_read_back_and_two_different_ones_are_needed) {
  const auto labels = DeclaredShape::parse_labels("+3,-1,2.5").value();
  BOOST_TEST((labels == std::vector<float>{-1, 2.5, 3}));
  BOOST_TEST((DeclaredShape{.labels = labels}.labels_text() == "-1,2.5,3"));
  BOOST_TEST(DeclaredShape::parse_labels("").value().empty());
  for (const char* text : {"1", "1,1", "1,", ",1", "1,x", "1,nan", "1,inf", "1 2"}) {
    BOOST_TEST(!DeclaredShape::parse_labels(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(nothing_declared_changes_nothing) {
  TrainingSet set = set_of(kTwoClasses);
  const TrainingSet before = set_of(kTwoClasses);
  BOOST_TEST(declare({}, set).has_value());
  BOOST_TEST(set.rows.feature_count() == 3U);
  BOOST_TEST((set.labels == before.labels));
  BOOST_TEST((set.rows.labels() == before.rows.labels()));
}

BOOST_AUTO_TEST_CASE(features_that_no_row_has_come_last_in_the_order) {
  TrainingSet set = set_of(kTwoClasses);
  BOOST_TEST(declare({.features = 7}, set).has_value());
  BOOST_TEST(set.rows.feature_count() == 7U);
  const std::vector<std::uint32_t> order(set.order.features().begin(), set.order.features().end());
  BOOST_TEST(order.front() == 3U);  // id 4, in all rows
  BOOST_TEST(
      (std::vector(order.begin() + 3, order.end()) == std::vector<std::uint32_t>{0, 2, 5, 6}));
  BOOST_TEST(set.mean_square.size() == 7U);
  BOOST_TEST(set.mean_square.back() == 0.0);
  BOOST_TEST(declare({.features = 7}, set).has_value());  // again
  BOOST_TEST(set.order.size() == 7U);
}

BOOST_AUTO_TEST_CASE(two_classes_become_columns_of_several) {
  TrainingSet set = set_of(kTwoClasses);
  const TrainingSet before = set_of(kTwoClasses);
  BOOST_TEST(declare({.labels = {0, 1, 2}}, set).has_value());
  BOOST_TEST(set.rows.column_count() == 3U);
  for (std::uint64_t row = 0; row < set.rows.row_count(); ++row) {
    BOOST_TEST_REQUIRE(set.rows.positives(row).size() == 1U);
    BOOST_TEST(set.rows.positives(row)[0] == (before.rows.sign(row) > 0 ? 2U : 1U));
  }
}

BOOST_AUTO_TEST_CASE(a_class_that_was_made_up_gives_way_to_the_declared_one) {
  TrainingSet set = set_of("5 1:1\n5 2:1\n");  // so the other class is -5
  BOOST_TEST(declare({.labels = {5, 9}}, set).has_value());
  BOOST_TEST(set.labels.positive() == 9.0F);
  for (std::uint64_t row = 0; row < 2; ++row) BOOST_TEST(set.rows.sign(row) == -1.0F);
}

BOOST_AUTO_TEST_CASE(what_was_not_declared_is_an_error_and_changes_nothing) {
  TrainingSet set = set_of(kTwoClasses);
  BOOST_TEST(declare({.labels = {1, 3}}, set).error() == "label 2, and --labels is 1,3");
  BOOST_TEST(declare({.features = 4, .labels = {1, 2, 3}}, set).error() ==
             "feature 5, and --features is 4");
  BOOST_TEST(set.rows.column_count() == 1U);
  BOOST_TEST(set.rows.feature_count() == 3U);
  BOOST_TEST(declare({.features = 2'000'000'000, .labels = {1, 2, 3}}, set)
                 .error()
                 .starts_with("2000000000 features for each of 3 labels"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
