// Honest members that are slow: nobody takes one for a member that does not do what it says.
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "tests/sim/sim_checks.hpp"

namespace hogwild::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::chrono_literals;
using sgd::RunEventType;

/// Three that train, and the second one's checkpoint after 800 ms; then all are gone.
sgd::Checkpoint left_by_three(SimCluster& cluster) {
  cluster.start({});
  cluster.start({0});
  cluster.start({0});
  cluster.run_for(800ms);
  sgd::Checkpoint saved = cluster.checkpoint(1);
  for (std::size_t i = 0; i < 3; ++i) cluster.crash(i);
  cluster.network().expect = 1;
  return saved;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(slow)

// Who says --join alone does not know how many the first one waits for.
BOOST_AUTO_TEST_CASE(who_was_not_told_how_many_to_expect_waits_for_who_was) {
  SimCluster cluster(
      {.seed = 5, .epochs = 4, .expect = 3, .given = {{"expect", "3"}, {"epochs", "4"}}});
  cluster.start({});
  cluster.network().expect = 1;
  cluster.network().epochs = 5;  // as by default
  cluster.network().given.clear();
  cluster.start({0});
  cluster.run_for(20s);
  BOOST_TEST(cluster.told(RunEventType::kCreated) == 0U);
  cluster.start({0});
  require_done(cluster, 60s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.told(RunEventType::kCreated) == 1U);
  BOOST_TEST(cluster.run(1).info()->settings.epochs == 4.0);
}

// One host is gone for good; one has the run's checkpoint, one has lost its disk.
BOOST_AUTO_TEST_CASE(a_checkpoint_whose_owner_waits_for_more_members_is_resumed) {
  SimCluster cluster({.seed = 27, .epochs = 20, .expect = 3});
  const sgd::Checkpoint saved = left_by_three(cluster);
  const std::size_t keeps = cluster.start({}, true, saved);
  const std::size_t empty = cluster.start({keeps});
  require_done(cluster, 90s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.run(empty).info()->line() == saved.info.id);
}

BOOST_AUTO_TEST_CASE(the_newest_checkpoint_counts_though_its_owner_comes_later) {
  SimCluster cluster({.seed = 27, .epochs = 60, .expect = 3});
  cluster.start({});
  cluster.start({0});
  cluster.start({0});
  cluster.run_for(800ms);
  const sgd::Checkpoint older = cluster.checkpoint(1);
  cluster.run_for(500ms);
  const sgd::Checkpoint newer = cluster.checkpoint(1);
  for (std::size_t i = 0; i < 3; ++i) cluster.crash(i);
  cluster.network().expect = 1;
  const std::size_t first = cluster.start({}, true, older);
  cluster.run_for(15s);
  cluster.start({first}, true, newer);
  BOOST_TEST_REQUIRE(cluster.run_until([&] { return cluster.run(first).info() != nullptr; }, 90s));
  BOOST_TEST(cluster.run(first).info()->resumed->updates == newer.state.sums.examples());
}

// A state that takes longer than a request may: it is tried again, and no other run created.
BOOST_AUTO_TEST_CASE(a_joiner_whose_state_does_not_come_creates_no_other_run) {
  SimCluster cluster({.seed = 11, .epochs = 400, .updates_per_second = 10'000, .transfer = 70s});
  cluster.start({});
  cluster.run_for(3s);
  cluster.start({0});
  cluster.run_for(250s);
  BOOST_TEST(cluster.told(RunEventType::kCreated) == 1U);
  cluster.network().transfer = 40s;
  BOOST_TEST(cluster.run_until([&] { return cluster.run(1).info() != nullptr; }, 150s));
}

// Only the first has test rows; to measure the end takes it half a minute, twice.
BOOST_AUTO_TEST_CASE(who_measures_the_end_for_long_is_not_passed_over) {
  for (const bool is_sync : {false, true}) {
    SimCluster cluster({.seed = 12,
                        .epochs = 8,
                        .expect = 3,
                        .best_epoch = 4,
                        .is_sync = is_sync,
                        .final_evaluation = 25s,
                        .tested = 1});
    cluster.start({});
    cluster.start({0});
    cluster.start({0});
    BOOST_TEST_REQUIRE(
        cluster.run_until([&] { return cluster.run(0).stop_order().has_value(); }, 60s));
    require_done(cluster, 200s);
    check_all_equal(cluster);
    const sgd::FinalRecord& record = *cluster.run(1).final_record();
    BOOST_TEST(record.result.test_loss > 0.0);
    BOOST_TEST(record.kept_row.has_value());
    BOOST_TEST(record.finisher == cluster.core(0).swim().members().self().short_id());
    BOOST_TEST(cluster.told(RunEventType::kPassedOver) == 0U);
  }
}

// Rows that each take longer than a nominee is waited for.
BOOST_AUTO_TEST_CASE(rows_that_take_long_leave_all_with_one_history) {
  SimCluster cluster({.seed = 4,
                      .drop = 0.1,
                      .epochs = 150,
                      .updates_per_second = 2'000,
                      .expect = 5,
                      .best_epoch = 60,
                      .evaluation = 30s,
                      .final_evaluation = 60s});
  cluster.start({});
  for (int i = 1; i < 5; ++i) cluster.start({0});
  require_done(cluster, 1000s);
  check_all_equal(cluster);
}

BOOST_AUTO_TEST_CASE(who_wakes_up_while_the_end_is_measured_waits_for_it) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SimCluster cluster({.seed = seed, .epochs = 4, .expect = 4, .final_evaluation = 70s});
    cluster.start({});
    for (int i = 1; i < 4; ++i) cluster.start({0});
    const auto is_measured = [&] {
      for (const std::size_t i : cluster.up()) {
        if (cluster.run(i).info() != nullptr && cluster.run(i).replica()->is_frozen()) return true;
      }
      return false;
    };
    BOOST_TEST_REQUIRE(cluster.run_until(is_measured, 60s));
    std::size_t next = 0;
    for (const std::size_t i : cluster.up()) {
      if (cluster.run(i).stand_in_rank() == 1) next = i;
    }
    cluster.network().final_evaluation = 3ms;  // it would be through before news comes
    cluster.stall(next, 60s);
    require_done(cluster, 300s);
    check_all_equal(cluster);
  }
}

// Nothing is added to it any more, and nobody is to blame.
BOOST_AUTO_TEST_CASE(a_history_that_is_full_makes_nobody_pass_anybody_over) {
  SimCluster cluster({.seed = 8, .epochs = 4, .updates_per_second = 2000, .expect = 3});
  sgd::Checkpoint saved = left_by_three(cluster);
  saved.state.history.resize(sgd::kMostHistoryPoints, {.updates = 1});
  saved.info.settings.epochs = 40;
  const std::size_t first = cluster.start({}, true, saved);
  cluster.start({first});
  cluster.start({first});
  BOOST_TEST_REQUIRE(cluster.run_until([&] { return cluster.run(5).is_training(); }, 50s));
  cluster.run_for(60s);
  std::set<sgd::PeerId> nominees;
  for (const std::size_t i : cluster.up()) nominees.insert(cluster.run(i).nominee());
  BOOST_TEST(nominees.size() == 1U);
  BOOST_TEST(cluster.told(RunEventType::kPassedOver) == 0U);
}

// Epochs call for rows, not the clock; the nominee dies in the middle of one.
BOOST_AUTO_TEST_CASE(the_row_that_a_dead_nominee_was_measuring_is_measured) {
  SimCluster cluster({.seed = 9,
                      .epochs = 1.9,
                      .updates_per_second = 1'000,
                      .expect = 3,
                      .loss_interval = 1h,
                      .evaluation = 500ms});
  cluster.start({});
  cluster.start({0});
  cluster.start({0});
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] {
        return cluster.run(0).info() != nullptr &&
               cluster.run(0).replica()->sums().examples() > 20'300;
      },
      60s));
  for (const std::size_t i : cluster.up()) {
    if (cluster.core(i).swim().members().self().short_id() != cluster.run(i).nominee()) continue;
    cluster.crash(i);
    break;
  }
  require_done(cluster, 60s);
  check_all_equal(cluster);
  std::size_t rows = 0;  // of the first whole epoch
  for (const sgd::HistoryPoint& point : cluster.run(cluster.up().front()).history()) {
    rows += point.updates >= 20'000 && point.updates < 36'000 ? 1 : 0;
  }
  BOOST_TEST(rows >= 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sim
