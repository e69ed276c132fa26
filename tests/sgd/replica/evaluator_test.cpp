#include "sgd/replica/evaluator.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "sgd/learn/rule.hpp"

namespace hogwild::sgd {
namespace {

using std::chrono::milliseconds;

RunInfo run_of(std::uint64_t rows, Interval interval) {
  RunInfo info;
  info.constants.rows = rows;
  info.constants.metric = {1.0F, 1.0F};
  info.settings.loss_interval = interval;
  return info;
}

std::vector<HistoryPoint> points_of(std::vector<std::pair<std::uint64_t, double>> rows) {
  std::vector<HistoryPoint> points;
  for (const auto& [updates, loss] : rows) {
    points.push_back({.updates = updates, .test_loss = loss});
  }
  return points;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evaluator)

BOOST_AUTO_TEST_CASE(marks_of_epochs_are_met_once_each_whatever_the_interval) {
  const Instant start{};
  Evaluator evaluator(run_of(100, {true, 1'000'000}), start);
  BOOST_TEST(!evaluator.is_due(0, start));
  BOOST_TEST(!evaluator.is_due(9, start));
  BOOST_TEST(evaluator.is_due(10, start));
  BOOST_TEST(!evaluator.is_due(19, start));
  BOOST_TEST(evaluator.is_due(250, start));  // 0.2, 0.5, 1 and 2 at once: one evaluation
  BOOST_TEST(!evaluator.is_due(299, start));
  BOOST_TEST(evaluator.is_due(300, start));
}

BOOST_AUTO_TEST_CASE(an_interval_counts_from_the_first_update) {
  const Instant start{};
  Evaluator timed(run_of(1'000'000, {false, 50}), start);
  BOOST_TEST(!timed.is_due(0, start + milliseconds(500)));
  BOOST_TEST(!timed.is_due(1, start + milliseconds(549)));
  BOOST_TEST(timed.is_due(2, start + milliseconds(550)));
  BOOST_TEST(!timed.is_due(3, start + milliseconds(599)));
  Evaluator counted(run_of(1'000'000, {true, 50}), start);
  BOOST_TEST(!counted.is_due(0, start));
  BOOST_TEST(!counted.is_due(49, start));
  BOOST_TEST(counted.is_due(55, start));
  BOOST_TEST(!counted.is_due(104, start));
  BOOST_TEST(counted.is_due(105, start));
}

BOOST_AUTO_TEST_CASE(training_figures_are_those_since_the_last_row) {
  const RunInfo info = run_of(100, {});
  Evaluator evaluator(info, Instant{});
  SumsImage image{std::vector<std::int64_t>(info.layout().scalar_count()),
                  std::vector<std::int32_t>(info.layout().sum_count())};
  std::vector<std::int64_t> before(info.layout().scalar_count());
  before[SumsLayout::kExamples] = 100;
  before[SumsLayout::errors(0)] = 50;
  image.scalars[SumsLayout::kExamples] = 300;
  image.scalars[SumsLayout::errors(0)] = 60;
  image.scalars[SumsLayout::loss(0)] = static_cast<std::int64_t>(100 / kCurvatureUnit);
  const auto request = evaluator.begin(EvaluationKind::kRow, image, 1.5, 0);
  BOOST_TEST(!request.is_final);
  BOOST_TEST(evaluator.is_busy());
  BOOST_TEST(!evaluator.complete({.number = request.number + 1}, {}, before).has_value());
  const auto outcome = evaluator.complete(
      {.number = request.number, .test_loss = 0.25, .test_accuracy = 0.9}, {}, before);
  BOOST_TEST_REQUIRE(outcome.has_value());
  BOOST_TEST(!evaluator.is_busy());
  BOOST_TEST(outcome->point.t_seconds == 1.5);
  BOOST_TEST(outcome->point.updates == 300U);
  BOOST_TEST(outcome->point.train_loss == 0.5);
  BOOST_TEST(outcome->point.train_accuracy == 0.95);
  BOOST_TEST(outcome->point.test_loss == 0.25);
  BOOST_TEST(!evaluator.complete({.number = request.number}, {}, before).has_value());
}

BOOST_AUTO_TEST_CASE(training_figures_are_those_of_the_best_candidate) {
  RunInfo info = run_of(100, {});
  info.settings.lambda = {1e-4, 1e-3};
  Evaluator evaluator(info, Instant{});
  SumsImage image{std::vector<std::int64_t>(info.layout().scalar_count()),
                  std::vector<std::int32_t>(info.layout().sum_count())};
  const std::vector<std::int64_t> before(info.layout().scalar_count());
  image.scalars[SumsLayout::kExamples] = 100;
  image.scalars[SumsLayout::errors(0)] = 50;
  image.scalars[SumsLayout::errors(1)] = 10;
  image.scalars[SumsLayout::loss(1)] = static_cast<std::int64_t>(25 / kCurvatureUnit);
  const auto request = evaluator.begin(EvaluationKind::kRow, image, 1.5, 1);
  BOOST_TEST(request.candidate == 1U);
  BOOST_TEST(!evaluator.complete({.number = request.number, .candidate = 2}, {}, before));
  const auto outcome = evaluator.complete({.number = request.number, .candidate = 1}, {}, before);
  BOOST_TEST_REQUIRE(outcome.has_value());
  BOOST_TEST(outcome->point.candidate == 1U);
  BOOST_TEST(outcome->point.train_loss == 0.25);
  BOOST_TEST(outcome->point.train_accuracy == 0.9);
}

// "An improvement is more than 1e-4 of the value; nothing counts before the first epoch."
BOOST_AUTO_TEST_CASE(an_improvement_is_more_than_a_ten_thousandth) {
  BOOST_TEST(is_improvement(0.9998, 1.0));
  BOOST_TEST(!is_improvement(0.99991, 1.0));
  BOOST_TEST(!is_improvement(1.0, 1.0));
  BOOST_TEST(!is_improvement(kUnknown, 1.0));
  BOOST_TEST(!is_improvement(0.5, kUnknown));
}

BOOST_AUTO_TEST_CASE(rows_since_the_best_are_counted_from_the_first_epoch_on) {
  const auto none = improvement_of(points_of({{10, 0.1}, {99, 0.01}}), 100);
  BOOST_TEST(!none.best_row.has_value());
  BOOST_TEST(none.rows_since == 0U);
  const auto some = improvement_of(
      points_of({{10, 0.1}, {100, 0.5}, {150, 0.4}, {200, 0.39999}, {250, 0.41}}), 100);
  BOOST_TEST(some.best_row.value() == 2U);
  BOOST_TEST(some.rows_since == 2U);
  const auto unknown = improvement_of(points_of({{100, kUnknown}, {200, kUnknown}}), 100);
  BOOST_TEST(!unknown.best_row.has_value());
}

// However many epochs a forged state claims.
BOOST_AUTO_TEST_CASE(many_epochs_at_once_are_one_measurement) {
  const Instant start{};
  constexpr std::uint64_t kMany = std::uint64_t{1} << 47U;
  Evaluator evaluator(run_of(1, {true, ~std::uint64_t{0}}), start);
  BOOST_TEST(!evaluator.is_due(0, start));
  BOOST_TEST(evaluator.is_due(kMany, start));
  BOOST_TEST(!evaluator.is_due(kMany, start));
  BOOST_TEST(evaluator.is_due(kMany + 1, start));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
