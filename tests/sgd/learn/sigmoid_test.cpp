#include "sgd/learn/sigmoid.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <memory>
#include <random>

#include "sgd/learn/measures.hpp"
#include "tests/sgd/learn/toy_rows.hpp"

namespace hogwild::sgd {
namespace {

Sigmoid fit(const std::vector<double>& scores, const std::vector<int>& positive) {
  const auto is_positive = std::make_unique<bool[]>(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) is_positive[i] = positive[i] != 0;
  return fit_sigmoid(scores, {is_positive.get(), scores.size()});
}

/// What fit_sigmoid() minimises, by its definition.
double loss_of(const Sigmoid& at, const std::vector<double>& scores,
               const std::vector<int>& positive) {
  double n_positive = 0;
  for (const int p : positive) n_positive += p;
  const double n_negative = static_cast<double>(scores.size()) - n_positive;
  double loss = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double t = positive[i] != 0 ? (n_positive + 1) / (n_positive + 2) : 1 / (n_negative + 2);
    loss -= t * std::log(at(scores[i])) + (1 - t) * std::log(at.opposite()(scores[i]));
  }
  return loss;
}

BOOST_AUTO_TEST_SUITE(sigmoid)

BOOST_AUTO_TEST_CASE(fit_finds_the_sigmoid_that_drew_the_labels) {
  std::mt19937 engine(5);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const Sigmoid truth{.slope = -2.0, .offset = 0.5};
  std::vector<double> scores(50'000);
  std::vector<int> positive;
  for (double& score : scores) {
    score = 6 * uniform(engine) - 3;
    positive.push_back(uniform(engine) < truth(score) ? 1 : 0);
  }
  const Sigmoid found = fit(scores, positive);
  BOOST_TEST(found.slope == truth.slope, boost::test_tools::tolerance(0.03));
  BOOST_TEST(found.offset == truth.offset, boost::test_tools::tolerance(0.06));
}

BOOST_AUTO_TEST_CASE(fit_is_a_minimum) {
  std::mt19937 engine(9);
  for (const double unit : {1e-3, 1.0, 1e3}) {  // scores of any size
    std::vector<double> scores(500);
    std::vector<int> positive;
    for (double& score : scores) {
      score = unit * (static_cast<double>(engine() % 2000) / 1000.0 - 1.0);
      positive.push_back(score + unit * static_cast<double>(engine() % 1000) / 1000.0 > unit / 2);
    }
    const Sigmoid found = fit(scores, positive);
    const double least = loss_of(found, scores, positive);
    BOOST_TEST(found.slope < 0.0);
    for (const double step : {-0.01, 0.01}) {
      const Sigmoid other_slope{found.slope * (1 + step), found.offset};
      const Sigmoid other_offset{found.slope, found.offset + step};
      BOOST_TEST(loss_of(other_slope, scores, positive) > least);
      BOOST_TEST(loss_of(other_offset, scores, positive) > least);
    }
  }
}

BOOST_AUTO_TEST_CASE(one_class_alone_or_classes_apart_give_a_finite_sigmoid) {
  const Sigmoid only_positive = fit({1.0, 2.0, 3.0}, {1, 1, 1});
  BOOST_TEST(std::isfinite(only_positive.slope));
  BOOST_TEST(only_positive(2.0) == 0.8, boost::test_tools::tolerance(0.01));  // (3+1)/(3+2)
  const Sigmoid apart = fit({-2.0, -1.0, 1.0, 2.0}, {0, 0, 1, 1});
  BOOST_TEST(std::isfinite(apart.slope));
  BOOST_TEST(apart(2.0) > 0.5);
  BOOST_TEST(apart(2.0) < 1.0);
  const Sigmoid equal = fit({1.0, 1.0, 1.0}, {1, 0, 1});  // no step can tell slope from offset
  BOOST_TEST(equal(1.0) > 0.5);
  BOOST_TEST(equal(1.0) < 0.7);
}

BOOST_AUTO_TEST_CASE(probabilities_do_not_overflow) {
  const Sigmoid plain;
  BOOST_TEST(plain(1e308) == 1.0);
  BOOST_TEST(plain(-1e308) == 0.0);
  BOOST_TEST(plain.opposite()(40.0) > 0.0);  // 1 - P would be 0
}

BOOST_AUTO_TEST_CASE(probabilities_of_classes_add_up_to_one_and_those_of_labels_need_not) {
  std::vector<double> scores{1.0, -1.0, 0.0};
  to_probabilities(Sigmoids(3), false, scores);
  BOOST_TEST(scores[0] + scores[1] + scores[2] == 1.0, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(scores[0] > scores[2]);
  std::vector<double> labels{1.0, 1.0};
  to_probabilities(Sigmoids(2), true, labels);
  BOOST_TEST(labels[0] == 1 / (1 + std::exp(-1.0)), boost::test_tools::tolerance(1e-15));
  std::vector<double> none{-1e4, -1e4};
  to_probabilities(Sigmoids(2), false, none);
  BOOST_TEST(none[0] == 0.5);
}

BOOST_AUTO_TEST_CASE(rows_that_are_held_back_are_those_that_are_fitted) {
  const TrainingRows rows = toy_rows(2000, 100, 0.1);
  Weights weights{.w = std::vector<double>(100, 0.0), .bias = {0.0}};
  std::mt19937 engine(1);
  for (double& w : weights.w) w = static_cast<double>(engine() % 100) / 100.0;
  const Sigmoid tail = fit_sigmoids(weights, rows, {1500, 2000})[0];
  std::vector<double> scores;
  std::vector<int> positive;
  for (std::uint64_t row = 1500; row < 2000; ++row) {
    double score = 0;
    for (std::size_t i = 0; i < rows.features(row).size(); ++i) {
      score += static_cast<double>(rows.values(row)[i]) * weights.w[rows.features(row)[i]];
    }
    scores.push_back(score);
    positive.push_back(rows.sign(row) > 0 ? 1 : 0);
  }
  BOOST_TEST((tail == fit(scores, positive)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
