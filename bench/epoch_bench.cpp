// Time of an epoch by the workers, without loading: ns a nonzero, by number of threads.
//
//     ninja -C build bench/epoch_bench && build/bench/epoch_bench [DATA [THREADS [EPOCHS [RUNS
//     [PATH]]]]]
//
// Runs of the thread counts alternate, so that a machine's moods meet all of them. The limit beside
// them is what one core does at best with these rows: it reads them and the replica's floats that
// they name, adds up, and writes nothing.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "sgd/data/source.hpp"
#include "sgd/data/training_rows.hpp"
#include "sgd/learn/evaluate.hpp"
#include "sgd/learn/model.hpp"
#include "sgd/learn/worker.hpp"
#include "sgd/replica/block_plan.hpp"

namespace hogwild::sgd {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// One machine's learner from nothing, timed epoch by epoch.
class Learner {
 public:
  Learner(const TrainingSet& set, unsigned threads, const Kernels& kernels)
      : rule_{.lambda = {set.scale.scaled_lambda(1e-4)},
              .metric = metric_of(set.mean_square, set.rows.row_count())},
        set_(set),
        published_({rule_.feature_count(), 1}),
        own_(published_.layout()),
        queue_(std::bit_ceil(set.rows.row_count() / 64 + 2)),
        plan_(set.rows.row_count(), 1, 1) {
    plan_.start({0, 0}, std::array<PeerId, 1>{1});
    for (unsigned i = 0; i < threads; ++i) {
      workers_.push_back(std::make_unique<Worker>(
          Workplace{set.rows, rule_, published_, own_, queue_, pace_, kernels, threads}, i));
    }
  }

  /// Seconds of one pass.
  double epoch() {
    queue_.reopen();
    for (std::uint64_t rows = 0; rows < set_.rows.row_count();) {
      const RowRange range = *plan_.next();
      if (!queue_.push(range)) std::abort();
      rows += range.count;
    }
    queue_.close();
    const auto start = Clock::now();
    {
      std::vector<std::jthread> threads;
      for (auto& worker : workers_) threads.emplace_back([&worker] { worker->run(); });
    }
    own_.publish_to(published_);
    return seconds_since(start);
  }

  double objective_now() {
    const Weights weights = weights_of(published_.image(), rule_);
    return objective(weights, rule_, evaluate(weights, set_.rows, rule_.loss, 2).mean_loss);
  }

 private:
  Rule rule_;
  const TrainingSet& set_;
  PublishedSums published_;
  OwnWork own_;
  RowQueue queue_;
  Pace pace_;
  BlockPlan plan_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

/// Seconds in which one core reads the rows and the floats that they name.
double reading_time(const TrainingRows& rows, const std::vector<float>& u, const Kernels& kernels) {
  const auto start = Clock::now();
  const auto feature = rows.sparse().feature();
  const auto value = rows.sparse().value();
  const float sum = kernels.sparse_dot(feature.data(), value.data(), feature.size() - 8, u.data());
  const double seconds = seconds_since(start);
  if (sum == 12345.0F) std::abort();  // keeps the sum
  return seconds;
}

int run(const char* data, unsigned most_threads, int epochs, int runs, const Kernels& kernels) {
  const auto source = parse_data_source(data);
  if (!source) return fmt::print(stderr, "epoch_bench: {}\n", source.error()), 2;
  std::optional<TrainingSet> set;
  {
    const auto dataset = load_data(*source, DataPart::kTrain, 2);
    if (!dataset) return fmt::print(stderr, "epoch_bench: {}\n", dataset.error().message()), 3;
    auto prepared = prepare_training(*dataset, 2);
    if (!prepared) return fmt::print(stderr, "epoch_bench: {}\n", prepared.error().message()), 3;
    set = std::move(*prepared);
  }
  const auto nonzeros = static_cast<double>(set->rows.nonzero_count());
  fmt::print("{}: {} rows, {} nonzeros, {} features; {}\n", data, set->rows.row_count(),
             set->rows.nonzero_count(), set->rows.feature_count(), to_string(kernels.path));
  const std::vector<float> u(set->rows.feature_count(), 1.0F);
  std::vector<double> limit;
  std::vector<std::vector<double>> first(most_threads);
  std::vector<std::vector<double>> later(most_threads);
  std::vector<std::vector<std::vector<double>>> objectives(
      most_threads, std::vector<std::vector<double>>(static_cast<std::size_t>(epochs)));
  for (int turn = 0; turn < runs; ++turn) {
    limit.push_back(reading_time(set->rows, u, kernels));
    for (unsigned threads = 1; threads <= most_threads; ++threads) {
      Learner learner(*set, threads, kernels);
      for (int epoch = 0; epoch < epochs; ++epoch) {
        (epoch == 0 ? first : later)[threads - 1].push_back(learner.epoch());
        objectives[threads - 1][static_cast<std::size_t>(epoch)].push_back(learner.objective_now());
      }
    }
  }
  const auto ns = [&](const std::vector<double>& seconds) {
    return median(seconds) / nonzeros * 1e9;
  };
  const auto least_ns = [&](const std::vector<double>& seconds) {
    return *std::min_element(seconds.begin(), seconds.end()) / nonzeros * 1e9;
  };
  fmt::print("limit of reading {:.3f} ns a nonzero (least {:.3f})\n", ns(limit), least_ns(limit));
  for (unsigned threads = 1; threads <= most_threads; ++threads) {
    const std::size_t at = threads - 1;
    fmt::print("{} threads: first epoch {:.3f} ns a nonzero (least {:.3f})", threads, ns(first[at]),
               least_ns(first[at]));
    if (epochs > 1) fmt::print(", later {:.3f} ({:.3f})", ns(later[at]), least_ns(later[at]));
    if (threads > 1) fmt::print(", {:.2f} x one thread", ns(first[0]) / ns(first[at]));
    if (threads > 1 && epochs > 1) fmt::print(", later {:.2f} x", ns(later[0]) / ns(later[at]));
    fmt::print("; objective");
    for (const auto& values : objectives[at]) fmt::print(" {:.5f}", median(values));
    fmt::print("\n");
  }
  return 0;
}

}  // namespace
}  // namespace hogwild::sgd

int main(int argc, char** argv) {
  using namespace hogwild::sgd;
  const auto number = [&](int at, int otherwise) {
    return argc > at ? std::max(1, std::atoi(argv[at])) : otherwise;
  };
  const auto path = argc > 5 ? parse_instruction_path(argv[5]) : best_instruction_path();
  if (!path || !is_available(*path)) {
    fmt::print(stderr, "epoch_bench: instruction path '{}'; expected one that this CPU has\n",
               argv[5]);
    return 2;
  }
  return run(argc > 1 ? argv[1] : "synth:rcv1", static_cast<unsigned>(number(2, 2)), number(3, 3),
             number(4, 5), kernels_of(*path));
}
