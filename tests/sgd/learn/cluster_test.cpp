// Convergence of many nodes, without processors or a network to blame.
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "sgd/data/source.hpp"
#include "tests/sgd/learn/lockstep_cluster.hpp"

namespace hogwild::sgd {
namespace {

const TrainingSet& documents() {
  static const TrainingSet set =
      *load_training(*parse_data_source("synth:rcv1?n=20000"), /*threads=*/2);
  return set;
}

/// The objective after `epochs`, and all nodes have the same sums.
double objective_after(double epochs, LockstepOptions options) {
  LockstepCluster cluster(documents(), options);
  while (static_cast<double>(cluster.updates()) < epochs * 20'000) cluster.tick();
  cluster.settle();
  for (std::size_t node = 1; node < options.rows_a_tick.size(); ++node) {
    BOOST_TEST_REQUIRE(cluster.sums(node).digest() == cluster.sums(0).digest());
  }
  return cluster.objective_of(0);
}

std::vector<std::uint32_t> nodes(std::size_t count, std::uint32_t rows_a_tick) {
  return std::vector<std::uint32_t>(count, rows_a_tick);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cluster)

// Sixteen nodes that each train 250 rows before they hear of each other: with the look-ahead they
// come as far as one node does; without it each believes itself alone and the steps add up.
BOOST_AUTO_TEST_CASE(the_lookahead_is_what_makes_long_windows_of_many_nodes_converge) {
  const double alone = objective_after(2, {.rows_a_tick = nodes(1, 250)});
  const double together = objective_after(2, {.rows_a_tick = nodes(16, 250)});
  const double without = objective_after(2, {.rows_a_tick = nodes(16, 250), .lookahead = 1});
  BOOST_TEST_MESSAGE("alone " << alone << " together " << together << " without " << without);
  BOOST_TEST(together < 1.05 * alone);
  BOOST_TEST(without - alone > 10 * (together - alone));
}

BOOST_AUTO_TEST_CASE(lost_deltas_that_come_later_cost_little) {
  const double lossless = objective_after(2, {.rows_a_tick = nodes(8, 100)});
  const double lossy = objective_after(2, {.rows_a_tick = nodes(8, 100), .loss = 0.3});
  BOOST_TEST_MESSAGE("lossless " << lossless << " lossy " << lossy);
  BOOST_TEST(lossy < 1.005 * lossless);
}

BOOST_AUTO_TEST_CASE(slow_nodes_do_not_hold_up_the_others) {
  std::vector<std::uint32_t> mixed = nodes(8, 100);
  mixed[0] = mixed[1] = 25;
  const double even = objective_after(2, {.rows_a_tick = nodes(8, 100)});
  const double uneven = objective_after(2, {.rows_a_tick = mixed});
  BOOST_TEST_MESSAGE("even " << even << " uneven " << uneven);
  BOOST_TEST(uneven < 1.005 * even);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
