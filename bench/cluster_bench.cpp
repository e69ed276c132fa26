// How N nodes converge when neither processors nor the network limit them: simulated time and
// updates to 1 % of the optimum, with production learners in lockstep.
//
//     ninja -C build bench/cluster_bench && build/bench/cluster_bench [MOST_NODES]
//
// Each node trains 20,000 rows a second and flushes each 5 ms, as `hogwild node --rate 20000` does;
// what it published reaches the others a flush later. synth:rcv1, lambda 1e-4. The same on any
// machine.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "sgd/data/source.hpp"
#include "tests/sgd/learn/lockstep_cluster.hpp"

namespace hogwild::sgd {
namespace {

constexpr double kOptimum = 0.25986;  // LIBLINEAR's dual solver, no intercept
constexpr double kTarget = 1.01 * kOptimum;
constexpr double kRowSeconds = 1.0 / 20'000;
constexpr std::uint32_t kRowsATick = 100;  // in 5 ms
constexpr double kMostEpochs = 4;

struct Result {
  double seconds = 0;
  double updates = 0;
  bool is_reached = false;
};

Result run(const TrainingSet& set, const LockstepOptions& options) {
  const double tick_seconds = kRowSeconds * *std::ranges::max_element(options.rows_a_tick);
  LockstepCluster cluster(set, options);
  std::uint64_t next = 40'000;  // nobody is there before
  const double most = kMostEpochs * static_cast<double>(set.rows.row_count());
  while (static_cast<double>(cluster.updates()) < most) {
    cluster.tick();
    if (cluster.updates() < next) continue;
    next = cluster.updates() + 2'000;
    if (cluster.objective_of(0) <= kTarget) {
      return {cluster.ticks() * tick_seconds, static_cast<double>(cluster.updates()), true};
    }
  }
  return {cluster.ticks() * tick_seconds, static_cast<double>(cluster.updates()), false};
}

std::vector<std::uint32_t> nodes(std::size_t count) {
  return std::vector<std::uint32_t>(count, kRowsATick);
}

int bench(std::size_t most_nodes) {
  const auto set = load_training(*parse_data_source("synth:rcv1"), 2);
  if (!set) return fmt::print("{}\n", set.error().message()), 1;
  fmt::print("{:<38} {:>8} {:>9} {:>8}\n", "to objective 1.01 x the optimum", "seconds", "updates",
             "speed-up");
  const Result alone = run(*set, {.rows_a_tick = nodes(1)});
  const auto row = [&](const std::string& what, const LockstepOptions& options) {
    const Result result = run(*set, options);
    fmt::print("{:<38} {:>8.2f} {:>9.0f} {:>8.2f}{}\n", what, result.seconds, result.updates,
               alone.seconds / result.seconds, result.is_reached ? "" : "  not reached");
    std::fflush(stdout);
  };
  for (std::size_t count = 1; count <= most_nodes; count *= 2) {
    row(fmt::format("{} node{}", count, count == 1 ? "" : "s"), {.rows_a_tick = nodes(count)});
  }
  row("16 nodes, 10 % of the deltas late", {.rows_a_tick = nodes(16), .loss = 0.1});
  row("16 nodes, 30 % of the deltas late", {.rows_a_tick = nodes(16), .loss = 0.3});
  row("16 nodes, 10 ms on the way", {.rows_a_tick = nodes(16), .latency_ticks = 3});
  row("16 nodes, 20 ms on the way", {.rows_a_tick = nodes(16), .latency_ticks = 5});
  row("the same, the way not looked at",
      {.rows_a_tick = nodes(16), .latency_ticks = 5, .lookahead = 16});
  row("16 nodes, 40 ms on the way", {.rows_a_tick = nodes(16), .latency_ticks = 9});
  std::vector<std::uint32_t> mixed = nodes(16);
  std::fill_n(mixed.begin(), 4, kRowsATick / 4);
  row("16 nodes, 4 of them four times slower", {.rows_a_tick = mixed});
  const std::vector<std::uint32_t> rarely(16, 20 * kRowsATick);
  row("16 nodes, a flush each 100 ms", {.rows_a_tick = rarely});
  row("the same, look-ahead off", {.rows_a_tick = rarely, .lookahead = 1});
  for (const std::size_t count : {1U, 8U, 16U, 32U}) {
    row(fmt::format("{} nodes by rounds of 20 ms", count),
        {.rows_a_tick = std::vector<std::uint32_t>(count, 4 * kRowsATick),
         .has_round_limit = true});
  }
  return 0;
}

}  // namespace
}  // namespace hogwild::sgd

int main(int argc, char** argv) {
  return hogwild::sgd::bench(argc > 1 ? static_cast<std::size_t>(std::atoi(argv[1])) : 32);
}
