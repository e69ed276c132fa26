#include "sgd/learn/worker.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <memory>
#include <thread>

#include "sgd/learn/evaluate.hpp"
#include "tests/sgd/learn/toy_rows.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::uint32_t kFeatures = 6'000;  // two stripes

/// One node's learner: `epochs` passes over `rows` by `threads` workers, flushed now and then.
struct Learner {
  Learner(const TrainingRows& training_rows, unsigned threads, Loss loss = Loss::kHinge,
          double l1 = 0.0, std::vector<double> lambda = {1e-4})
      : rows(training_rows),
        rule{.loss = loss,
             .has_bias = true,
             .lambda = std::move(lambda),
             .metric = std::vector<float>(rows.feature_count(), 0.02F),
             .l1 = l1,
             .loss_scale = loss == Loss::kSquaredHinge ? 2.0 : 1.0},
        published({rows.feature_count(), rows.column_count() * rule.candidate_count()}),
        own(published.layout()) {
    for (unsigned i = 0; i < threads; ++i) {
      workers.push_back(
          std::make_unique<Worker>(Workplace{rows, rule, published, own, queue, pace,
                                             kernels_of(best_instruction_path()), threads},
                                   i));
    }
  }

  void train(int epochs, bool flush_meanwhile) {
    queue.reopen();
    {
      std::vector<std::jthread> threads;
      for (auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
      std::vector<CellDelta> fresh;
      for (int epoch = 0; epoch < epochs; ++epoch) {
        for (std::uint64_t first = 0; first < rows.row_count(); first += 64) {
          const auto count =
              static_cast<std::uint32_t>(std::min<std::uint64_t>(64, rows.row_count() - first));
          while (!queue.push({first, count})) {
            if (flush_meanwhile) own.collect(published, fresh);
            pace.flushed();
          }
        }
      }
      queue.close();
      // Workers at the guard wait for a flush; give them some until they have left.
      while (queue.popped() < queue.pushed()) {
        if (flush_meanwhile) own.collect(published, fresh);
        pace.flushed();
      }
    }
    std::vector<CellDelta> fresh;
    own.collect(published, fresh);
  }

  double objective_now() {
    const Weights weights = weights_of(published.image(), rule);
    return objective(weights, rule, evaluate(weights, rows, rule.loss, 1).mean_loss);
  }

  const TrainingRows& rows;
  Rule rule;
  PublishedSums published;
  OwnWork own;
  RowQueue queue{1024};
  Pace pace;
  std::vector<std::unique_ptr<Worker>> workers;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(worker)

BOOST_AUTO_TEST_CASE(every_row_is_counted_and_a_hidden_separator_is_found) {
  const TrainingRows rows = toy_rows(20'000, kFeatures);
  Learner learner(rows, 1);
  learner.train(5, false);
  BOOST_TEST(learner.published.examples() == 5 * rows.row_count());
  BOOST_TEST(learner.workers[0]->nonzeros() == 5 * rows.nonzero_count());
  const Weights weights = weights_of(learner.published.image(), learner.rule);
  BOOST_TEST(evaluate(weights, rows, Loss::kHinge, 1).accuracy() > 0.88);
}

BOOST_AUTO_TEST_CASE(candidates_that_are_trained_together_do_as_well_as_each_alone) {
  const TrainingRows rows = toy_rows(20'000, kFeatures);
  const std::vector<double> lambda = {1e-5, 1e-3, 0.1};
  Learner together(rows, 2, Loss::kLogistic, 0.0, lambda);
  together.train(3, false);
  const SumsImage image = together.published.image();
  BOOST_TEST(image.examples() == 3 * rows.row_count());
  for (std::uint32_t candidate = 0; candidate < lambda.size(); ++candidate) {
    Learner alone(rows, 2, Loss::kLogistic, 0.0, {lambda[candidate]});
    alone.train(3, false);
    const Weights weights = weights_of(image, together.rule, candidate);
    const double loss = evaluate(weights, rows, Loss::kLogistic, 1).mean_loss;
    BOOST_TEST(objective(weights, together.rule, loss, candidate) == alone.objective_now(),
               boost::test_tools::tolerance(0.01));
  }
}

BOOST_AUTO_TEST_CASE(l1_leaves_fewer_weights_the_larger_it_is) {
  const TrainingRows rows = toy_rows(20'000, kFeatures, 0.05);
  const auto nonzeros = [&](double l1) {
    Learner learner(rows, 1, Loss::kHinge, l1);
    learner.train(4, false);
    const Weights weights = weights_of(learner.published.image(), learner.rule);
    return std::count_if(weights.w.begin(), weights.w.end(), [](double w) { return w != 0; });
  };
  const auto all = nonzeros(0.0);
  const auto some = nonzeros(3e-4);
  BOOST_TEST(all > 4'000);
  BOOST_TEST(some > 0);
  BOOST_TEST(some < all / 2);
  BOOST_TEST(nonzeros(1.0) == 0);
}

BOOST_AUTO_TEST_CASE(one_worker_repeats_every_bit) {
  const TrainingRows rows = toy_rows(5'000, kFeatures, 0.1);
  Learner first(rows, 1);
  Learner second(rows, 1);
  first.train(2, false);
  second.train(2, false);
  BOOST_TEST(first.published.digest() == second.published.digest());
}

BOOST_AUTO_TEST_CASE(workers_and_flushes_at_once_lose_no_example_and_learn_as_well) {
  const TrainingRows rows = toy_rows(20'000, kFeatures, 0.05);
  for (const Loss loss : {Loss::kHinge, Loss::kLogistic, Loss::kSquaredHinge}) {
    Learner alone(rows, 1, loss);
    alone.train(4, false);
    Learner together(rows, 2, loss);
    together.train(4, true);
    BOOST_TEST(together.published.examples() == 4 * rows.row_count());
    // Wide, since threads that share a CPU work on older states; broken merging is far outside.
    BOOST_TEST(together.objective_now() < alone.objective_now() * 1.3);
  }
}

BOOST_AUTO_TEST_CASE(nothing_that_was_learned_is_lost_in_rounding) {
  // Values far under half a unit: only the residues can carry them.
  SparseRows sparse(64, 64);
  for (std::size_t row = 0; row < 64; ++row) {
    sparse.starts()[row + 1] = row + 1;
    sparse.feature()[row] = 0;
    sparse.value()[row] = 0.001F;
  }
  const TrainingRows rows(std::move(sparse), std::vector<float>(64, 1.0F), 1);
  Learner learner(rows, 1);
  learner.rule.has_bias = false;  // it would reach every margin by itself
  learner.train(100, false);
  // 6,400 times 0.001 is 6.4, or 409.6 units.
  BOOST_TEST(learner.published.sum(0) >= 408);
  BOOST_TEST(learner.published.sum(0) <= 411);
}

BOOST_AUTO_TEST_CASE(a_value_that_is_no_number_stops_the_worker_and_is_not_merged) {
  SparseRows sparse(128, 128);
  for (std::size_t row = 0; row < 128; ++row) {
    sparse.starts()[row + 1] = row + 1;
    sparse.feature()[row] = 0;
    sparse.value()[row] = std::numeric_limits<float>::infinity();
  }
  const TrainingRows rows(std::move(sparse), std::vector<float>(128, 1.0F), 1);
  Learner learner(rows, 1);
  learner.queue.reopen();
  BOOST_TEST(learner.queue.push({0, 128}));
  learner.queue.close();
  learner.workers[0]->run();
  BOOST_TEST(learner.pace.has_fault.load());
  std::vector<CellDelta> fresh;
  learner.own.collect(learner.published, fresh);
  BOOST_TEST(fresh.empty());
}

// 1e30 is a float, but its product with a slope is no sum of ours; 2e9 is one that would wrap.
BOOST_AUTO_TEST_CASE(a_value_that_no_sum_can_hold_stops_the_worker_and_does_not_wrap) {
  for (const float value : {1e30F, 2e9F}) {
    SparseRows sparse(64, 64);
    for (std::size_t row = 0; row < 64; ++row) {
      sparse.starts()[row + 1] = row + 1;
      sparse.feature()[row] = 0;
      sparse.value()[row] = row == 50 ? value : 1.0F;
    }
    std::vector<float> sign(64, 1.0F);
    sign[50] = -1.0F;
    const TrainingRows rows(std::move(sparse), std::move(sign), 1);
    Learner learner(rows, 1);
    learner.train(1, false);
    BOOST_TEST(learner.pace.has_fault.load());
    BOOST_TEST(learner.published.sum(0) < -PublishedSums::kLargestSum);
  }
}

BOOST_AUTO_TEST_CASE(a_node_that_ran_far_ahead_waits_for_its_flush) {
  const TrainingRows rows = toy_rows(20'000, kFeatures);
  Learner learner(rows, 1);
  std::atomic<int> asked{0};
  learner.pace.lookahead = 8.0F;
  learner.pace.wake = [&] { ++asked; };
  for (std::uint64_t first = 0; first + 64 <= rows.row_count(); first += 64) {
    BOOST_TEST_REQUIRE(learner.queue.push({first, 64}));
  }
  std::jthread thread([&] { learner.workers[0]->run(); });
  while (asked == 0) std::this_thread::yield();
  // Eight times its own unpublished examples is past the guard of 2,000, and it trains no more.
  BOOST_TEST(learner.own.examples_made() * 8 > 2'000U);
  BOOST_TEST(learner.own.examples_made() < 1'000U);
  std::vector<CellDelta> fresh;
  learner.own.collect(learner.published, fresh);
  learner.pace.flushed();
  while (asked == 1) std::this_thread::yield();
  BOOST_TEST(learner.published.examples() > 0U);
  learner.queue.stop();
  learner.pace.flushed();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
