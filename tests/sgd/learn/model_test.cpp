#include "sgd/learn/model.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "sgd/learn/evaluate.hpp"
#include "tests/sgd/learn/toy_rows.hpp"

namespace hogwild::sgd {

BOOST_AUTO_TEST_SUITE(model)

BOOST_AUTO_TEST_CASE(weights_are_the_rule_of_the_sums) {
  const Rule rule{.has_bias = true, .lambda = 0.5, .metric = {0.25F, 2.0F}};
  PublishedSums sums({2, 1});
  sums.add({SumsLayout::kExamples, 100});
  sums.add({SumsLayout::curvature(0), 3 * 256});
  sums.add({SumsLayout::bias(0), 1 << 19});
  sums.add({sums.layout().scalar_count() + 1, -640});
  const Weights weights = weights_of(sums.image(), rule);
  BOOST_TEST(weights.w[0] == 0.0);
  BOOST_TEST(weights.w[1] == -10.0 / (1.0 + 0.5 * 100 + 2.0 * std::sqrt(4.0)));
  BOOST_TEST(weights.bias == 0.5);
}

BOOST_AUTO_TEST_CASE(losses_at_known_margins) {
  BOOST_TEST(loss_value(Loss::kHinge, 1.0) == 0.0);
  BOOST_TEST(loss_value(Loss::kHinge, -1.0) == 2.0);
  BOOST_TEST(std::isnan(loss_value(Loss::kHinge, std::nan(""))));
  BOOST_TEST(loss_value(Loss::kLogistic, 0.0) == std::log(2.0));
  BOOST_TEST(loss_value(Loss::kLogistic, -1000.0) == 1000.0);
  BOOST_TEST(std::isnan(loss_value(Loss::kLogistic, std::nan(""))));
  BOOST_TEST(negative_derivative(Loss::kHinge, 1.0F) == 0.0F);
  BOOST_TEST(negative_derivative(Loss::kHinge, 0.9F) == 1.0F);
  BOOST_TEST(negative_derivative(Loss::kLogistic, 0.0F) == 0.5F);
}

BOOST_AUTO_TEST_CASE(an_evaluation_does_not_depend_on_threads) {
  const TrainingRows rows = toy_rows(20'000, 64);
  Weights weights;
  for (int j = 0; j < 64; ++j) weights.w.push_back(std::sin(j));
  const Evaluation one = evaluate(weights, rows, Loss::kLogistic, 1);
  for (const unsigned threads : {2U, 3U, 7U}) {
    const Evaluation many = evaluate(weights, rows, Loss::kLogistic, threads);
    BOOST_TEST(many.mean_loss == one.mean_loss);
    BOOST_TEST(many.correct == one.correct);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
