#include "membership/view.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/membership/test_members.hpp"

namespace hogwild::membership {

using namespace std::chrono_literals;
using Outcome = View::Outcome;

namespace {

/// Node 1 with some members, 2 to `members`.
struct Fixture {
  SwimConfig config;
  Outbox out;
  Instant now = kTestStart;
  View view;

  explicit Fixture(std::uint64_t members = 5) : view(config, test_profile(1), kTestStart) {
    for (std::uint64_t i = 2; i <= members; ++i) apply(alive_claim(i));
    out.clear();
    view.rumors().clear();
  }

  Outcome apply(const Claim& claim, bool first_hand = false) {
    return view.apply(claim, {.now = now, .first_hand = first_hand}, out);
  }
  MemberState state(std::uint64_t id) const { return view.table().find(id)->state; }
  void advance(Duration time) {
    now += time;
    view.on_tick(now, out);
  }
  std::size_t events(MemberEventType type) const {
    return static_cast<std::size_t>(std::ranges::count(out.events, type, &MemberEvent::type));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(view)

// SWIM, 4.2: the order of preference between claims.
BOOST_AUTO_TEST_CASE(claims_override_each_other_as_the_paper_says) {
  const std::vector<Claim> claims = {alive_claim(3, 1), suspect_claim(3, 1, 4), dead_claim(3, 1),
                                     alive_claim(3, 2), suspect_claim(3, 2, 4), dead_claim(3, 2),
                                     left_claim(3, 0)};
  for (std::size_t first = 0; first < claims.size(); ++first) {
    for (std::size_t second = 0; second < claims.size(); ++second) {
      Fixture fixture;
      fixture.apply(claims[first]);
      fixture.apply(claims[second]);
      BOOST_CHECK(fixture.state(3) == claims[std::max(first, second)].state);
    }
  }
}

BOOST_AUTO_TEST_CASE(old_news_changes_nothing_and_is_not_passed_on) {
  Fixture fixture;
  BOOST_CHECK(fixture.apply(alive_claim(3, 0)) == Outcome::kIgnored);
  fixture.apply(dead_claim(3, 0));
  fixture.out.clear();
  fixture.view.rumors().clear();
  BOOST_CHECK(fixture.apply(dead_claim(3, 0)) == Outcome::kIgnored);
  BOOST_CHECK(fixture.apply(suspect_claim(3, 0, 4)) == Outcome::kIgnored);
  BOOST_TEST(fixture.out.empty());
  BOOST_TEST(fixture.view.rumors().empty());
}

BOOST_AUTO_TEST_CASE(claims_about_strangers_need_an_introduction) {
  Fixture fixture;
  for (const Claim& claim : {suspect_claim(9, 0, 2), dead_claim(9, 0), left_claim(9)}) {
    BOOST_CHECK(fixture.apply(claim) == Outcome::kIgnored);
  }
  BOOST_TEST(fixture.view.table().find(9) == nullptr);
  BOOST_CHECK(fixture.apply(alive_claim(9)) == Outcome::kBelieved);
  BOOST_TEST(fixture.events(MemberEventType::kJoined) == 1U);
  BOOST_TEST(fixture.view.rumors().size() == 1U);
}

BOOST_AUTO_TEST_CASE(accusation_of_this_node_is_refuted_with_a_higher_incarnation) {
  Fixture fixture;
  fixture.apply(suspect_claim(1, 4, 2));
  BOOST_TEST(fixture.view.table().self().incarnation == 5U);
  BOOST_TEST(fixture.view.rumors().size() == 1U);
  fixture.apply(suspect_claim(1, 4, 3));
  BOOST_TEST(fixture.view.table().self().incarnation == 5U);
  fixture.apply(dead_claim(1, 5));
  BOOST_TEST(fixture.view.table().self().incarnation == 6U);
  BOOST_CHECK(fixture.view.table().self().state == MemberState::kAlive);
  BOOST_TEST(fixture.view.health().score() == 2U);
}

BOOST_AUTO_TEST_CASE(highest_incarnation_of_the_wire_can_be_refuted_once_more_at_most) {
  Fixture fixture;
  fixture.apply(suspect_claim(1, kMaxIncarnation, 2));
  BOOST_TEST(fixture.view.table().self().incarnation == kMaxIncarnation);
}

BOOST_AUTO_TEST_CASE(being_held_to_have_left_is_final_and_told_once) {
  Fixture fixture;
  fixture.apply(left_claim(1));
  fixture.apply(left_claim(1));
  BOOST_TEST(fixture.events(MemberEventType::kExpelled) == 1U);
  BOOST_TEST(fixture.view.table().self().incarnation == 0U);
}

BOOST_AUTO_TEST_CASE(lone_accusation_waits_longest_and_confirmations_shorten_it) {
  Fixture fixture;
  const Duration least = 2s + Duration(static_cast<Duration::rep>(250e6 * std::log2(5)));
  fixture.apply(suspect_claim(3, 0, 2));
  BOOST_CHECK(fixture.view.next_deadline() == kTestStart + 4 * least);
  fixture.apply(suspect_claim(3, 0, 4));
  fixture.apply(suspect_claim(3, 0, 5));
  BOOST_CHECK(fixture.apply(suspect_claim(3, 0, 1)) == Outcome::kNewEvidence);
  BOOST_CHECK(fixture.view.next_deadline() == kTestStart + least);
  BOOST_CHECK(fixture.apply(suspect_claim(3, 0, 1)) == Outcome::kIgnored);
  fixture.advance(least - 1ms);
  BOOST_CHECK(fixture.state(3) == MemberState::kSuspect);
  fixture.advance(1ms);
  BOOST_CHECK(fixture.state(3) == MemberState::kDead);
  BOOST_TEST(fixture.events(MemberEventType::kFailed) == 1U);
}

BOOST_AUTO_TEST_CASE(two_refused_observers_leave_300_ms) {
  Fixture fixture;
  fixture.apply(suspect_claim(3, 0, 2, true));
  fixture.advance(1s);
  BOOST_CHECK(fixture.state(3) == MemberState::kSuspect);
  fixture.view.accuse(3, true, "refused", fixture.now, fixture.out);
  fixture.advance(299ms);
  BOOST_CHECK(fixture.state(3) == MemberState::kSuspect);
  fixture.advance(1ms);
  BOOST_CHECK(fixture.state(3) == MemberState::kDead);
}

BOOST_AUTO_TEST_CASE(only_survivor_needs_no_second_observer) {
  Fixture fixture(2);
  fixture.view.accuse(2, true, "refused", fixture.now, fixture.out);
  fixture.advance(300ms);
  BOOST_CHECK(fixture.state(2) == MemberState::kDead);
}

BOOST_AUTO_TEST_CASE(one_observer_that_says_refused_twice_is_one) {
  Fixture fixture;
  fixture.apply(suspect_claim(3, 0, 2, true));
  fixture.apply(suspect_claim(3, 0, 2, true));
  fixture.advance(1s);
  BOOST_CHECK(fixture.state(3) == MemberState::kSuspect);
}

BOOST_AUTO_TEST_CASE(refused_observer_counts_even_where_four_others_accuse_already) {
  Fixture fixture(12);
  for (std::uint64_t accuser = 4; accuser < 8; ++accuser) {
    fixture.apply(suspect_claim(3, 0, accuser));
  }
  BOOST_CHECK(fixture.apply(suspect_claim(3, 0, 8)) == Outcome::kIgnored);
  BOOST_CHECK(fixture.apply(suspect_claim(3, 0, 8, true)) == Outcome::kNewEvidence);
  BOOST_CHECK(fixture.apply(suspect_claim(3, 0, 9, true)) == Outcome::kNewEvidence);
  BOOST_TEST(fixture.view.table().find(3)->suspected_by.size() == kMaxAccusations);
  fixture.advance(300ms);
  BOOST_CHECK(fixture.state(3) == MemberState::kDead);
}

BOOST_AUTO_TEST_CASE(own_incarnation_clears_a_suspect_and_revives_the_dead) {
  Fixture fixture;
  fixture.apply(suspect_claim(3, 0, 2));
  fixture.apply(alive_claim(3, 1));
  BOOST_TEST(fixture.events(MemberEventType::kRefuted) == 1U);
  BOOST_CHECK(fixture.view.next_deadline() == kNever);
  fixture.apply(dead_claim(3, 1));
  fixture.apply(alive_claim(3, 2));
  BOOST_TEST(fixture.events(MemberEventType::kReturned) == 1U);
  BOOST_CHECK(fixture.state(3) == MemberState::kAlive);
}

BOOST_AUTO_TEST_CASE(who_left_does_not_come_back_whatever_the_incarnation) {
  Fixture fixture;
  fixture.apply(left_claim(3));
  BOOST_CHECK(fixture.apply(alive_claim(3, 100)) == Outcome::kIgnored);
  BOOST_CHECK(fixture.state(3) == MemberState::kLeft);
}

BOOST_AUTO_TEST_CASE(traffic_of_a_suspect_postpones_its_end) {
  Fixture fixture;
  fixture.apply(suspect_claim(3, 0, 2, true));
  fixture.view.accuse(3, true, "refused", fixture.now, fixture.out);
  fixture.now += 250ms;
  fixture.view.heard_from(3, fixture.now);
  fixture.advance(50ms);
  BOOST_CHECK(fixture.state(3) == MemberState::kSuspect);
  fixture.advance(fixture.config.probe_interval);
  BOOST_CHECK(fixture.state(3) == MemberState::kDead);
}

// The refutation may be waiting in the sockets of a node that was stopped.
BOOST_AUTO_TEST_CASE(who_is_heard_but_never_clears_itself_ends_after_the_longest_time) {
  Fixture fixture;
  fixture.apply(suspect_claim(2, 0, 3));
  const Duration longest = 4 * (fixture.config.suspicion_base +
                                fixture.config.suspicion_per_log2 * 232193 / 100000);  // log2 5
  while (fixture.now < kTestStart + longest - 50ms) {
    fixture.view.heard_from(2, fixture.now);
    fixture.advance(50ms);
    BOOST_TEST_REQUIRE((fixture.state(2) == MemberState::kSuspect));
  }
  for (int i = 0; i < 40; ++i) {
    fixture.view.heard_from(2, fixture.now);
    fixture.advance(50ms);
  }
  BOOST_CHECK(fixture.state(2) == MemberState::kDead);
}

BOOST_AUTO_TEST_CASE(suspicion_that_ran_out_while_nobody_looked_is_given_more_time) {
  Fixture fixture(2);
  fixture.view.accuse(2, false, "silent", fixture.now, fixture.out);
  fixture.advance(20s);
  BOOST_CHECK(fixture.state(2) == MemberState::kSuspect);
  BOOST_TEST(fixture.view.health().score() == 1U);
  fixture.advance(fixture.config.probe_interval);
  BOOST_CHECK(fixture.state(2) == MemberState::kDead);
}

BOOST_AUTO_TEST_CASE(new_process_at_an_address_displaces_the_old_one_at_once) {
  Fixture fixture;
  Claim successor = alive_claim(8);
  successor.profile->gossip = test_profile(3).gossip;
  successor.profile->name = test_profile(3).name;
  BOOST_CHECK(fixture.apply(successor) == Outcome::kBelieved);
  BOOST_CHECK(fixture.state(3) == MemberState::kDead);
  BOOST_CHECK(fixture.state(8) == MemberState::kAlive);
}

BOOST_AUTO_TEST_CASE(hearsay_of_an_earlier_process_at_an_address_is_not_believed) {
  Fixture fixture;
  Claim earlier = alive_claim(8);
  earlier.profile->gossip = test_profile(3).gossip;
  earlier.profile->start_time_unix_ms = 1;
  BOOST_CHECK(fixture.apply(earlier) == Outcome::kIgnored);
  BOOST_CHECK(fixture.state(3) == MemberState::kAlive);
  // Unless it speaks for itself: then a clock was wrong, and it is there.
  BOOST_CHECK(fixture.apply(earlier, true) == Outcome::kBelieved);
  BOOST_CHECK(fixture.state(3) == MemberState::kDead);
}

// consul#2430: "Duplicate IPs in cluster causing unaffected nodes to flap".
BOOST_AUTO_TEST_CASE(two_live_nodes_told_to_advertise_one_address_do_not_bury_each_other_for_ever) {
  Fixture fixture;
  Claim twin = alive_claim(8);
  twin.profile->gossip = test_profile(3).gossip;
  fixture.apply(twin);
  fixture.apply(alive_claim(3, 1));
  BOOST_CHECK(fixture.state(3) == MemberState::kAlive);
  BOOST_CHECK(fixture.state(8) == MemberState::kAlive);
}

BOOST_AUTO_TEST_CASE(process_at_our_own_address_is_an_earlier_one_and_is_said_to_be_dead) {
  Fixture fixture;
  Claim old = alive_claim(8);
  old.profile->gossip = test_profile(1).gossip;
  fixture.apply(old);
  BOOST_TEST(fixture.view.table().find(8) == nullptr);
  BOOST_TEST(fixture.view.rumors().size() == 1U);
  old.incarnation = 1;  // it lives: a wrong --advertise
  BOOST_CHECK(fixture.apply(old) == Outcome::kBelieved);
}

BOOST_AUTO_TEST_CASE(later_start_of_a_name_waits_for_the_end_of_a_live_one) {
  Fixture fixture;
  Claim later = alive_claim(8);
  later.profile->name = test_profile(3).name;
  BOOST_CHECK(fixture.apply(later) == Outcome::kNameRefused);
  BOOST_TEST(fixture.view.table().find(8) == nullptr);
  fixture.apply(suspect_claim(3, 0, 2));
  BOOST_CHECK(fixture.apply(later) == Outcome::kBelieved);
  BOOST_CHECK(fixture.state(3) == MemberState::kDead);
}

BOOST_AUTO_TEST_CASE(later_start_notices_the_older_member_of_its_name) {
  Fixture fixture;
  BOOST_TEST(fixture.view.older_namesake() == nullptr);
  Claim older = alive_claim(8);
  older.profile->name = test_profile(1).name;
  older.profile->start_time_unix_ms = 1;
  fixture.apply(older);
  BOOST_TEST_REQUIRE(fixture.view.older_namesake() != nullptr);
  BOOST_TEST(fixture.view.older_namesake()->short_id() == 8U);
}

BOOST_AUTO_TEST_CASE(table_has_a_bound) {
  SwimConfig config;
  config.max_members = 3;
  View view(config, test_profile(1), kTestStart);
  Outbox out;
  for (std::uint64_t i = 2; i < 10; ++i) view.apply(alive_claim(i), {.now = kTestStart}, out);
  BOOST_TEST(view.table().size() == 3U);
  BOOST_TEST(view.counters().members_over_limit_total == 6U);
}

BOOST_AUTO_TEST_CASE(reaped_ids_are_remembered_until_their_own_higher_incarnation) {
  Fixture fixture;
  fixture.apply(dead_claim(3, 2));
  fixture.apply(left_claim(4));
  fixture.advance(fixture.config.reap_after);
  BOOST_TEST(fixture.events(MemberEventType::kReaped) == 2U);
  BOOST_TEST(fixture.view.table().find(3) == nullptr);
  BOOST_CHECK(fixture.apply(alive_claim(3, 2)) == Outcome::kIgnored);
  BOOST_CHECK(fixture.apply(alive_claim(4, 50)) == Outcome::kIgnored);
  BOOST_CHECK(fixture.apply(alive_claim(3, 3)) == Outcome::kBelieved);
}

BOOST_AUTO_TEST_CASE(buried_ids_are_forgotten_after_a_day) {
  Fixture fixture;
  fixture.apply(dead_claim(3, 2));
  while (fixture.now < kTestStart + 25h) fixture.advance(10min);
  BOOST_TEST(fixture.view.burials().empty());
  BOOST_CHECK(fixture.view.next_deadline() == kNever);
}

BOOST_AUTO_TEST_CASE(reconciling_makes_two_views_equal) {
  Fixture a(6);
  Fixture b(4);
  a.apply(suspect_claim(2, 0, 5));
  a.apply(dead_claim(4, 0));
  b.apply(alive_claim(9));
  b.apply(alive_claim(3, 2));
  const auto for_b =
      a.view.reconcile(b.view.summaries(), b.view.table().self().short_id(), a.now, a.out);
  const std::vector<std::uint64_t> wanted = {3, 9};
  BOOST_TEST(for_b.wanted == wanted, boost::test_tools::per_element());
  for (const Claim& claim : for_b.claims) b.apply(claim);
  for (const std::uint64_t id : for_b.wanted) {
    for (const Claim& claim : b.view.full_claims(id)) a.apply(claim);
  }
  BOOST_TEST(a.view.table().view_digest() == b.view.table().view_digest());
  BOOST_CHECK(b.state(2) == MemberState::kSuspect);
  BOOST_CHECK(b.state(4) == MemberState::kDead);
}

BOOST_AUTO_TEST_CASE(summary_that_holds_this_node_dead_is_refuted_in_the_same_reply) {
  Fixture fixture;
  const auto difference =
      fixture.view.reconcile({{1, 3, MemberState::kDead}}, 1, fixture.now, fixture.out);
  BOOST_TEST(fixture.view.table().self().incarnation == 4U);
  const auto self = std::ranges::find(difference.claims, 1U, &Claim::subject);
  BOOST_TEST_REQUIRE((self != difference.claims.end()));
  BOOST_TEST(self->incarnation == 4U);
}

BOOST_AUTO_TEST_CASE(strangers_that_are_over_are_not_asked_for) {
  Fixture fixture;
  const auto difference = fixture.view.reconcile(
      {{8, 0, MemberState::kDead}, {9, 0, MemberState::kLeft}}, 2, fixture.now, fixture.out);
  BOOST_TEST(difference.wanted.empty());
}

BOOST_AUTO_TEST_CASE(many_fresh_suspects_are_a_storm_for_two_seconds) {
  Fixture fixture(8);
  for (std::uint64_t id = 2; id <= 4; ++id) {
    BOOST_TEST(!fixture.view.is_storm(fixture.now));
    fixture.apply(suspect_claim(id, 0, 8));
  }
  BOOST_TEST(fixture.view.is_storm(fixture.now));
  BOOST_TEST(!fixture.view.is_storm(fixture.now + 2s));
}

// 3 * ceil(log2(N + 1))
BOOST_AUTO_TEST_CASE(rumors_are_sent_as_often_as_the_logarithm_of_the_members) {
  BOOST_TEST(Fixture(2).view.rumor_sends() == 6U);
  BOOST_TEST(Fixture(3).view.rumor_sends() == 6U);
  BOOST_TEST(Fixture(4).view.rumor_sends() == 9U);
  BOOST_TEST(Fixture(64).view.rumor_sends() == 21U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::membership
