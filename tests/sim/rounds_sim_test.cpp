// Synchronous runs of production nodes on a simulated, faulty network: coordinators die, stall and
// are cut off, rosters change, partitions heal. The invariants of rounds are checked after every
// event (SimCluster::check_rounds).
//
// HOGWILD_SIM_SEEDS=N runs N seeds, HOGWILD_SIM_SEED=S one alone, to replay a failure.
#include <array>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>

#include "tests/seeds.hpp"
#include "tests/sim/sim_cluster.hpp"

namespace hogwild::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::chrono_literals;

void start_all(SimCluster& cluster, std::size_t nodes) {
  cluster.start({});
  for (std::size_t i = 1; i < nodes; ++i) cluster.start({0});
}

std::uint64_t round_of(SimCluster& cluster, std::size_t node) {
  const sgd::Rounds* rounds = cluster.run(node).rounds();
  return rounds == nullptr ? 0 : rounds->committed().key.round;
}

/// The node that a live majority follows, or nothing.
std::optional<std::size_t> coordinator_of(SimCluster& cluster) {
  for (const std::size_t i : cluster.up()) {
    const sgd::Rounds* rounds = cluster.run(i).rounds();
    if (rounds != nullptr && rounds->is_coordinator()) return i;
  }
  return std::nullopt;
}

void run_until_round(SimCluster& cluster, std::uint64_t round, seconds at_most = 5s) {
  BOOST_TEST_REQUIRE(
      cluster.run_until([&] { return round_of(cluster, cluster.up().front()) >= round; }, at_most),
      cluster.describe());
}

std::uint64_t trained_by_all(SimCluster& cluster) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < cluster.size(); ++i) sum += cluster.trained(i);
  return sum;
}

void require_equal_end(SimCluster& cluster, seconds at_most, bool may_have_islands = false) {
  const bool is_done = cluster.run_until([&] { return cluster.all_done(); }, at_most);
  for (const std::string& violation : cluster.violations()) BOOST_ERROR(violation);
  BOOST_TEST_REQUIRE(is_done, "not finished" + cluster.describe());
  std::map<std::pair<sgd::RunId, std::uint64_t>, std::size_t> first_of;
  std::set<sgd::RunId> runs;
  for (const std::size_t node : cluster.up()) {
    const sgd::Run& run = cluster.run(node);
    runs.insert(run.info()->id);
    first_of.try_emplace({run.info()->id, run.final_record()->id()}, node);
    BOOST_TEST(run.replica()->digest() == run.final_record()->digest);
    BOOST_TEST(run.replica()->sums().examples() == run.final_record()->examples);
    BOOST_TEST(run.replica()->sums().examples() > 0U);
  }
  BOOST_TEST((may_have_islands || first_of.size() == 1), cluster.describe());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rounds)

BOOST_AUTO_TEST_CASE(one_node_alone_does_rounds_and_finishes) {
  SimCluster cluster({.seed = 1, .is_sync = true});
  cluster.start({});
  require_equal_end(cluster, 10s);
  BOOST_TEST(cluster.run(0).replica()->sums().examples() == cluster.trained(0));
  BOOST_TEST(round_of(cluster, 0) > 10U);
}

BOOST_AUTO_TEST_CASE(four_nodes_count_each_update_once) {
  SimCluster cluster({.seed = 2,
                      .drop = 0.1,
                      .duplicate = 0.1,
                      .reorder = 0.1,
                      .epochs = 4,
                      .expect = 4,
                      .is_sync = true});
  start_all(cluster, 4);
  require_equal_end(cluster, 20s);
  BOOST_TEST(cluster.run(0).replica()->sums().examples() == trained_by_all(cluster));
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(cluster.trained(i) > 4 * 20'000U / 8);
}

BOOST_AUTO_TEST_CASE(the_coordinator_is_killed_and_then_its_successor) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SimCluster cluster({.seed = seed, .epochs = 40, .expect = 4, .is_sync = true});
    start_all(cluster, 4);
    run_until_round(cluster, 20 + seed);
    for (int death = 0; death < 2; ++death) {
      const auto coordinator = coordinator_of(cluster);
      BOOST_TEST_REQUIRE(coordinator.has_value());
      cluster.run_for(milliseconds(3 * seed));
      cluster.crash(*coordinator);
      const std::uint64_t round = round_of(cluster, cluster.up().front());
      const auto died = cluster.now();
      run_until_round(cluster, round + 3, 20s);
      const auto took = std::chrono::duration_cast<milliseconds>(cluster.now() - died).count();
      BOOST_TEST_MESSAGE("rounds went on after " << took << " ms");
      // The second death leaves two of the three members that there were: still a majority.
      BOOST_TEST(took <= 2500);
      run_until_round(cluster, round + 20, 5s);
    }
    require_equal_end(cluster, 60s);
  }
}

BOOST_AUTO_TEST_CASE(a_silent_coordinator_is_replaced_and_refused_when_it_wakes) {
  SimCluster cluster({.seed = 5, .epochs = 40, .expect = 4, .is_sync = true});
  start_all(cluster, 4);
  run_until_round(cluster, 20);
  const auto old = coordinator_of(cluster);
  BOOST_TEST_REQUIRE(old.has_value());
  const std::uint64_t term = cluster.run(*old).rounds()->ballot().term;
  cluster.stall(*old, 3500ms);
  const std::uint64_t round = round_of(cluster, *old);
  const std::size_t other = *old == 0 ? 1 : 0;
  const auto stalled = cluster.now();
  BOOST_TEST_REQUIRE(cluster.run_until([&] { return round_of(cluster, other) > round + 3; }, 10s));
  BOOST_TEST((cluster.now() - stalled <= 2500ms));
  BOOST_TEST(cluster.run(other).rounds()->ballot().term > term);
  cluster.run_for(4s);
  BOOST_TEST(!cluster.run(*old).rounds()->is_coordinator());
  require_equal_end(cluster, 60s);
}

BOOST_AUTO_TEST_CASE(two_nodes_go_on_as_one_when_the_other_dies) {
  SimCluster cluster({.seed = 6, .epochs = 20, .expect = 2, .is_sync = true});
  start_all(cluster, 2);
  run_until_round(cluster, 20);
  cluster.crash(0);
  require_equal_end(cluster, 60s);
  BOOST_TEST(cluster.run(1).rounds()->ballot().epoch.number == 2U);
}

BOOST_AUTO_TEST_CASE(a_minority_waits_where_a_majority_is_asked_for) {
  SimCluster cluster(
      {.seed = 7, .epochs = 100, .expect = 3, .is_sync = true, .needs_majority = true});
  start_all(cluster, 3);
  run_until_round(cluster, 20);
  cluster.crash(0);
  cluster.crash(1);
  cluster.run_for(1s);
  const std::uint64_t round = round_of(cluster, 2);
  const std::uint64_t examples = cluster.run(2).replica()->sums().examples();
  cluster.run_for(15s);
  BOOST_TEST(round_of(cluster, 2) == round);
  BOOST_TEST(cluster.run(2).replica()->sums().examples() == examples);
  BOOST_TEST(cluster.violations().empty());
}

BOOST_AUTO_TEST_CASE(a_joiner_with_nothing_enters_at_a_border_and_takes_part) {
  SimCluster cluster({.seed = 8, .drop = 0.05, .epochs = 12, .expect = 2, .is_sync = true});
  start_all(cluster, 2);
  cluster.run_for(1s);
  const std::size_t late = cluster.start({1});
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] {
        return cluster.run(late).rounds() != nullptr && cluster.run(late).rounds()->is_member();
      },
      2s));
  require_equal_end(cluster, 30s);
  BOOST_TEST(cluster.trained(late) > 0U);
  BOOST_TEST(cluster.run(0).replica()->sums().examples() == trained_by_all(cluster));
}

BOOST_AUTO_TEST_CASE(a_leaver_finishes_its_round_and_the_coordinator_may_leave) {
  SimCluster cluster({.seed = 9, .drop = 0.05, .epochs = 12, .expect = 3, .is_sync = true});
  start_all(cluster, 3);
  run_until_round(cluster, 20);
  const auto coordinator = coordinator_of(cluster);
  BOOST_TEST_REQUIRE(coordinator.has_value());
  cluster.leave(*coordinator);
  BOOST_TEST_REQUIRE(cluster.run_until([&] { return !cluster.is_up(*coordinator); }, 5s),
                     cluster.describe());
  require_equal_end(cluster, 60s);
  BOOST_TEST(cluster.run(cluster.up().front()).replica()->sums().examples() ==
             trained_by_all(cluster));
}

// It is another voter then; what it said before it started over drops it no second time.
BOOST_AUTO_TEST_CASE(a_member_that_was_dropped_comes_back_once) {
  for (const bool needs_majority : {false, true}) {
    SimCluster cluster({.seed = 5,
                        .epochs = 100'000,
                        .expect = 4,
                        .is_sync = true,
                        .needs_majority = needs_majority});
    start_all(cluster, 4);
    cluster.run_for(2s);
    const std::size_t victim = coordinator_of(cluster) == 3U ? 2 : 3;
    cluster.stall(victim, 40s);
    cluster.run_for(40s);
    std::set<sgd::OriginId> names;
    for (int i = 0; i < 500; ++i) {
      cluster.run_for(20ms);
      names.insert(cluster.run(victim).replica()->self());
    }
    BOOST_TEST(names.size() <= 3U);
    BOOST_TEST(cluster.run(victim).rounds()->is_member());
    BOOST_TEST(cluster.violations().empty());
  }
}

BOOST_AUTO_TEST_CASE(data_that_comes_after_the_last_who_trained_died_is_used) {
  SimCluster cluster({.seed = 7, .epochs = 30, .expect = 1, .is_sync = true});
  cluster.start({});
  for (int i = 0; i < 2; ++i) cluster.start({0}, /*has_data=*/false);
  cluster.run_for(2s);
  cluster.crash(0);
  cluster.run_for(15s);
  cluster.load_data(1);
  require_equal_end(cluster, 120s);
  BOOST_TEST(cluster.trained(1) > 0U);
}

BOOST_AUTO_TEST_CASE(a_joiner_many_rounds_away_becomes_a_member) {
  SimOptions options{.seed = 3, .epochs = 100'000, .expect = 1, .is_sync = true};
  options.delay = 120ms;
  SimCluster cluster(options);
  cluster.start({});
  cluster.run_for(3s);
  const std::size_t joiner = cluster.start({0});
  BOOST_TEST(cluster.run_until(
      [&] {
        const sgd::Rounds* rounds = cluster.run(joiner).rounds();
        return rounds != nullptr && rounds->is_member();
      },
      30s));
}

// Its next part would never come.
BOOST_AUTO_TEST_CASE(nobody_waits_for_a_leaver_where_rounds_wait_for_all) {
  SimCluster cluster(
      {.seed = 1, .epochs = 100'000, .expect = 4, .is_sync = true, .round_updates = 400});
  start_all(cluster, 4);
  cluster.run_for(4s);
  const std::size_t lead = *coordinator_of(cluster);
  cluster.leave((lead + 1) % 4);
  const std::uint64_t before = round_of(cluster, lead);
  cluster.run_for(1s);
  BOOST_TEST(round_of(cluster, lead) > before + 20);
}

// Who waits for the state of another lineage gives none: but not for ever.
BOOST_AUTO_TEST_CASE(a_lineage_that_died_before_it_gave_its_state_is_forgotten) {
  SimCluster cluster({.seed = 1, .epochs = 3'000, .expect = 5, .is_sync = true});
  start_all(cluster, 5);
  cluster.run_for(1s);
  for (const std::size_t a : {0U, 1U, 2U}) {
    for (const std::size_t b : {3U, 4U}) {
      cluster.cut(a, b);
      cluster.cut(b, a);
    }
  }
  cluster.run_for(15s);
  cluster.heal();
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] {
        return std::ranges::any_of(
            cluster.up(), [&](std::size_t i) { return cluster.run(i).snapshots().sent_total > 0; });
      },
      20s));
  const bool first_gave = std::ranges::any_of(std::array{0U, 1U, 2U}, [&](std::size_t i) {
    return cluster.run(i).snapshots().sent_total > 0;
  });
  for (const std::size_t i : cluster.up()) {
    if ((i < 3) == first_gave) cluster.crash(i);
  }
  cluster.run_for(30s);
  const std::size_t joiner = cluster.start({cluster.up().front()});
  BOOST_TEST(cluster.run_until([&] { return cluster.run(joiner).info() != nullptr; }, 60s),
             cluster.describe());
}

// What is held for a round that is not committed is not let go of.
BOOST_AUTO_TEST_CASE(a_round_larger_than_what_is_kept_is_committed) {
  SimOptions options{.seed = 7,
                     .rows = 200'000,
                     .features = 60'000,
                     .epochs = 2,
                     .updates_per_second = 400'000,
                     .expect = 6,
                     .retained_bytes = 24'000,
                     .is_sync = true};
  SimCluster cluster(options);
  start_all(cluster, 6);
  require_equal_end(cluster, 120s);
}

BOOST_AUTO_TEST_CASE(halves_of_a_partition_go_on_and_become_one_again_with_nothing_lost) {
  SimCluster cluster({.seed = 10, .epochs = 150, .expect = 4, .is_sync = true});
  start_all(cluster, 4);
  run_until_round(cluster, 20);
  for (const std::size_t a : {0U, 1U}) {
    for (const std::size_t b : {2U, 3U}) {
      cluster.cut(a, b);
      cluster.cut(b, a);
    }
  }
  cluster.run_for(12s);
  for (std::size_t i = 0; i < 4; ++i) {
    BOOST_TEST(cluster.run(i).rounds()->ballot().epoch.number == 2U);
  }
  cluster.heal();
  const bool is_one = cluster.run_until(
      [&] {
        for (std::size_t i = 0; i < 4; ++i) {
          const sgd::Rounds& rounds = *cluster.run(i).rounds();
          if (!rounds.is_member() || rounds.committed().roster.size() != 4 ||
              rounds.ballot().epoch != cluster.run(0).rounds()->ballot().epoch) {
            return false;
          }
        }
        return true;
      },
      15s);
  BOOST_TEST_REQUIRE(is_one, cluster.describe());
  require_equal_end(cluster, 60s);
  BOOST_TEST(cluster.run(0).replica()->sums().examples() == trained_by_all(cluster));
}

BOOST_AUTO_TEST_CASE(equal_seeds_and_rounds_in_updates_give_equal_bits) {
  const auto digest_of = [](std::uint64_t network_seed) {
    SimCluster cluster({.seed = network_seed,
                        .drop = 0.1,
                        .epochs = 3,
                        .expect = 3,
                        .is_sync = true,
                        .round_updates = 500,
                        .run_seed = 77});
    start_all(cluster, 3);
    require_equal_end(cluster, 30s);
    return std::pair(cluster.row_counts(), cluster.run(0).replica()->sums().examples());
  };
  // Random learning in the simulator: what repeats is which rows are trained, and how many.
  const auto first = digest_of(1);
  const auto second = digest_of(2);
  BOOST_TEST((first.first == second.first));
  BOOST_TEST(first.second == second.second);
}

BOOST_AUTO_TEST_CASE(every_seed_of_rounds_ends_with_equal_bits) {
  // 5704: a coordinator that had once wanted a snapshot gave none to a member that needed it.
  for (const std::uint64_t seed : seeds_to_run(200, {5704})) {
    BOOST_TEST_CONTEXT("replay: HOGWILD_SIM_SEED=" << seed
                                                   << " sim_test --run_test=rounds/every_seed*") {
      std::mt19937_64 draw(seed);
      const auto below = [&](std::uint64_t n) { return draw() % n; };
      SimOptions options{.seed = seed, .is_sync = true};
      options.drop = static_cast<double>(below(4)) * 0.1;
      options.duplicate = static_cast<double>(below(3)) * 0.05;
      options.reorder = static_cast<double>(below(3)) * 0.1;
      options.epochs = static_cast<double>(4 + below(30));
      options.rows = 5'000;
      options.needs_majority = below(4) == 0;
      if (below(4) == 0) options.round_updates = 200 + below(800);
      const std::size_t nodes = 2 + below(5);
      options.expect = static_cast<std::uint32_t>(1 + below(nodes));
      SimCluster cluster(options);
      cluster.start({});
      for (std::size_t i = 1; i < nodes; ++i) {
        cluster.start({below(i)});
        if (below(2) == 0) cluster.run_for(milliseconds(below(100)));
      }
      for (std::uint64_t faults = below(6); faults > 0; --faults) {
        cluster.run_for(std::chrono::microseconds(below(1'000'000)));
        const auto up = cluster.up();
        const auto coordinator = coordinator_of(cluster);
        // Mostly the coordinator: that is who matters.
        const std::size_t victim =
            coordinator && below(3) != 0 ? *coordinator : up[below(up.size())];
        switch (below(6)) {
          case 0:
            if (up.size() > 2) cluster.crash(victim);
            break;
          case 1:
            cluster.stall(victim, milliseconds(below(4000)));
            break;
          case 2:
            if (up.size() > 2) cluster.leave(victim);
            break;
          case 3:
            cluster.start({victim}, below(4) != 0);
            break;
          case 4:  // one way, or both, from everybody
            for (const std::size_t other : up) {
              cluster.cut(victim, other);
              if (below(2) == 0) cluster.cut(other, victim);
            }
            cluster.run_for(milliseconds(below(4000)));
            cluster.heal();
            break;
          default: {  // a partition
            const std::uint64_t side = draw();
            for (const std::size_t a : up) {
              for (const std::size_t b : up) {
                if (((side >> a ^ side >> b) & 1U) != 0) cluster.cut(a, b);
              }
            }
            cluster.run_for(milliseconds(below(15'000)));
            cluster.heal();
          }
        }
      }
      if (below(4) == 0) cluster.restart_everybody(draw);
      cluster.network().drop = std::min(options.drop, 0.2);
      cluster.run_for(seconds(5));
      while (cluster.up().size() < options.expect) cluster.start({cluster.up().front()});
      cluster.start({cluster.up().front()});
      for (const std::size_t node : cluster.up()) {
        if (cluster.core(node).swim().members().counts().live() > 1) continue;
        for (const std::size_t other : cluster.up()) cluster.join(node, other);
      }
      if (options.needs_majority) {
        // It may wait for ever for who is dead, and that is right.
        cluster.run_for(30s);
        for (const std::string& violation : cluster.violations()) BOOST_ERROR(violation);
        continue;
      }
      require_equal_end(cluster, 240s, /*may_have_islands=*/true);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sim
