// The small parts: timers, queues, orders.
#include <bit>
#include <boost/test/unit_test.hpp>
#include <set>

#include "membership/burials.hpp"
#include "membership/config.hpp"
#include "membership/counters.hpp"
#include "membership/local_health.hpp"
#include "membership/probe_order.hpp"
#include "membership/relays.hpp"
#include "membership/round_trip.hpp"
#include "membership/rumor_queue.hpp"
#include "membership/suspicion.hpp"
#include "membership/wire.hpp"
#include "tests/membership/test_members.hpp"

namespace hogwild::membership {

using namespace std::chrono_literals;

namespace {

std::vector<std::uint64_t> subjects(std::span<const std::byte> gossip) {
  std::vector<std::uint64_t> subjects;
  const auto packet = decode_packet(gossip);
  for (const Claim& claim : packet->claims) subjects.push_back(claim.subject);
  return subjects;
}

std::vector<std::byte> gossip_header() { return encode(Packet{.type = PacketType::kGossip}); }

}  // namespace

BOOST_AUTO_TEST_SUITE(round_trip)

BOOST_AUTO_TEST_CASE(unmeasured_member_gets_the_longest_timeout) {
  BOOST_CHECK(RoundTrip().timeout(30ms, 300ms) == 300ms);
  BOOST_TEST(!RoundTrip().smoothed().has_value());
}

BOOST_AUTO_TEST_CASE(timeout_is_smoothed_plus_four_deviations_within_bounds) {
  RoundTrip rtt;
  rtt.add(40ms);  // deviation 20 ms
  BOOST_CHECK(rtt.timeout(30ms, 300ms) == 120ms);
  BOOST_CHECK(rtt.timeout(200ms, 300ms) == 200ms);
  BOOST_CHECK(rtt.timeout(30ms, 100ms) == 100ms);
  rtt.add(48ms);  // deviation 20 - 20/4 + 8/4 = 17, smoothed 41
  BOOST_CHECK(rtt.timeout(30ms, 300ms) == 109ms);
  BOOST_CHECK(*rtt.smoothed() == 41ms);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(suspicion)

// Lifeguard: max - (max - min) * log(C + 1) / log(K + 1), C confirmations beyond the first accuser.
// Lifeguard: the more members agree on a suspicion, the sooner it ends.
BOOST_AUTO_TEST_CASE(deadline_falls_with_the_logarithm_of_confirmations) {
  Suspicion suspicion(kTestStart, {.at_least = 2s, .at_most = 8s, .confirmations = 3});
  BOOST_CHECK(suspicion.deadline() == kTestStart + 8s);
  suspicion.set_accusers(2);
  BOOST_CHECK(suspicion.deadline() == kTestStart + 5s);  // log 2 / log 4 = 1/2
  suspicion.set_accusers(4);
  BOOST_CHECK(suspicion.deadline() == kTestStart + 2s);
  suspicion.set_accusers(1);
  BOOST_CHECK(suspicion.deadline() == kTestStart + 2s);
}

BOOST_AUTO_TEST_CASE(with_nobody_left_to_confirm_the_minimum_holds) {
  Suspicion suspicion(kTestStart, {.at_least = 2s, .at_most = 8s, .confirmations = 3});
  suspicion.limit_confirmations(0);
  BOOST_CHECK(suspicion.deadline() == kTestStart + 2s);
}

BOOST_AUTO_TEST_CASE(postponing_wins_over_hastening) {
  Suspicion suspicion(kTestStart, {.at_least = 2s, .at_most = 8s, .confirmations = 3});
  suspicion.hasten(kTestStart + 300ms);
  suspicion.hasten(kTestStart + 400ms);
  BOOST_CHECK(suspicion.deadline() == kTestStart + 300ms);
  suspicion.postpone(kTestStart + 1s);
  BOOST_CHECK(suspicion.deadline() == kTestStart + 1s);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(local_health)

BOOST_AUTO_TEST_CASE(score_stays_within_its_bounds_and_scales_times) {
  LocalHealth health;
  health.improve();
  BOOST_TEST(health.score() == 0U);
  BOOST_CHECK(health.scaled(10ms) == 10ms);
  health.worsen(2);
  BOOST_CHECK(health.scaled(10ms) == 30ms);
  BOOST_CHECK(health.stretched(10ms) == 15ms);
  health.worsen(~0U);
  BOOST_TEST(health.score() == LocalHealth::kMaxScore);
  health.improve();
  BOOST_TEST(health.score() == LocalHealth::kMaxScore - 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(rumor_queue)

BOOST_AUTO_TEST_CASE(newer_rumor_about_a_subject_replaces_the_older) {
  RumorQueue queue;
  queue.put(alive_claim(3, 0));
  queue.put(dead_claim(3, 0));
  BOOST_TEST(queue.size() == 1U);
  auto packet = gossip_header();
  BOOST_TEST(queue.fill(packet, 1340, 10) == 1U);
  BOOST_CHECK(decode_packet(packet)->claims[0] == dead_claim(3, 0));
}

BOOST_AUTO_TEST_CASE(least_sent_rumors_go_first_and_newest_first_among_them) {
  RumorQueue queue;
  queue.put(left_claim(1));
  auto first = gossip_header();
  queue.fill(first, 1340, 10);
  queue.put(left_claim(2));
  queue.put(left_claim(3));
  auto packet = gossip_header();
  queue.fill(packet, 1340, 10);
  const std::vector<std::uint64_t> expected = {3, 2, 1};
  BOOST_TEST(subjects(packet) == expected, boost::test_tools::per_element());
}

// "... propagated via piggybacking on ping messages and acknowledgments" (SWIM, abstract).
BOOST_AUTO_TEST_CASE(packet_is_filled_to_its_bound_and_no_further) {
  RumorQueue queue;
  for (std::uint64_t i = 1; i <= 10; ++i) queue.put(left_claim(i));  // 13 bytes each
  auto packet = gossip_header();
  BOOST_TEST(queue.fill(packet, 1 + 4 * 13 + 12, 10) == 4U);
  BOOST_TEST(packet.size() == 1U + 4 * 13);
  auto next = gossip_header();
  queue.fill(next, 1 + 6 * 13, 10);
  for (const std::uint64_t subject : subjects(next)) {
    for (const std::uint64_t before : subjects(packet)) BOOST_TEST(subject != before);
  }
}

BOOST_AUTO_TEST_CASE(rumor_leaves_after_its_last_sending) {
  RumorQueue queue;
  queue.put(left_claim(1));
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(!queue.empty());
    auto packet = gossip_header();
    queue.fill(packet, 1340, 3);
  }
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(excepted_subject_is_left_for_later) {
  RumorQueue queue;
  queue.put(left_claim(1));
  auto packet = gossip_header();
  BOOST_TEST(queue.fill(packet, 1340, 1, 1) == 0U);
  BOOST_TEST(queue.fill(packet, 1340, 1, 2) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(burials)

BOOST_AUTO_TEST_CASE(oldest_makes_room_and_pruned_ones_are_gone) {
  Burials burials;
  for (std::uint64_t i = 1; i <= Burials::kMaxBurials + 5; ++i) {
    burials.add({.short_id = i, .gossip = {}, .since = kTestStart + std::chrono::seconds(i)});
  }
  BOOST_TEST(burials.size() == Burials::kMaxBurials);
  BOOST_TEST(burials.find(5) == nullptr);
  BOOST_TEST(burials.find(6) != nullptr);
  burials.remove(6);
  burials.remove(6);
  burials.prune(kTestStart + 10s);
  BOOST_TEST(burials.find(9) == nullptr);
  BOOST_TEST(burials.find(10) != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(probe_order)

namespace {

MemberTable table_of(std::uint64_t members) {
  MemberTable table(test_profile(100), kTestStart);
  for (std::uint64_t i = 1; i <= members; ++i) {
    Member member;
    member.profile = test_profile(i);
    member.probe_turn = kTestStart;
    table.add(std::move(member));
  }
  return table;
}

}  // namespace

// SWIM, 4.3: the time until a member is probed is bounded.
BOOST_AUTO_TEST_CASE(everybody_is_probed_once_a_turn_in_an_order_that_differs_from_node_to_node) {
  std::set<std::vector<std::uint64_t>> orders;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    MemberTable table = table_of(8);
    RandomEngine random(seed);
    std::vector<std::uint64_t> order;
    for (int i = 1; i <= 8; ++i) {
      order.push_back(next_to_probe(table, random));
      table.find(order.back())->probe_turn = kTestStart + i * 1s;
    }
    BOOST_TEST(std::set(order.begin(), order.end()).size() == 8U);
    orders.insert(order);
  }
  BOOST_TEST(orders.size() > 15U);
}

BOOST_AUTO_TEST_CASE(who_was_heard_waits_and_who_is_over_is_not_asked) {
  MemberTable table = table_of(4);
  RandomEngine random(1);
  table.find(1)->last_heard = kTestStart + 1s;
  table.find(2)->last_heard = kTestStart + 2s;
  table.set(*table.find(3), MemberState::kDead, 0, kTestStart);
  BOOST_TEST(next_to_probe(table, random) == 4U);
  table.find(4)->probe_turn = kTestStart + 3s;
  BOOST_TEST(next_to_probe(table, random) == 1U);
}

BOOST_AUTO_TEST_CASE(node_alone_probes_nobody) {
  RandomEngine random(1);
  BOOST_TEST(next_to_probe(table_of(0), random) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(relays)

BOOST_AUTO_TEST_CASE(silent_target_gets_a_second_ping_and_the_asker_a_nack) {
  Relays relays;
  const Relay relay{.sequence = 5,
                    .target = 7,
                    .asker_sequence = 6,
                    .timeout = 100ms,
                    .deadline = kTestStart + 100ms};
  BOOST_TEST(relays.add(relay));
  BOOST_TEST(!relays.advance(kTestStart + 99ms).has_value());
  BOOST_CHECK(relays.advance(kTestStart + 100ms)->type == Relays::StepType::kResend);
  BOOST_CHECK(relays.next_deadline() == kTestStart + 200ms);
  const auto step = relays.advance(kTestStart + 200ms);
  BOOST_CHECK(step->type == Relays::StepType::kNack);
  BOOST_TEST(step->relay.asker_sequence == 6U);
  BOOST_CHECK(relays.next_deadline() == kNever);
}

BOOST_AUTO_TEST_CASE(only_the_target_answers) {
  Relays relays;
  relays.add({.sequence = 5, .target = 7, .deadline = kTestStart});
  BOOST_TEST(!relays.on_ack(5, 8).has_value());
  BOOST_TEST(!relays.on_ack(4, 7).has_value());
  BOOST_TEST(relays.on_ack(5, 7).has_value());
  BOOST_TEST(!relays.on_ack(5, 7).has_value());
}

BOOST_AUTO_TEST_CASE(requests_beyond_the_bound_are_refused) {
  Relays relays;
  for (std::uint32_t i = 0; i < Relays::kMaxRelays; ++i) BOOST_TEST(relays.add({.sequence = i}));
  BOOST_TEST(!relays.add({.sequence = 1000}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(config)

BOOST_AUTO_TEST_CASE(defaults_are_valid_and_all_violations_are_told_at_once) {
  BOOST_TEST(validate(SwimConfig{}).empty());
  SwimConfig config;
  config.probe_interval = 0ms;
  config.gossip_fanout = 0;
  config.max_payload_bytes = 100;
  BOOST_TEST(validate(config).size() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(counters)

BOOST_AUTO_TEST_CASE(round_trips_fall_into_the_bucket_whose_bound_is_not_below) {
  RttHistogram histogram;
  histogram.add(250us);
  histogram.add(251us);
  histogram.add(2s);
  BOOST_TEST(histogram.buckets[0] == 1U);
  BOOST_TEST(histogram.buckets[1] == 1U);
  BOOST_TEST(histogram.buckets.back() == 1U);
  BOOST_TEST(histogram.count == 3U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::membership
