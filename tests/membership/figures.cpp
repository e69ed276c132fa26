// Prints how long the protocol takes in the simulated network: median and worst of several seeds,
// in seconds of simulated time. Usage: membership_figures [SEEDS]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "tests/membership/sim_cluster.hpp"

namespace hogwild::membership::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kGiveUp = 120s;

double time_until(SimCluster& cluster, const std::function<bool()>& holds) {
  const Instant start = cluster.now();
  if (!cluster.run_until(holds, kGiveUp)) return -1;
  return std::chrono::duration<double>(cluster.now() - start).count();
}

/// All started at once, then as long as it takes for round trips to be known.
void settle(SimCluster& cluster, std::size_t nodes) {
  cluster.start_many(nodes);
  cluster.run_for(30s);
}

double mass_join(SimCluster& cluster, std::size_t nodes) {
  cluster.start_many(nodes);
  return time_until(cluster, [&] { return cluster.is_converged(); });
}

double late_join(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes - 1);
  const auto late = cluster.start("late", 200);
  cluster.join(late, (nodes - 1) / 2);
  return time_until(cluster, [&] { return cluster.is_converged(); });
}

double death(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes);
  cluster.kill(1);
  return time_until(cluster, [&] { return cluster.all_hold(1, MemberState::kDead); });
}

double restart(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes);
  cluster.kill(1);
  cluster.run_for(100ms);
  const auto again = cluster.start("n1", 1);
  cluster.join(again, 0);
  return time_until(cluster, [&] { return cluster.is_converged(); });
}

double goodbye(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes);
  cluster.leave(1);
  return time_until(cluster, [&] { return cluster.all_hold(1, MemberState::kLeft); });
}

bool is_split(const SimCluster& cluster) {
  const std::size_t half = cluster.size() / 2;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    const MemberCounts& counts = cluster[i].members().counts();
    if (counts.live() != (i < half ? half : cluster.size() - half)) return false;
  }
  return true;
}

double split(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes);
  cluster.split(nodes / 2);
  return time_until(cluster, [&] { return is_split(cluster); });
}

/// The one that is cut off, of those that it knew.
double isolation(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes);
  cluster.split(1);
  return time_until(cluster, [&] { return cluster[0].members().counts().live() == 1; });
}

double merge(SimCluster& cluster, std::size_t nodes) {
  split(cluster, nodes);
  cluster.run_for(90s);
  cluster.heal();
  return time_until(cluster, [&] { return cluster.is_converged(); });
}

double idle_payload_bytes_per_second(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes);
  const auto before = cluster[0].counters().bytes_received_total;
  cluster.run_for(60s);
  return static_cast<double>(cluster[0].counters().bytes_received_total - before) / 60;
}

double idle_packets_per_second(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes);
  const auto before = cluster[0].counters().packets_received_total;
  cluster.run_for(60s);
  return static_cast<double>(cluster[0].counters().packets_received_total - before) / 60;
}

double false_deaths_at_quarter_loss(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes);
  cluster.set_network({.loss = 0.25});
  cluster.run_for(60s);
  return static_cast<double>(cluster.false_deaths());
}

double suspicions_at_quarter_loss(SimCluster& cluster, std::size_t nodes) {
  settle(cluster, nodes);
  const SwimCounters before = cluster[0].counters();
  cluster.set_network({.loss = 0.25});
  cluster.run_for(60s);
  double accusations = 0;
  for (std::size_t i = 0; i < nodes; ++i) {
    accusations += static_cast<double>(cluster[i].counters().accusations_total);
  }
  return accusations - static_cast<double>(before.accusations_total);
}

void print(const char* title, const SimOptions& options, std::uint64_t seeds,
           double (*measure)(SimCluster&, std::size_t)) {
  std::printf("%-38s", title);
  for (const std::size_t nodes : {2U, 4U, 8U, 32U, 64U}) {
    std::vector<double> results;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      SimOptions seeded = options;
      seeded.seed = seed;
      seeded.checks_invariants = false;
      SimCluster cluster(seeded);
      results.push_back(measure(cluster, nodes));
    }
    std::ranges::sort(results);
    std::printf("  %7.3f %7.3f", results[results.size() / 2], results.back());
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace
}  // namespace hogwild::membership::sim

int main(int argc, char** argv) {
  using namespace hogwild::membership::sim;
  const std::uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20;
  if (seeds == 0) {
    std::fprintf(stderr, "SEEDS must be a number above 0\n");
    return 2;
  }
  std::printf(
      "median and worst of %llu seeds        N = 2            4                8               32  "
      "             64\n",
      static_cast<unsigned long long>(seeds));
  const SimOptions reset{.hosts_survive = true};
  const SimOptions icmp{.hosts_survive = true, .has_icmp = true};
  const SimOptions silent{.hosts_survive = false};
  print("all started -> all agree (s)", silent, seeds, mass_join);
  print("late join -> all know (s)", silent, seeds, late_join);
  print("kill, TCP resets -> all know (s)", reset, seeds, death);
  print("kill, TCP resets and ICMP (s)", icmp, seeds, death);
  print("silent death -> all know (s)", silent, seeds, death);
  print("restart, same name and address (s)", reset, seeds, restart);
  print("leave -> all know (s)", silent, seeds, goodbye);
  print("partition noticed by all (s)", silent, seeds, split);
  print("cut off alone: noticed there (s)", silent, seeds, isolation);
  print("partition of 90 s merged (s)", silent, seeds, merge);
  print("60 s at 25 % loss: false deaths", silent, seeds, false_deaths_at_quarter_loss);
  print("60 s at 25 % loss: accusations", silent, seeds, suspicions_at_quarter_loss);
  print("idle payload received (bytes/s)", silent, 3, idle_payload_bytes_per_second);
  print("idle packets received (1/s)", silent, 3, idle_packets_per_second);
}
