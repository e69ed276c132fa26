#include "sgd/learn/model.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "sgd/learn/candidate.hpp"
#include "sgd/learn/evaluate.hpp"
#include "tests/sgd/learn/toy_rows.hpp"

namespace hogwild::sgd {

namespace {

/// Positive columns of all rows that have a score above 0.
double hits(const Weights& weights, const TrainingRows& rows) {
  const std::uint32_t columns = weights.column_count();
  double count = 0;
  for (std::uint64_t row = 0; row < rows.row_count(); ++row) {
    for (const std::uint32_t c : rows.positives(row)) {
      double score = weights.bias[c];
      for (std::size_t i = 0; i < rows.features(row).size(); ++i) {
        score += static_cast<double>(rows.values(row)[i]) *
                 weights.w[rows.features(row)[i] * columns + c];
      }
      count += score > 0 ? 1 : 0;
    }
  }
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(model)

BOOST_AUTO_TEST_CASE(weights_are_the_rule_of_the_sums) {
  const Rule rule{.has_bias = true, .lambda = {0.5}, .metric = {0.25F, 2.0F}};
  PublishedSums sums({2, 1});
  sums.add({SumsLayout::kExamples, 100});
  sums.add({SumsLayout::curvature(0), 3 * 256});
  sums.add({SumsLayout::bias(0), 1 << 19});
  sums.add({sums.layout().scalar_count() + 1, -640});
  const Weights weights = weights_of(sums.image(), rule);
  BOOST_TEST(weights.w[0] == 0.0);
  BOOST_TEST(weights.w[1] == -10.0 / (1.0 + 0.5 * 100 + 2.0 * std::sqrt(4.0)));
  BOOST_TEST((weights.bias == std::vector{0.5}));
}

// Xiao 2010: regularised dual averaging keeps a weight at 0 while its sum is within t·λ₁.
BOOST_AUTO_TEST_CASE(with_l1_sums_within_the_threshold_are_no_weight) {
  const Rule rule{.lambda = {0.5}, .metric = {1.0F, 1.0F, 1.0F}, .l1 = 0.05};
  PublishedSums sums({3, 1});
  sums.add({SumsLayout::kExamples, 100});
  const std::uint32_t first = sums.layout().scalar_count();
  sums.add({first, 5 * 64});       // just t·λ₁
  sums.add({first + 1, 8 * 64});   // 3 more
  sums.add({first + 2, -6 * 64});  // 1 more
  const Weights weights = weights_of(sums.image(), rule);
  const double denominator = 1.0 + 0.5 * 100 + 1.0;
  BOOST_TEST(weights.w[0] == 0.0);
  BOOST_TEST(weights.w[1] == 3.0 / denominator);
  BOOST_TEST(weights.w[2] == -1.0 / denominator);
  BOOST_TEST(objective(weights, rule, 2.0) ==
                 0.25 * (9.0 + 1.0) / (denominator * denominator) + 0.05 * 4.0 / denominator + 2.0,
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(initial_examples_count_in_the_denominator_and_in_the_threshold) {
  const Rule rule{.lambda = {0.5}, .metric = {1.0F}, .l1 = 0.05, .initial_examples = 60};
  PublishedSums sums({1, 1});
  sums.add({SumsLayout::kExamples, 40});
  sums.add({sums.layout().scalar_count(), 8 * 64});
  BOOST_TEST(weights_of(sums.image(), rule).w[0] == 3.0 / (1.0 + 0.5 * 100 + 1.0));
}

BOOST_AUTO_TEST_CASE(rows_count_in_the_loss_as_their_class_is_weighted) {
  const TrainingRows rows = toy_rows(1'000, 64, 0.1);
  Weights weights;
  for (int j = 0; j < 64; ++j) weights.w.push_back(std::sin(j));
  const auto loss_with = [&](ClassWeight weight) {
    return evaluate(weights, rows, Loss::kSquaredHinge, 1, std::vector{weight}).mean_loss;
  };
  const double positive = loss_with({1.0F, 0.0F});
  const double negative = loss_with({0.0F, 1.0F});
  BOOST_TEST(positive > 0.1);
  BOOST_TEST(negative > 0.1);
  BOOST_TEST(loss_with({3.0F, 0.5F}) == 3 * positive + 0.5 * negative,
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(evaluate(weights, rows, Loss::kSquaredHinge, 1).mean_loss == positive + negative,
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(each_column_has_the_weights_that_it_has_alone) {
  constexpr std::uint32_t kFeatures = 5;
  constexpr std::uint32_t kColumns = 3;
  std::mt19937 random(11);
  const auto draw = [&random] { return static_cast<std::int32_t>(random() % 20'001) - 10'000; };
  const Rule rule{.has_bias = true, .lambda = {1e-3}, .metric = {0.1F, 0.7F, 0.01F, 1.0F, 0.33F}};
  PublishedSums together({kFeatures, kColumns});
  std::vector<PublishedSums> alone(kColumns, PublishedSums({kFeatures, 1}));
  together.add({SumsLayout::kExamples, 12'345});
  for (std::uint32_t c = 0; c < kColumns; ++c) {
    alone[c].add({SumsLayout::kExamples, 12'345});
    const std::int64_t curvature = std::abs(draw());
    const std::int64_t bias = draw();
    together.add({SumsLayout::curvature(c), curvature});
    alone[c].add({SumsLayout::curvature(0), curvature});
    together.add({SumsLayout::bias(c), bias});
    alone[c].add({SumsLayout::bias(0), bias});
    for (std::uint32_t j = 0; j < kFeatures; ++j) {
      const std::int64_t sum = draw();
      together.add({together.layout().scalar_count() + j * kColumns + c, sum});
      alone[c].add({alone[c].layout().scalar_count() + j, sum});
    }
  }
  const Weights weights = weights_of(together.image(), rule);
  BOOST_TEST_REQUIRE(weights.column_count() == kColumns);
  for (std::uint32_t c = 0; c < kColumns; ++c) {
    const Weights one = weights_of(alone[c].image(), rule);
    BOOST_TEST(weights.bias[c] == one.bias[0]);
    for (std::uint32_t j = 0; j < kFeatures; ++j) {
      BOOST_TEST(weights.w[j * kColumns + c] == one.w[j]);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_candidate_has_the_weights_and_the_objective_that_it_has_alone) {
  // Two candidates of two columns, two features: column 2·candidate + c.
  Rule rule{.has_bias = true, .lambda = {1e-3, 0.25}, .metric = {0.5F, 2.0F}};
  PublishedSums together({2, 4});
  std::vector<PublishedSums> alone(2, PublishedSums({2, 2}));
  std::int64_t value = 100;
  for (auto* sums : {&together, alone.data(), alone.data() + 1}) {
    sums->add({SumsLayout::kExamples, 1000});
  }
  for (std::uint32_t candidate = 0; candidate < 2; ++candidate) {
    for (std::uint32_t c = 0; c < 2; ++c) {
      const std::uint32_t column = 2 * candidate + c;
      together.add({SumsLayout::curvature(column), value += 13});
      alone[candidate].add({SumsLayout::curvature(c), value});
      together.add({SumsLayout::bias(column), value += 13});
      alone[candidate].add({SumsLayout::bias(c), value});
      for (std::uint32_t j = 0; j < 2; ++j) {
        together.add({together.layout().scalar_count() + 4 * j + column, value += 13});
        alone[candidate].add({alone[candidate].layout().scalar_count() + 2 * j + c, value});
      }
    }
  }
  for (std::uint32_t candidate = 0; candidate < 2; ++candidate) {
    const Rule own{.has_bias = true, .lambda = {rule.lambda[candidate]}, .metric = {0.5F, 2.0F}};
    const Weights weights = weights_of(together.image(), rule, candidate);
    const Weights expected = weights_of(alone[candidate].image(), own);
    BOOST_TEST(weights.w == expected.w);
    BOOST_TEST(weights.bias == expected.bias);
    BOOST_TEST(objective(weights, rule, 0.5, candidate) == objective(expected, own, 0.5));
  }
}

BOOST_AUTO_TEST_CASE(
    the_best_candidate_has_the_smallest_loss_and_of_equal_ones_the_largest_lambda) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> lambda = {1e-4, 1e-2, 1e-3};
  BOOST_TEST(best_candidate(std::vector{0.5, 0.3, 0.4}, lambda).value() == 1U);
  BOOST_TEST(best_candidate(std::vector{0.3, 0.5, 0.3}, lambda).value() == 2U);
  BOOST_TEST(best_candidate(std::vector{nan, 0.5, 0.6}, lambda).value() == 1U);
  BOOST_TEST(!best_candidate(std::vector{nan, nan, nan}, lambda));
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
  BOOST_TEST(loss_value(Loss::kSquaredHinge, 1.0) == 0.0);
  BOOST_TEST(loss_value(Loss::kSquaredHinge, -1.0) == 4.0);
  BOOST_TEST(std::isnan(loss_value(Loss::kSquaredHinge, std::nan(""))));
  BOOST_TEST(negative_derivative(Loss::kSquaredHinge, 1.0F) == 0.0F);
  BOOST_TEST(negative_derivative(Loss::kSquaredHinge, -1.0F) == 4.0F);
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

BOOST_AUTO_TEST_CASE(the_best_class_wins_and_the_first_of_equal_ones) {
  // Scores: row 0 {1, 3, 2}, row 1 {2, 2, 0}, row 2 is empty and all its scores are the biases.
  const Weights weights{.w = {1, 3, 2, 2, 2, 0}, .bias = {0, 0, -1}};
  const auto correct = [&](std::vector<std::uint32_t> classes) {
    SparseRows sparse(3, 2);
    std::iota(sparse.feature().begin(), sparse.feature().end(), 0U);
    std::fill(sparse.value().begin(), sparse.value().end(), 1.0F);
    std::copy_n(std::vector<std::uint64_t>{1, 2, 2}.begin(), 3, sparse.starts().begin() + 1);
    const TrainingRows rows(std::move(sparse), RowLabels(3, false, {0, 1, 2, 3}, classes), 2);
    return evaluate(weights, rows, Loss::kHinge, 1).correct;
  };
  BOOST_TEST(correct({1, 0, 0}) == 3U);
  BOOST_TEST(correct({2, 1, 1}) == 0U);
  BOOST_TEST(correct({1, 2, 2}) == 1U);
}

BOOST_AUTO_TEST_CASE(a_row_of_a_class_that_training_never_had_is_wrong) {
  const Weights weights{.w = {1, 2, 3}, .bias = {0, 0, 0}};
  SparseRows sparse(1, 1);
  sparse.feature()[0] = 0;
  sparse.value()[0] = 1.0F;
  sparse.starts()[1] = 1;
  const TrainingRows rows(std::move(sparse), RowLabels(3, false, {0, 0}, {}), 1);
  const Evaluation evaluation = evaluate(weights, rows, Loss::kHinge, 1);
  BOOST_TEST(evaluation.correct == 0U);
  BOOST_TEST(evaluation.mean_loss == 2.0 + 3.0 + 4.0);
  BOOST_TEST(!evaluation.f1.has_value());
}

BOOST_AUTO_TEST_CASE(f1_is_that_of_its_definition) {
  // Figures of scikit-learn's f1_score(…, zero_division=0) for these counts.
  const std::vector<LabelCounts> labels{{.actual = 4, .predicted = 5, .both = 3},
                                        {.actual = 2, .predicted = 0, .both = 0},
                                        {.actual = 0, .predicted = 0, .both = 0},
                                        {.actual = 1, .predicted = 1, .both = 1}};
  BOOST_TEST(f1_of(labels).micro == 8.0 / 13.0);
  BOOST_TEST(f1_of(labels).macro == (6.0 / 9.0 + 0.0 + 0.0 + 1.0) / 4.0);
  BOOST_TEST((f1_of(std::vector<LabelCounts>(3)) == F1Scores{0.0, 0.0}));
}

BOOST_AUTO_TEST_CASE(columns_are_evaluated_as_each_of_them_alone) {
  constexpr std::uint32_t kColumns = 70;  // chunks of 58 rows
  const TrainingRows one = toy_rows(1000, 64, 0.1);
  std::mt19937 random(5);
  Weights weights{.w = {}, .bias = std::vector<double>(kColumns)};
  for (std::uint32_t i = 0; i < 64 * kColumns; ++i) weights.w.push_back(std::sin(i) - 0.3);
  for (std::uint32_t c = 0; c < kColumns; ++c) weights.bias[c] = std::cos(c);
  std::vector<std::uint64_t> start{0};
  std::vector<std::uint32_t> positive;
  std::vector<std::vector<float>> sign(kColumns, std::vector<float>(1000, -1.0F));
  for (std::uint64_t row = 0; row < 1000; ++row) {
    for (std::uint32_t c = 0; c < kColumns; ++c) {
      if (random() % 10 > 0) continue;
      positive.push_back(c);
      sign[c][row] = 1.0F;
    }
    start.push_back(positive.size());
  }
  const auto rows_with = [&one](auto labels) {
    SparseRows sparse(one.row_count(), one.nonzero_count());
    std::ranges::copy(one.sparse().starts(), sparse.starts().begin());
    std::ranges::copy(one.sparse().feature(), sparse.feature().begin());
    std::ranges::copy(one.sparse().value(), sparse.value().begin());
    return TrainingRows(std::move(sparse), std::move(labels), 64);
  };
  const TrainingRows rows = rows_with(RowLabels(kColumns, true, start, positive));
  for (const Loss loss : {Loss::kHinge, Loss::kLogistic}) {
    double loss_sum = 0.0;
    std::uint64_t right = 0;
    for (std::uint32_t c = 0; c < kColumns; ++c) {
      Weights alone{.w = {}, .bias = {weights.bias[c]}};
      for (std::uint32_t j = 0; j < 64; ++j) alone.w.push_back(weights.w[j * kColumns + c]);
      const Evaluation column = evaluate(alone, rows_with(sign[c]), loss, 1);
      loss_sum += column.mean_loss;
      right += column.correct;
    }
    const Evaluation all = evaluate(weights, rows, loss, 1);
    BOOST_TEST(std::abs(all.mean_loss - loss_sum) < 1e-12 * loss_sum);
    BOOST_TEST_REQUIRE(all.f1.has_value());
    // Decisions that are right in all columns: kColumns·rows − fp − fn, which micro-F1 has as well.
    const double wrong = static_cast<double>(kColumns * 1000 - right);
    BOOST_TEST(std::abs(all.f1->micro - 1.0 / (1.0 + wrong / (2.0 * hits(weights, rows)))) < 1e-12);
    for (const unsigned threads : {2U, 3U, 7U}) {
      const Evaluation many = evaluate(weights, rows, loss, threads);
      BOOST_TEST(many.mean_loss == all.mean_loss);
      BOOST_TEST(many.correct == all.correct);
      BOOST_TEST((many.f1 == all.f1));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_multilabel_row_is_right_where_each_of_its_columns_is) {
  const Weights weights{.w = {1, -1, 0.5}, .bias = {0, 0, 0}};  // says columns 0 and 2
  const auto evaluate_one = [&](std::vector<std::uint32_t> positive) {
    SparseRows sparse(1, 1);
    sparse.feature()[0] = 0;
    sparse.value()[0] = 1.0F;
    sparse.starts()[1] = 1;
    const std::uint64_t size = positive.size();
    const TrainingRows rows(std::move(sparse), RowLabels(3, true, {0, size}, std::move(positive)),
                            1);
    return evaluate(weights, rows, Loss::kHinge, 1);
  };
  BOOST_TEST(evaluate_one({0, 2}).correct == 1U);
  for (const auto& other : {std::vector<std::uint32_t>{}, {0}, {2}, {0, 1, 2}, {1}, {1, 2}}) {
    BOOST_TEST(evaluate_one(other).correct == 0U);
  }
  BOOST_TEST((evaluate_one({0, 1}).f1 == F1Scores{.micro = 2.0 / 4.0, .macro = 1.0 / 3.0}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
