#include "sgd/learn/measures.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "tests/sgd/learn/toy_rows.hpp"

namespace hogwild::sgd {
namespace {

/// By its definition: every pair.
double auc_of_all_pairs(const std::vector<double>& positive, const std::vector<double>& negative) {
  double sum = 0.0;
  for (const double p : positive) {
    for (const double n : negative) sum += p > n ? 1.0 : p == n ? 0.5 : 0.0;
  }
  return sum / static_cast<double>(positive.size() * negative.size());
}

Weights random_weights(std::uint32_t features) {
  std::mt19937 engine(3);
  Weights weights{.w = std::vector<double>(features), .bias = {0.125}};
  for (double& w : weights.w) w = static_cast<double>(engine() % 2001) / 1000.0 - 1.0;
  return weights;
}

/// Rows of one feature each: its id is what the test puts there, and its label its column.
TrainingRows labelled_rows(const std::vector<std::uint32_t>& feature, RowLabels labels) {
  SparseRows rows(feature.size(), feature.size());
  for (std::size_t i = 0; i < feature.size(); ++i) {
    rows.starts()[i + 1] = i + 1;
    rows.feature()[i] = feature[i];
    rows.value()[i] = 1.0F;
  }
  return {std::move(rows), std::move(labels), 8};
}

BOOST_AUTO_TEST_SUITE(measures)

BOOST_AUTO_TEST_CASE(area_is_the_share_of_pairs_in_order_with_ties_counted_half) {
  std::mt19937 engine(11);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> positive(1 + engine() % 30);
    std::vector<double> negative(1 + engine() % 30);
    for (double& score : positive) score = static_cast<double>(engine() % 9);  // many ties
    for (double& score : negative) score = static_cast<double>(engine() % 9) - 2.0;
    const double expected = auc_of_all_pairs(positive, negative);
    BOOST_TEST(roc_auc(positive, negative) == expected, boost::test_tools::tolerance(1e-14));
  }
}

BOOST_AUTO_TEST_CASE(area_of_one_class_alone_is_unknown) {
  std::vector<double> some{1.0};
  std::vector<double> none;
  BOOST_TEST(std::isnan(roc_auc(some, none)));
  BOOST_TEST(std::isnan(roc_auc(none, some)));
}

BOOST_AUTO_TEST_CASE(two_classes_are_counted_as_by_hand) {
  // Scores −1, 0, 1, 2 by feature; a score of 0 is for the negative class.
  const Weights weights{.w = {-1.0, 0.0, 1.0, 2.0, 0, 0, 0, 0}, .bias = {0.0}};
  const TrainingRows rows =
      labelled_rows({0, 1, 2, 3, 3, 0}, RowLabels(std::vector<float>{-1, 1, 1, 1, -1, -1}));
  const Measures m = measure(weights, rows, Sigmoids(1), 1);
  BOOST_TEST(m.rows == 6U);
  BOOST_TEST((m.confusion == std::vector<std::uint64_t>{2, 1, 1, 2}));
  BOOST_TEST(m.accuracy() == 4.0 / 6);
  BOOST_TEST(m.majority_accuracy() == 0.5);
  BOOST_TEST(precision_of(m.labels[1]) == 2.0 / 3);
  BOOST_TEST(recall_of(m.labels[1]) == 2.0 / 3);
  BOOST_TEST(f1_of(m.labels[1]) == 4.0 / 6);
  BOOST_TEST(m.balanced_accuracy() == 2.0 / 3, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(m.roc_auc == auc_of_all_pairs({0, 1, 2}, {-1, 2, -1}));
  const double loss = 2 * std::log1p(std::exp(-1.0)) + std::log(2.0) + std::log1p(std::exp(-1.0)) +
                      std::log1p(std::exp(-2.0)) + std::log1p(std::exp(2.0));
  BOOST_TEST(m.log_loss == loss / 6, boost::test_tools::tolerance(1e-7));
}

BOOST_AUTO_TEST_CASE(saying_always_the_frequent_class_looks_no_better_than_chance) {
  const Weights weights{.w = std::vector<double>(8), .bias = {-1.0}};
  std::vector<float> signs(100, -1.0F);
  signs[0] = signs[1] = signs[2] = 1.0F;
  const TrainingRows rows =
      labelled_rows(std::vector<std::uint32_t>(100), RowLabels(std::move(signs)));
  const Measures m = measure(weights, rows, {}, 2);
  BOOST_TEST(m.accuracy() == 0.97);
  BOOST_TEST(m.majority_accuracy() == 0.97);
  BOOST_TEST(m.balanced_accuracy() == 0.5);
  BOOST_TEST(m.roc_auc == 0.5);
  BOOST_TEST(f1_of(m.labels[1]) == 0.0);
  BOOST_TEST(std::isnan(m.log_loss));
}

BOOST_AUTO_TEST_CASE(classes_have_a_table_of_confusions_and_unknown_ones_are_wrong) {
  // Three columns; feature f speaks for column f.
  Weights weights{.w = std::vector<double>(24), .bias = {0, 0, 0}};
  for (std::size_t f = 0; f < 3; ++f) weights.w[f * 3 + f] = 1.0;
  const TrainingRows rows =
      labelled_rows({0, 1, 2, 2, 1}, RowLabels(3, false, {0, 1, 2, 3, 4, 4}, {0, 1, 2, 0}));
  const Measures m = measure(weights, rows, {}, 1);
  BOOST_TEST((m.confusion == std::vector<std::uint64_t>{1, 0, 1, 0, 1, 0, 0, 0, 1}));
  BOOST_TEST(m.rows == 5U);
  BOOST_TEST(m.accuracy() == 0.6);
  BOOST_TEST(m.majority_accuracy() == 0.4);
  BOOST_TEST(m.labels[1].predicted == 2U);  // the row of an unknown class is one of them
  BOOST_TEST(m.labels[1].actual == 1U);
  BOOST_TEST(m.balanced_accuracy() == (0.5 + 1 + 1) / 3, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(std::isnan(m.roc_auc));
}

BOOST_AUTO_TEST_CASE(number_of_threads_changes_no_bit) {
  const TrainingRows rows = toy_rows(5000, 200, 0.2);
  const Weights weights = random_weights(200);
  const Measures one = measure(weights, rows, Sigmoids(1), 1);
  BOOST_TEST(one.roc_auc > 0.0);
  BOOST_TEST(one.log_loss > 0.0);
  for (const unsigned threads : {2U, 3U, 8U}) {
    BOOST_TEST((measure(weights, rows, Sigmoids(1), threads) == one));
  }
}

BOOST_AUTO_TEST_CASE(measures_agree_with_the_evaluation) {
  const TrainingRows rows = toy_rows(3000, 100, 0.1);
  const Weights weights = random_weights(100);
  const Evaluation evaluation = evaluate(weights, rows, Loss::kLogistic, 1);
  const Measures m = measure(weights, rows, Sigmoids(1), 2);
  BOOST_TEST(m.accuracy() == evaluation.accuracy());
  BOOST_TEST(m.log_loss == evaluation.mean_loss, boost::test_tools::tolerance(1e-7));
}

// A row without features has the score 0, which says the negative class: so do predictions.
BOOST_AUTO_TEST_CASE(a_score_of_zero_is_the_negative_class_for_all_who_count) {
  const TrainingRows rows = toy_rows(1000, 100);
  const Weights zeros{.w = std::vector<double>(100), .bias = {0.0}};
  const Measures m = measure(zeros, rows, {}, 1);
  BOOST_TEST(m.accuracy() == static_cast<double>(m.labels[0].actual) / 1000);
  BOOST_TEST(evaluate(zeros, rows, Loss::kHinge, 1).accuracy() == m.accuracy());
}

BOOST_AUTO_TEST_CASE(no_probability_for_what_is_true_costs_a_finite_loss) {
  MeasureTally tally(2, false);
  tally.add_probability(0.0);
  BOOST_TEST(std::move(tally).finish().log_loss == 52 * std::log(2.0),
             boost::test_tools::tolerance(1e-7));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
