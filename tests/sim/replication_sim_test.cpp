// Production nodes on a simulated, faulty, seeded network: whatever happens to datagrams and nodes,
// those that live end with the same bits.
//
// HOGWILD_SIM_SEEDS=N runs N seeds, HOGWILD_SIM_SEED=S one alone, to replay a failure.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/seeds.hpp"
#include "tests/sim/sim_checks.hpp"
#include "tests/sim/sim_cluster.hpp"

namespace hogwild::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::chrono_literals;

}  // namespace

BOOST_AUTO_TEST_SUITE(replication)

BOOST_AUTO_TEST_CASE(one_node_alone_trains_and_finishes) {
  SimCluster cluster({.seed = 1});
  cluster.start({});
  require_done(cluster, 10s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.run(0).replica()->sums().examples() == cluster.trained(0));
}

BOOST_AUTO_TEST_CASE(four_founders_share_one_run_and_each_row_once_an_epoch) {
  SimCluster cluster({.seed = 2, .epochs = 1, .expect = 4});
  cluster.start({});
  for (int i = 1; i < 4; ++i) cluster.start({0});
  require_done(cluster, 20s);
  check_all_equal(cluster);
  std::uint64_t sum = 0;
  for (int i = 0; i < 4; ++i) {
    BOOST_TEST(cluster.trained(static_cast<std::size_t>(i)) > 20'000U / 8);
    sum += cluster.trained(static_cast<std::size_t>(i));
    // Who founds a run needs no snapshot of it.
    BOOST_TEST(cluster.run(static_cast<std::size_t>(i)).snapshots().received_total == 0U);
  }
  BOOST_TEST(cluster.run(0).replica()->sums().examples() == sum);
  // Without replacement: faster walkers begin the second epoch before the slower end the first, so
  // a few rows may be missing or seen twice; independent draws would leave a third out.
  std::uint64_t once = 0;
  for (const std::uint32_t count : cluster.row_counts()) once += count == 1 ? 1 : 0;
  BOOST_TEST(once > 20'000U * 7 / 10);
}

// Nothing goes wrong, so the cluster samples without replacement, and every node can say so.
BOOST_AUTO_TEST_CASE(without_faults_no_block_is_trained_twice_or_missed) {
  for (const bool is_sync : {false, true}) {
    SimCluster cluster({.seed = 30, .epochs = 6, .expect = 5, .is_sync = is_sync});
    cluster.start({});
    for (int i = 1; i < 5; ++i) cluster.start({0});
    require_done(cluster, 30s);
    check_all_equal(cluster);
    for (const std::size_t node : cluster.up()) {
      const sgd::BlockTally& tally = cluster.run(node).replica()->tally();
      BOOST_TEST(tally.closed_epochs() >= 4U);
      BOOST_TEST(tally.missed() == 0U);
      BOOST_TEST(tally.repeated() == 0U);
    }
  }
}

// A quarter of the nodes has a quarter of the others' speed. They hand over what they would not
// come to in time; so the cluster has all of its speed, and epochs end everywhere.
BOOST_AUTO_TEST_CASE(slow_nodes_leave_blocks_to_fast_ones_and_none_is_missed) {
  SimCluster cluster({.seed = 32,
                      .drop = 0.05,
                      .rows = 100'000,
                      .epochs = 5,
                      .updates_per_second = 10'000,
                      .slow_nodes = 2,
                      .expect = 8});
  cluster.start({});
  for (int i = 1; i < 8; ++i) cluster.start({0});
  require_done(cluster, 60s);
  check_all_equal(cluster);
  const double at_best = 500'000 / (10'000 * 6.5);
  BOOST_TEST(cluster.run(0).final_record()->result.elapsed_s < at_best / 0.95);
  const sgd::BlockTally& tally = cluster.run(0).replica()->tally();
  BOOST_TEST(tally.closed_epochs() >= 4U);
  BOOST_TEST(tally.missed() == 0U);
  BOOST_TEST(tally.repeated() == 0U);
  // Each row was trained about as often as any other; with fixed shares some are seldom, some
  // often.
  std::uint64_t uneven = 0;
  for (const std::uint32_t count : cluster.row_counts()) uneven += count < 4 || count > 6 ? 1 : 0;
  BOOST_TEST(uneven < 100'000U / 50);
}

// A member that dies takes a few blocks along, perhaps, and others do again what it had done and
// not told; more is not lost, and every survivor and joiner counts the same.
BOOST_AUTO_TEST_CASE(blocks_that_a_dead_member_left_undone_or_untold_are_counted) {
  SimCluster cluster({.seed = 31, .drop = 0.1, .rows = 100'000, .epochs = 8, .expect = 4});
  cluster.start({});
  for (int i = 1; i < 4; ++i) cluster.start({0});
  BOOST_TEST_REQUIRE(cluster.run_until([&] { return cluster.trained(2) > 50'000U; }, 10s));
  cluster.crash(2);
  cluster.run_for(400ms);
  cluster.start({0});
  require_done(cluster, 60s);
  check_all_equal(cluster);
  for (const std::size_t node : cluster.up()) {
    const sgd::BlockTally& tally = cluster.run(node).replica()->tally();
    BOOST_TEST(tally.closed_epochs() >= 6U);
    const sgd::BlockTally& first = cluster.run(0).replica()->tally();
    BOOST_TEST(tally.missed() == first.missed());
    BOOST_TEST(tally.repeated() == first.repeated());
    // A tenth of a second's work of a member lies between two of its statuses.
    BOOST_TEST(tally.missed() + tally.repeated() <= 200U);
  }
}

BOOST_AUTO_TEST_CASE(sealed_nodes_end_alike_on_a_bad_network) {
  SimCluster cluster({.seed = 21,
                      .drop = 0.1,
                      .duplicate = 0.1,
                      .reorder = 0.1,
                      .epochs = 2,
                      .expect = 4,
                      .is_sealed = true});
  cluster.start({});
  for (int i = 1; i < 4; ++i) cluster.start({0});
  require_done(cluster, 30s);
  check_all_equal(cluster);
  for (const std::size_t node : cluster.up()) {
    const auto& refused = cluster.core(node).traffic().refused_total;
    for (std::size_t reason = 0; reason < refused.size(); ++reason) {
      const bool is_replayed = reason == static_cast<std::size_t>(daemon::Refusal::kReplayed);
      BOOST_TEST((refused[reason] > 0) == is_replayed, to_string(daemon::Refusal(reason)));
    }
  }
}

// What members release to their workers near the end adds up to what is left, not to N times it.
BOOST_AUTO_TEST_CASE(a_run_ends_close_to_the_updates_it_was_given) {
  SimCluster cluster({.seed = 12, .epochs = 2, .updates_per_second = 400'000, .expect = 8});
  cluster.start({});
  for (int i = 1; i < 8; ++i) cluster.start({0});
  require_done(cluster, 20s);
  check_all_equal(cluster);
  const std::uint64_t examples = cluster.run(0).replica()->sums().examples();
  BOOST_TEST(examples >= 40'000U);
  BOOST_TEST(examples <= 44'000U);
}

BOOST_AUTO_TEST_CASE(what_a_broken_member_sends_is_refused_alike_and_charged_to_it) {
  SimCluster cluster({.seed = 14, .epochs = 4, .expect = 3});
  cluster.start({});
  for (int i = 1; i < 3; ++i) cluster.start({0});
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] { return cluster.run(0).is_training() && cluster.run(2).is_training(); }, 10s));
  cluster.run_for(50ms);
  const auto delta = [&](std::uint64_t seq, const auto& write) {
    Bytes bytes;
    sgd::ByteWriter writer(bytes);
    writer.u8(static_cast<std::uint8_t>(sgd::MessageType::kDelta));
    writer.u64(cluster.run(0).info()->id);
    writer.u64(1234);
    writer.varint(seq);
    write(writer);
    return bytes;
  };
  const std::vector<std::pair<sgd::Rejection, Bytes>> broken = {
      {sgd::Rejection::kTruncated, delta(1, [](sgd::ByteWriter& w) { w.u8(0x85); })},
      {sgd::Rejection::kBadHeader, delta(0,
                                         [](sgd::ByteWriter& w) {
                                           w.varint(2);
                                           w.zigzag(5);
                                         })},
      {sgd::Rejection::kCellOutOfRange, delta(1,
                                              [](sgd::ByteWriter& w) {
                                                w.varint(std::uint64_t{1} << 40U);
                                                w.zigzag(5);
                                              })},
      {sgd::Rejection::kValueOutOfRange, delta(1,
                                               [](sgd::ByteWriter& w) {
                                                 w.varint(2);
                                                 w.zigzag(std::int64_t{1} << 60U);
                                               })},
      {sgd::Rejection::kEmpty, delta(1, [](sgd::ByteWriter&) {})},
      {sgd::Rejection::kMessage, Bytes{std::byte{200}, std::byte{1}}},
      {sgd::Rejection::kMessage,
       Bytes{static_cast<std::byte>(sgd::MessageType::kStatus), std::byte{1}}},
  };
  sgd::RejectionCounts expected{};
  for (const auto& [reason, bytes] : broken) {
    for (const std::size_t to : {0, 2}) cluster.tell(to, 1, bytes);
    ++expected[static_cast<std::size_t>(reason)];
  }
  const sgd::PeerId sender = cluster.core(1).swim().members().self().short_id();
  for (const std::size_t i : {0, 2}) {
    BOOST_TEST(cluster.run(i).rejections() == expected, boost::test_tools::per_element());
    BOOST_TEST(cluster.run(i).rejections_of(sender) == expected, boost::test_tools::per_element());
  }
  require_done(cluster, 20s);
  check_all_equal(cluster);
}

// From the order to stop until it is done, the member that brings the run to its end dies.
BOOST_AUTO_TEST_CASE(who_ends_the_run_may_die_at_each_step) {
  for (const sgd::Phase phase : {sgd::Phase::kStopped, sgd::Phase::kConfirmed, sgd::Phase::kDone}) {
    for (int later = 0; later < 60; later += 10) {
      BOOST_TEST_CONTEXT("phase " << static_cast<int>(phase) << ", " << later << " ms later") {
        SimCluster cluster({.seed = 16, .drop = 0.1, .epochs = 2, .expect = 5});
        cluster.start({});
        for (int i = 1; i < 5; ++i) cluster.start({0});
        std::size_t finisher = 0;
        BOOST_TEST_REQUIRE(cluster.run_until(
            [&] {
              for (const std::size_t i : cluster.up()) {
                const sgd::Run& run = cluster.run(i);
                const sgd::PeerId self = cluster.core(i).swim().members().self().short_id();
                if (run.info() == nullptr || run.nominee() != self || run.phase() < phase) continue;
                finisher = i;
                return true;
              }
              return false;
            },
            20s));
        cluster.run_for(milliseconds(later));
        cluster.crash(finisher);
        require_done(cluster, 60s);
        check_all_equal(cluster);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(datagrams_that_are_replayed_late_count_once) {
  SimCluster cluster({.seed = 17, .epochs = 4, .expect = 3});
  cluster.start({});
  for (int i = 1; i < 3; ++i) cluster.start({0});
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] { return cluster.run(0).is_training() && cluster.run(1).is_training(); }, 10s));
  cluster.run_for(30ms);
  // Everything that node 0 keeps of anybody, to be said again by another.
  std::vector<Bytes> kept;
  for (const sgd::OriginCoverage& of : cluster.run(0).replica()->coverage()) {
    for (std::uint64_t seq = 1; seq <= of.contiguous; ++seq) {
      const auto datagram = cluster.run(0).replica()->retained(of.origin, seq);
      if (!datagram.empty()) kept.emplace_back(datagram.begin(), datagram.end());
    }
  }
  BOOST_TEST_REQUIRE(!kept.empty());
  for (int again = 0; again < 5; ++again) {
    for (const Bytes& datagram : kept) {
      for (const std::size_t to : {0, 1, 2}) cluster.tell(to, (to + 1) % 3, datagram);
    }
    cluster.run_for(40ms);
  }
  require_done(cluster, 20s);
  check_all_equal(cluster);
  std::uint64_t trained = 0;
  for (std::size_t i = 0; i < 3; ++i) trained += cluster.trained(i);
  BOOST_TEST(cluster.run(0).replica()->sums().examples() == trained);
  BOOST_TEST(cluster.run(0).replica()->counters().duplicate_total >= kept.size());
}

BOOST_AUTO_TEST_CASE(a_hundred_nodes_on_a_bad_network_end_alike) {
  SimCluster cluster({.seed = 15,
                      .drop = 0.1,
                      .duplicate = 0.05,
                      .reorder = 0.1,
                      .epochs = 3,
                      .updates_per_second = 2'000,
                      .expect = 100});
  cluster.start({});
  for (int i = 1; i < 100; ++i) cluster.start({0});
  BOOST_TEST_REQUIRE(cluster.run_until([&] { return cluster.run(99).is_training(); }, 20s));
  for (std::size_t i = 0; i < 10; ++i) cluster.crash(10 * i + 3);
  require_done(cluster, 60s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.run(0).replica()->sums().examples() <= 66'000U);
}

// Rows that one node is through with before it hears of the others: who begins counts the founders
// that are not there yet.
BOOST_AUTO_TEST_CASE(a_short_run_ends_close_to_the_updates_it_was_given) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SimCluster cluster({.seed = seed, .epochs = 3, .updates_per_second = 10'000'000, .expect = 8});
    cluster.start({});
    for (int i = 1; i < 8; ++i) cluster.start({0});
    require_done(cluster, 20s);
    check_all_equal(cluster);
    const std::uint64_t examples = cluster.run(0).replica()->sums().examples();
    BOOST_TEST(examples >= 60'000U);
    BOOST_TEST(examples <= 66'000U);
  }
}

// As on a machine with fewer cores than nodes: one runs at a time, and hears nothing meanwhile.
BOOST_AUTO_TEST_CASE(nodes_that_run_in_turns_end_close_to_the_updates_they_were_given) {
  SimCluster cluster({.seed = 13, .epochs = 4, .updates_per_second = 400'000, .expect = 8});
  cluster.start({});
  for (int i = 1; i < 8; ++i) cluster.start({0});
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] {
        const auto up = cluster.up();
        return std::all_of(up.begin(), up.end(),
                           [&](std::size_t i) { return cluster.run(i).is_training(); });
      },
      10s));
  for (std::size_t turn = 0; turn < 200; ++turn) {
    for (std::size_t i = 0; i < 8; ++i) {
      if (i != turn % 8) cluster.stall(i, 20ms);
    }
    cluster.run_for(20ms);
  }
  require_done(cluster, 20s);
  check_all_equal(cluster);
  const std::uint64_t examples = cluster.run(0).replica()->sums().examples();
  BOOST_TEST(examples >= 80'000U);
  BOOST_TEST(examples <= 88'000U);
}

BOOST_AUTO_TEST_CASE(loss_duplication_and_reordering_change_nothing) {
  SimCluster cluster({.seed = 3, .drop = 0.3, .duplicate = 0.05, .reorder = 0.1, .expect = 4});
  cluster.start({});
  for (int i = 1; i < 4; ++i) cluster.start({0});
  require_done(cluster, 40s);
  check_all_equal(cluster);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 4; ++i) sum += cluster.trained(i);
  BOOST_TEST(cluster.run(0).replica()->sums().examples() == sum);
  BOOST_TEST(cluster.run(0).replica()->counters().repaired_total > 0U);
  BOOST_TEST(cluster.run(0).replica()->counters().duplicate_total > 0U);
}

// A repair may be lost too, so p/(1 - p) of the datagrams have to be sent again.
BOOST_AUTO_TEST_CASE(hardly_more_is_sent_again_than_is_lost) {
  for (const double drop : {0.1, 0.3}) {
    for (const milliseconds delay : {1ms, 5ms}) {
      SimCluster cluster({.seed = 5,
                          .drop = drop,
                          .delay = delay,
                          .rows = 100'000,
                          .updates_per_second = 10'000,
                          .expect = 8});
      cluster.start({});
      for (int i = 1; i < 8; ++i) cluster.start({0});
      require_done(cluster, 60s);
      std::uint64_t published = 0;
      std::uint64_t came_again = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        const sgd::Replica& replica = *cluster.run(i).replica();
        published += 7 * replica.last_seq();
        came_again += replica.counters().repaired_total + replica.counters().duplicate_total;
      }
      const double lost = drop * static_cast<double>(published);
      BOOST_TEST(static_cast<double>(came_again) > 0.9 * lost);
      BOOST_TEST(static_cast<double>(came_again) < 1.2 * lost);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_late_joiner_gets_the_state_and_takes_part) {
  SimCluster cluster({.seed = 4, .drop = 0.05, .epochs = 6, .expect = 2});
  cluster.start({});
  cluster.start({0});
  cluster.run_for(500ms);
  const std::size_t late = cluster.start({1});
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] { return cluster.run(late).is_training() && cluster.run(late).divergence() == 0; }, 2s));
  require_done(cluster, 20s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.trained(late) > 0U);
}

BOOST_AUTO_TEST_CASE(a_member_without_data_follows_and_ends_equal) {
  SimCluster cluster({.seed = 5, .expect = 2});
  cluster.start({});
  cluster.start({0}, /*has_data=*/false);
  require_done(cluster, 20s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.trained(1) == 0U);
}

// "A node that joins and names none gets the run's settings, and the data, from its peers."
BOOST_AUTO_TEST_CASE(a_member_without_data_fetches_it_and_takes_part) {
  SimCluster cluster({.seed = 25,
                      .drop = 0.1,
                      .epochs = 60,
                      .expect = 3,
                      .data_bytes = 5'000'000,
                      .donor_bytes_per_second = 1e6});
  cluster.start({});
  cluster.start({0});
  cluster.start({0});
  cluster.run_for(300ms);
  const std::size_t late = cluster.start({1}, /*has_data=*/false);
  cluster.run_for(600ms);
  BOOST_TEST(cluster.core(late).fetch_of(sgd::DataPart::kTrain)->have_bytes() > 0U);
  BOOST_TEST(!cluster.run(late).is_training());
  cluster.crash(1);  // perhaps in the middle of a piece
  BOOST_TEST_REQUIRE(cluster.run_until([&] { return cluster.run(late).is_training(); }, 6s));
  // One donor alone would have needed longer; none gave more than its rate allows.
  for (const std::size_t donor : {0U, 2U}) {
    BOOST_TEST(cluster.core(donor).donor().given_bytes_total() > 0U);
    BOOST_TEST(cluster.core(donor).donor().given_bytes_total() < 5'000'000U);
  }
  require_done(cluster, 60s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.trained(late) > 0U);
}

// Who gave what is no data is asked last: three bad donors of four cost three fetches at most.
BOOST_AUTO_TEST_CASE(who_is_given_other_data_asks_others) {
  SimCluster cluster(
      {.seed = 13, .epochs = 60, .expect = 4, .data_bytes = 3'000'000, .bad_donors = 3});
  cluster.start({});
  for (int i = 1; i < 4; ++i) cluster.start({0});
  cluster.run_for(300ms);
  std::vector<std::size_t> joiners;
  for (int i = 0; i < 8; ++i) joiners.push_back(cluster.start({0}, /*has_data=*/false));
  require_done(cluster, 60s);
  check_all_equal(cluster);
  std::size_t bad = 0;
  for (const std::size_t joiner : joiners) {
    BOOST_TEST(cluster.trained(joiner) > 0U);
    BOOST_TEST(cluster.fetched_badly(joiner) <= 3U);
    bad += cluster.fetched_badly(joiner);
  }
  BOOST_TEST(bad > 0U);
}

BOOST_AUTO_TEST_CASE(a_crash_loses_at_most_what_was_not_published) {
  SimCluster cluster({.seed = 6, .drop = 0.2, .epochs = 20, .expect = 4});
  cluster.start({});
  for (int i = 1; i < 4; ++i) cluster.start({0});
  cluster.run_for(700ms);
  cluster.crash(2);
  require_done(cluster, 60s);
  check_all_equal(cluster);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 4; ++i) sum += cluster.trained(i);
  const std::uint64_t lost = sum - cluster.run(0).replica()->sums().examples();
  // One flush, 5 ms at 40,000 a second, and a datagram that nobody received: a few hundred rows.
  BOOST_TEST(lost <= 600U);
}

BOOST_AUTO_TEST_CASE(the_first_node_may_die_and_the_run_ends_by_another) {
  SimCluster cluster({.seed = 7, .epochs = 8, .expect = 3});
  cluster.start({});
  cluster.start({0});
  cluster.start({0});
  cluster.run_for(600ms);
  const std::size_t points = cluster.run(1).history().size();
  cluster.crash(0);
  require_done(cluster, 60s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.run(1).history().size() > points);
}

BOOST_AUTO_TEST_CASE(a_leaver_takes_nothing_with_it) {
  SimCluster cluster({.seed = 8, .drop = 0.1, .epochs = 8, .expect = 3});
  cluster.start({});
  cluster.start({0});
  cluster.start({0});
  cluster.run_for(600ms);
  cluster.leave(1);
  BOOST_TEST_REQUIRE(cluster.run_until([&] { return !cluster.is_up(1); }, 4s));
  require_done(cluster, 60s);
  check_all_equal(cluster);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 3; ++i) sum += cluster.trained(i);
  BOOST_TEST(cluster.run(0).replica()->sums().examples() == sum);
}

BOOST_AUTO_TEST_CASE(the_best_state_is_the_model_and_not_the_last) {
  SimCluster cluster({.seed = 22, .epochs = 6, .expect = 3, .best_epoch = 3});
  cluster.start({});
  cluster.start({0});
  cluster.start({0});
  require_done(cluster, 20s);
  check_all_equal(cluster);
  const sgd::Run& run = cluster.run(2);
  BOOST_TEST(run.model_image().examples() < run.replica()->sums().examples() * 2 / 3);
  BOOST_TEST(run.final_record()->result.test_loss ==
             run.history()[run.final_record()->model_row()].test_loss);
}

BOOST_AUTO_TEST_CASE(early_stopping_counts_evaluations_without_improvement) {
  SimCluster cluster({.seed = 23, .epochs = 50, .expect = 2, .best_epoch = 2, .early_stopping = 4});
  cluster.start({});
  cluster.start({0});
  require_done(cluster, 60s);
  check_all_equal(cluster);
  const sgd::Run& run = cluster.run(0);
  BOOST_TEST(run.stop_order()->reason == "early_stopping");
  const std::uint64_t row = run.final_record()->model_row();
  BOOST_TEST(run.history().size() - 1 - row >= 4U);
  BOOST_TEST(run.history().size() - 1 - row <= 5U);  // and the state at the end
}

// Whoever evaluates may die at any moment, and the best state does not die with it.
BOOST_AUTO_TEST_CASE(the_best_state_outlives_its_evaluator) {
  for (const milliseconds delay : {0ms, 30ms, 100ms, 400ms}) {
    SimCluster cluster({.seed = 24, .drop = 0.1, .epochs = 12, .expect = 4, .best_epoch = 4});
    cluster.start({});
    for (int i = 1; i < 4; ++i) cluster.start({0});
    const auto is_past_best = [&] {
      const auto& points = cluster.run(0).history();
      return !points.empty() && points.back().updates > 5 * 20'000U;
    };
    BOOST_TEST_REQUIRE(cluster.run_until(is_past_best, 30s));
    cluster.run_for(delay);
    cluster.crash(0);
    require_done(cluster, 60s);
    check_all_equal(cluster);
    const double model_epoch =
        static_cast<double>(cluster.run(1).model_image().examples()) / 20'000;
    BOOST_TEST(model_epoch > 3.0);
    BOOST_TEST(model_epoch < 5.0);
    BOOST_TEST(cluster.run(1).final_record()->kept_row.has_value());
  }
}

BOOST_AUTO_TEST_CASE(who_joins_a_finished_run_gets_its_result) {
  SimCluster cluster({.seed = 9, .expect = 2});
  cluster.start({});
  cluster.start({0});
  require_done(cluster, 20s);
  cluster.start({1});
  cluster.run_for(1s);
  require_done(cluster, 5s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.run(2).links().has_value());
}

BOOST_AUTO_TEST_CASE(a_small_ring_heals_by_snapshot) {
  SimCluster cluster(
      {.seed = 10, .drop = 0.2, .epochs = 10, .expect = 3, .retained_bytes = 20'000});
  cluster.start({});
  cluster.start({0});
  cluster.start({0});
  cluster.run_for(500ms);
  // Cut off for longer than the ring holds, yet too short to be buried.
  cluster.cut(0, 2);
  cluster.cut(1, 2);
  cluster.run_for(400ms);
  cluster.heal();
  require_done(cluster, 60s);
  check_all_equal(cluster);
}

// What one side published meanwhile and nobody keeps is void. Were its numbers left open, nothing
// that comes after them could be released, counted or, 4,096 further, applied.
BOOST_AUTO_TEST_CASE(work_that_outlived_the_ring_is_given_up_and_what_follows_counts) {
  SimCluster cluster({.seed = 17, .epochs = 150, .expect = 3, .retained_bytes = 20'000});
  cluster.start({});
  cluster.start({0});
  cluster.start({0});
  cluster.run_for(500ms);
  for (const std::size_t other : {0, 1}) {
    cluster.cut(other, 2);
    cluster.cut(2, other);
  }
  cluster.run_for(3s);
  cluster.heal();
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] { return cluster.run(0).lost_datagrams() + cluster.run(2).lost_datagrams() > 0; }, 5s));
  cluster.run_for(500ms);
  const std::uint64_t before = cluster.run(0).replica()->counters().applied_total;
  cluster.run_for(5s);
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(cluster.run(i).divergence() < 20U);
    BOOST_TEST(cluster.run(i).replica()->retained_ring().bytes() < 20'000U);
  }
  BOOST_TEST(cluster.run(0).replica()->counters().applied_total > before + 1'000);
  require_done(cluster, 60s);
  check_all_equal(cluster);
}

// Whoever is nominee writes the history; a row of a candidate that the run has not is no row.
BOOST_AUTO_TEST_CASE(a_row_of_no_candidate_of_the_run_is_refused) {
  SimCluster cluster({.seed = 21, .epochs = 4, .expect = 2});
  cluster.start({});
  cluster.start({0});
  BOOST_TEST_REQUIRE(cluster.run_until([&] { return cluster.run(1).is_training(); }, 10s));
  sgd::Status forged;
  forged.run = cluster.run(0).info()->id;
  forged.origin = cluster.run(0).replica()->self();
  forged.number = 1'000'000;
  forged.phase = sgd::Phase::kTraining;
  forged.has_train = forged.has_test = forged.is_loaded = true;
  forged.history_size = cluster.run(1).history().size() + 1;
  forged.first_point = cluster.run(1).history().size();
  forged.points.resize(1);
  forged.points[0].candidate = 999;
  const auto bytes = sgd::encode_status(forged);
  BOOST_TEST_REQUIRE(bytes.size() == 1U);
  const std::size_t rows = cluster.run(1).history().size();
  cluster.tell(1, 0, bytes[0]);
  BOOST_TEST(cluster.run(1).history().size() == rows);
  BOOST_TEST(cluster.run(1).rejections()[static_cast<std::size_t>(sgd::Rejection::kMessage)] == 1U);
}

// Its work would be refused by those that know as many origins as they may.
BOOST_AUTO_TEST_CASE(a_run_of_thousands_of_origins_ends_with_a_joiner_that_follows) {
  constexpr std::size_t kNodes = 20;
  SimCluster cluster({.seed = 3, .epochs = 60, .expect = kNodes});
  cluster.start({});
  for (std::size_t i = 1; i < kNodes; ++i) cluster.start({0});
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] {
        for (std::size_t i = 0; i < kNodes; ++i) {
          if (!cluster.run(i).is_training()) return false;
        }
        return true;
      },
      10s));
  for (std::uint64_t origin = 1; origin <= 3'900; ++origin) {
    Bytes bytes;
    sgd::ByteWriter writer(bytes);
    writer.u8(static_cast<std::uint8_t>(sgd::MessageType::kDelta));
    writer.u64(cluster.run(0).info()->id);
    writer.u64(origin);
    writer.varint(1);
    writer.varint(2);
    writer.zigzag(1);
    // By turns: one member makes known no more than some hundreds.
    for (std::size_t to = 0; to < kNodes; ++to) {
      cluster.tell(to, (to + 1 + origin % (kNodes - 1)) % kNodes, bytes);
    }
  }
  const std::size_t joiner = cluster.start({0});
  require_done(cluster, 60s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.trained(joiner) == 0U);
}

// The record went round, and its maker died before anybody had the state that it names.
BOOST_AUTO_TEST_CASE(a_final_record_whose_state_died_with_its_maker_is_made_anew) {
  SimCluster cluster({.seed = 16, .epochs = 2, .expect = 3});
  cluster.start({});
  for (int i = 1; i < 3; ++i) cluster.start({0});
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] {
        return cluster.run(0).info() != nullptr && cluster.run(0).phase() == sgd::Phase::kStopped &&
               cluster.run(0).replica()->is_frozen();
      },
      20s));
  // A late datagram of a member that is dead.
  Bytes bytes;
  sgd::ByteWriter writer(bytes);
  writer.u8(static_cast<std::uint8_t>(sgd::MessageType::kDelta));
  writer.u64(cluster.run(0).info()->id);
  writer.u64(1234);
  writer.varint(1);
  writer.varint(2);
  writer.zigzag(5);
  for (const std::size_t to : {1, 2}) cluster.tell(to, 0, bytes);
  BOOST_TEST_REQUIRE(cluster.run_until(
      [&] { return cluster.run(1).final_record() && cluster.run(2).final_record(); }, 20s));
  BOOST_TEST((cluster.run(1).phase() == sgd::Phase::kStopped));
  cluster.crash(0);
  require_done(cluster, 60s);
  check_all_equal(cluster);
}

// --shard: each trains on its own rows alone, and what goes with a node is told.
BOOST_AUTO_TEST_CASE(private_parts_make_one_run_and_one_may_be_lost) {
  for (const bool is_sync : {false, true}) {
    SimCluster cluster({.seed = 29,
                        .drop = 0.1,
                        .rows = 10'000,
                        .features = 301,
                        .epochs = 4,
                        .expect = 3,
                        .is_sync = is_sync,
                        .is_sharded = true});
    cluster.start({});
    cluster.start({0});
    cluster.start({0});
    const std::size_t spectator = cluster.start({0}, /*has_data=*/false);
    BOOST_TEST_REQUIRE(cluster.run_until(
        [&] { return cluster.run(0).info() != nullptr && cluster.run(0).rows_missing() == 0U; },
        10s));
    // The union of the parts, whoever made it.
    BOOST_TEST(cluster.run(0).info()->constants.rows == 30'000U);
    BOOST_TEST(cluster.run(0).info()->constants.metric.size() == 301U);
    cluster.run_for(300ms);
    cluster.crash(2);
    BOOST_TEST_REQUIRE(
        cluster.run_until([&] { return cluster.run(1).rows_missing() == 10'000U; }, 10s));
    require_done(cluster, 60s);
    check_all_equal(cluster);
    BOOST_TEST(cluster.parts_gone() >= 10'000U);
    BOOST_TEST(cluster.trained(spectator) == 0U);
    BOOST_TEST(cluster.run(0).replica()->sums().examples() >= 120'000U);
    // Each walked through its own rows, more than once since those of the third were missing.
    for (const std::size_t node : {0U, 1U}) BOOST_TEST(cluster.trained(node) > 40'000U);
    for (const std::uint32_t count : cluster.row_counts()) BOOST_TEST(count >= 4U);
  }
}

// kill -9 of all, whose checkpoints are of different ages: the newest is what all go on from.
BOOST_AUTO_TEST_CASE(everyone_restarts_and_the_newest_checkpoint_counts) {
  for (const bool is_sync : {false, true}) {
    SimCluster cluster(
        {.seed = 26, .drop = 0.1, .epochs = 40, .expect = 3, .best_epoch = 4, .is_sync = is_sync});
    cluster.start({});
    cluster.start({0});
    cluster.start({0});
    cluster.run_for(1500ms);
    std::vector<sgd::Checkpoint> saved;
    for (const std::size_t node : {2U, 0U, 1U}) {
      cluster.run_for(200ms);
      saved.push_back(cluster.checkpoint(node));
    }
    const sgd::Checkpoint newest = saved.back();
    BOOST_TEST_REQUIRE(newest.state.sums.examples() > saved.front().state.sums.examples());
    BOOST_TEST_REQUIRE(newest.state.kept.has_value());
    for (const std::size_t node : {0U, 1U, 2U}) cluster.crash(node);
    cluster.run_for(5s);

    // The one with the oldest checkpoint comes first and waits for the others.
    const std::size_t first = cluster.start({}, true, saved[0]);
    cluster.run_for(3s);
    BOOST_TEST(cluster.run(first).info() == nullptr);
    cluster.start({first}, true, saved[1]);
    const std::size_t last = cluster.start({first}, true, saved[2]);
    // It goes on from exactly that state.
    BOOST_TEST_REQUIRE(cluster.run_until([&] { return cluster.run(last).info() != nullptr; }, 10s));
    BOOST_TEST(cluster.run(last).replica()->digest() == sgd::digest_of(newest.state.sums));
    BOOST_TEST(cluster.run(last).elapsed_s(cluster.now()) >= newest.state.elapsed_s);
    require_done(cluster, 60s);
    check_all_equal(cluster);
    const sgd::Run& run = cluster.run(first);
    BOOST_TEST(run.info()->id != newest.info.id);
    BOOST_TEST(run.info()->line() == newest.info.id);
    BOOST_TEST(run.info()->resumed->updates == newest.state.sums.examples());
    // What was learned before counts, what was measured is remembered, and so is the best.
    std::uint64_t trained = newest.state.sums.examples();
    for (const std::size_t node : cluster.up()) {
      trained += cluster.trained(node);
      BOOST_TEST(cluster.trained(node) > 0U);
    }
    const std::uint64_t examples = run.replica()->sums().examples();
    BOOST_TEST(examples <= trained);
    BOOST_TEST(examples + (is_sync ? 5000U : 0U) >= trained);
    BOOST_TEST_REQUIRE(run.history().size() > newest.state.history.size());
    for (std::size_t i = 0; i < newest.state.history.size(); ++i) {
      BOOST_TEST(run.history()[i].updates == newest.state.history[i].updates);
    }
    BOOST_TEST(run.model_image().examples() == newest.state.kept->image.examples());
  }
}

BOOST_AUTO_TEST_CASE(a_member_that_does_not_come_back_is_not_waited_for_long) {
  SimCluster cluster({.seed = 27, .epochs = 20, .expect = 2});
  cluster.start({});
  cluster.start({0});
  cluster.run_for(800ms);
  const sgd::Checkpoint saved = cluster.checkpoint(1);
  BOOST_TEST(saved.state.members == 2U);
  cluster.crash(0);
  cluster.crash(1);
  cluster.network().expect = 1;
  const std::size_t alone = cluster.start({}, true, saved);
  cluster.run_for(19s);
  BOOST_TEST(cluster.run(alone).info() == nullptr);
  require_done(cluster, 30s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.run(alone).info()->line() == saved.info.id);
}

// Its end is measured by who has rows for that, though another one holds the newest state and
// begins.
BOOST_AUTO_TEST_CASE(a_run_that_is_over_when_it_goes_on_is_measured_all_the_same) {
  for (const bool is_sync : {false, true}) {
    BOOST_TEST_INFO("sync " << is_sync);
    SimCluster cluster({.seed = 30, .epochs = 20, .expect = 2, .is_sync = is_sync});
    cluster.start({});
    cluster.start({0});
    cluster.run_for(800ms);
    sgd::Checkpoint saved = cluster.checkpoint(1);
    cluster.crash(0);
    cluster.crash(1);
    saved.info.settings.epochs = 0.1;  // as --epochs 0.1 does
    const std::size_t begins = cluster.start({}, false, saved);
    const std::size_t measures = cluster.start({begins});
    require_done(cluster, 60s);
    check_all_equal(cluster);
    const sgd::PeerId finisher = cluster.run(begins).final_record()->finisher;
    BOOST_TEST(finisher == cluster.core(measures).swim().members().self().short_id());
    BOOST_TEST(cluster.run(begins).final_record()->examples == saved.state.sums.examples());
  }
}

// Who restarts while the others go on takes their state and not its own.
BOOST_AUTO_TEST_CASE(a_checkpoint_of_a_run_that_goes_on_is_not_used) {
  SimCluster cluster({.seed = 28, .epochs = 30, .expect = 2});
  cluster.start({});
  cluster.start({0});
  cluster.run_for(800ms);
  const sgd::Checkpoint saved = cluster.checkpoint(1);
  cluster.crash(1);
  cluster.run_for(300ms);
  const std::size_t again = cluster.start({0}, true, saved);
  require_done(cluster, 60s);
  check_all_equal(cluster);
  BOOST_TEST(cluster.run(again).info()->id == saved.info.id);
  BOOST_TEST(!cluster.run(again).info()->resumed.has_value());
}

// Faults drawn from the seed: the heart of it.
BOOST_AUTO_TEST_CASE(every_seed_ends_with_equal_bits) {
  for (const std::uint64_t seed : seeds_to_run(200)) {
    BOOST_TEST_CONTEXT(
        "replay: HOGWILD_SIM_SEED=" << seed << " sim_test --run_test=replication/every_seed*") {
      std::mt19937_64 draw(seed);
      const auto below = [&](std::uint64_t n) { return draw() % n; };
      SimOptions options{.seed = seed};
      options.drop = static_cast<double>(below(4)) * 0.1;
      options.duplicate = static_cast<double>(below(3)) * 0.05;
      options.reorder = static_cast<double>(below(3)) * 0.1;
      options.epochs = static_cast<double>(2 + below(8));
      const std::size_t nodes = 2 + below(6);
      options.expect = static_cast<std::uint32_t>(1 + below(nodes));
      if (below(4) == 0) options.retained_bytes = 8'000 << below(4);
      if (below(2) == 0) {
        options.data_bytes = 1 + below(3'000'000);
        options.donor_bytes_per_second = 1e6 * static_cast<double>(below(5));
      }
      if (below(2) == 0) options.best_epoch = static_cast<double>(1 + below(8));
      if (below(4) == 0) options.early_stopping = 2 + below(5);
      SimCluster cluster(options);
      cluster.start({});
      for (std::size_t i = 1; i < nodes; ++i) {
        cluster.start({below(i)});
        if (below(2) == 0) cluster.run_for(milliseconds(below(100)));
      }
      bool may_have_islands = false;  // cut off, or started through somebody who goes
      for (std::uint64_t faults = below(5); faults > 0; --faults) {
        cluster.run_for(milliseconds(below(800)));
        const auto up = cluster.up();
        const std::size_t victim = up[below(up.size())];
        switch (below(4)) {
          case 0:
            if (up.size() > 2) cluster.crash(victim);
            may_have_islands = true;
            break;
          case 1:
            if (up.size() > 2) cluster.leave(victim);
            may_have_islands = true;
            break;
          case 2:
            cluster.start({victim}, below(4) != 0);
            break;
          default: {
            const std::size_t other = up[below(up.size())];
            may_have_islands = true;
            cluster.cut(victim, other);
            cluster.run_for(milliseconds(below(600)));
            cluster.heal();
          }
        }
      }
      if (below(3) == 0) cluster.restart_everybody(draw);
      cluster.network().drop = std::min(options.drop, 0.2);
      cluster.run_for(seconds(5));  // who is leaving, goes
      // Who died before the start cannot be counted on: the run waits until others come.
      while (cluster.up().size() < options.expect) cluster.start({cluster.up().front()});
      // With nobody left who has data a run waits for somebody who brings some.
      cluster.start({cluster.up().front()});
      // Who lost its only seed before it had joined is introduced by hand, as an operator would.
      for (const std::size_t node : cluster.up()) {
        if (cluster.core(node).swim().members().counts().live() > 1) continue;
        for (const std::size_t other : cluster.up()) cluster.join(node, other);
      }
      require_done(cluster, 180s);
      check_all_equal(cluster, may_have_islands);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sim
