#include "sgd/replica/rounds.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/sgd/replica/decoding.hpp"

namespace hogwild::sgd {
namespace {

using namespace std::chrono_literals;
constexpr SumsLayout kLayout(100, 1);
constexpr RunId kRun = 9;
constexpr Instant kStart{1000s};

RoundRecord record_of(std::size_t members) {
  RoundRecord record{.key = {{{2, 77}, 5}, 41}, .is_open = true, .applied_hash = 99, .roster = {}};
  for (std::size_t i = 0; i < members; ++i) {
    record.roster.push_back({100 + i, 200 + i, i % 2 == 0, true, i % 3 != 0, 1000 * i});
  }
  return record;
}

/// One member with its replica, moved by hand.
struct Member {
  explicit Member(PeerId id, RoundOptions options = {})
      : peer(id),
        replica(kRun, id * 10, kLayout, 1U << 20U, ApplyMode::kByRound),
        rounds(kRun, id, options, replica, kStart) {
    rounds.set_trains(true);
  }

  Bytes publish(std::uint32_t index, std::int64_t value) {
    DatagramBatch published;
    replica.publish(std::array{CellDelta{kLayout.scalar_count() + index, value}}, published);
    return published.tail();
  }
  [[nodiscard]] bool has_event(RoundEventType type) const {
    return std::any_of(out.events.begin(), out.events.end(),
                       [type](const RoundEvent& event) { return event.type == type; });
  }

  PeerId peer;
  Replica replica;
  Rounds rounds;
  RoundOutbox out;
};

/// Carries datagrams between members until nobody says anything more.
void talk(std::vector<Member*> members, Instant now) {
  for (bool is_quiet = false; !is_quiet;) {
    is_quiet = true;
    for (Member* from : members) {
      std::vector<PeerDatagram> sent;
      std::swap(sent, from->out.datagrams);
      for (const PeerDatagram& datagram : sent) {
        for (Member* to : members) {
          if (to->peer != datagram.to) continue;
          is_quiet = false;
          to->rounds.on_datagram(from->peer, datagram.bytes, now, to->out);
        }
      }
    }
  }
}

/// Two members of one roster; `a` coordinates.
struct Pair {
  explicit Pair(RoundOptions options = {}) : a(1, options), b(2, options) {
    a.rounds.set_live({{2, 0}}, now, a.out);
    b.rounds.set_live({{1, 0}}, now, b.out);
    a.rounds.set_founders(2);
    a.rounds.found(now, a.out);
    b.rounds.follow(a.rounds.committed(), now);
    a.rounds.on_tick(now, a.out);
    step();
    BOOST_TEST_REQUIRE(b.rounds.is_member());
  }
  void step(std::chrono::milliseconds time = 10ms) {
    now += time;
    a.rounds.on_tick(now, a.out);
    b.rounds.on_tick(now, b.out);
    talk({&a, &b}, now);
  }
  void contribute(Member& member) {
    member.rounds.contributed(member.rounds.committed().key.round + 1, member.replica.last_seq(),
                              now, member.out);
    talk({&a, &b}, now);
  }

  Instant now = kStart;
  Member a;
  Member b;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(rounds)

BOOST_AUTO_TEST_CASE(what_is_encoded_is_decoded_and_nothing_else) {
  const RoundBeat beat{
      .origin = 3, .number = 4, .is_committed = true, .round_us = 20'000, .record = record_of(5)};
  const auto parts = encode_beat(kRun, beat);
  BOOST_TEST_REQUIRE(parts.size() == 1U);
  const auto got = decode_round_message(parts[0]);
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_CHECK(got->beat.record == beat.record);
  BOOST_TEST(got->beat.is_committed);
  BOOST_TEST(got->beat.round_us == 20'000U);

  const RoundReport report{.origin = 3,
                           .ballot = {{1, 2}, 3},
                           .trains = true,
                           .is_leaving = true,
                           .is_member = true,
                           .stored = {{{1, 2}, 3}, 4},
                           .committed = {{{1, 2}, 2}, 3},
                           .contributed = 5,
                           .through = 600};
  const Bytes report_bytes = encode_report_message(kRun, report);
  const auto got_report = decode_round_message(report_bytes);
  BOOST_TEST_REQUIRE(got_report.has_value());
  BOOST_CHECK(got_report->report.stored == report.stored);
  BOOST_TEST(got_report->report.through == 600U);
  BOOST_TEST(got_report->report.is_leaving);

  const RoundVote vote{
      .origin = 3, .is_probe = false, .is_granted = true, .ballot = {{1, 2}, 3}, .term = 7};
  const RoundCanvass canvass{
      .origin = 3, .is_probe = true, .ballot = {{1, 2}, 3}, .stored = {{{1, 2}, 3}, 4}};
  BOOST_TEST(decode_round_message(encode_vote(kRun, vote))->vote.is_granted);
  BOOST_TEST(decode_round_message(encode_canvass(kRun, canvass))->canvass.is_probe);

  for (const Bytes& bytes :
       {parts[0], report_bytes, encode_vote(kRun, vote), encode_canvass(kRun, canvass)}) {
    const auto accepts = [](std::span<const std::byte> b) {
      return decode_round_message(b).has_value();
    };
    BOOST_TEST(count_accepted_truncations(bytes, accepts) == 0U);
  }
}

BOOST_AUTO_TEST_CASE(a_large_roster_travels_in_parts_that_fit_into_datagrams) {
  RoundRecord record = record_of(300);
  for (RosterEntry& entry : record.roster) entry.through = ByteReader::kMostCounted;
  const auto parts = encode_beat(kRun, {.origin = 3, .number = 4, .record = record});
  BOOST_TEST(parts.size() == 7U);
  std::size_t entries = 0;
  for (const Bytes& part : parts) {
    BOOST_TEST(part.size() <= kLargestPayload);
    const auto got = decode_round_message(part);
    BOOST_TEST_REQUIRE(got.has_value());
    entries += got->beat.record.roster.size();
  }
  BOOST_TEST(entries == 300U);
}

// The next election would wrap, or be refused by every decoder.
BOOST_AUTO_TEST_CASE(a_term_that_no_election_can_have_led_to_is_refused) {
  Pair pair;
  const Ballot ballot = pair.a.rounds.ballot();
  for (const std::uint64_t term : {~std::uint64_t{0}, std::uint64_t{1} << 47U}) {
    Ballot far = ballot;
    far.term = term;
    Ballot far_epoch = ballot;
    far_epoch.epoch.number = term;
    for (const Ballot& claimed : {far, far_epoch}) {
      const Bytes report = encode_report_message(
          kRun, {.origin = 20, .ballot = claimed, .stored = {}, .committed = {}});
      const Bytes canvass = encode_canvass(kRun, {.origin = 20, .ballot = claimed, .stored = {}});
      for (const Bytes& message : {report, canvass}) {
        BOOST_TEST(!pair.a.rounds.on_datagram(2, message, pair.now, pair.a.out));
      }
    }
    const Bytes vote = encode_vote(kRun, {.origin = 20, .ballot = ballot, .term = term});
    BOOST_TEST(!pair.a.rounds.on_datagram(2, vote, pair.now, pair.a.out));
  }
  BOOST_TEST(pair.a.rounds.is_coordinator());
  BOOST_CHECK((pair.a.rounds.ballot() == ballot));
  Ballot none = ballot;
  none.term = 0;
  const Bytes probe =
      encode_canvass(kRun, {.origin = 20, .is_probe = true, .ballot = none, .stored = {}});
  BOOST_TEST(!decode_round_message(probe).has_value());
}

BOOST_AUTO_TEST_CASE(nobody_reports_in_anothers_name) {
  Pair pair;
  const std::uint64_t round = pair.a.rounds.committed().key.round;
  pair.a.rounds.set_live({{2, 20}, {3, 30}}, pair.now, pair.a.out);
  const Bytes forged = encode_report_message(kRun, {.origin = 20,
                                                    .ballot = pair.a.rounds.ballot(),
                                                    .trains = true,
                                                    .stored = {},
                                                    .committed = {},
                                                    .contributed = round + 1'000,
                                                    .through = 1'000});
  static_cast<void>(pair.a.rounds.on_datagram(3, forged, pair.now, pair.a.out));
  pair.contribute(pair.a);
  pair.contribute(pair.b);  // its own word counts
  pair.step(100ms);
  BOOST_TEST(pair.a.rounds.committed().key.round > round);
  BOOST_TEST(pair.a.rounds.counters().stragglers_total == 0U);
}

BOOST_AUTO_TEST_CASE(a_round_counts_whole_parts_and_keeps_late_ones_for_the_next) {
  Pair pair;
  pair.step(5ms);
  BOOST_TEST_REQUIRE(pair.a.rounds.committed().is_open);
  const std::uint64_t round = pair.a.rounds.committed().key.round;
  pair.b.replica.apply(pair.a.publish(1, 5), pair.now);
  pair.contribute(pair.a);
  const Bytes late = pair.b.publish(1, 7);
  const Bytes later = pair.b.publish(2, 9);
  pair.a.replica.apply(late, pair.now);  // the first half of b's part
  pair.contribute(pair.b);
  BOOST_TEST(pair.a.rounds.committed().key.round == round);
  pair.step(100ms);  // the time is over
  BOOST_TEST(pair.a.rounds.committed().key.round > round);
  BOOST_TEST(pair.a.replica.sums().sum(1) == 5);
  BOOST_TEST(pair.b.replica.sums().sum(1) == 5);
  BOOST_TEST(pair.a.rounds.counters().stragglers_total == 1U);
  pair.a.replica.apply(later, pair.now);
  pair.contribute(pair.b);
  pair.contribute(pair.a);
  pair.step(100ms);
  for (const Member* member : {&pair.a, &pair.b}) {
    BOOST_TEST(member->replica.sums().sum(1) == 12);
    BOOST_TEST(member->replica.sums().sum(2) == 9);
  }
  BOOST_TEST(pair.a.replica.applied_hash() == pair.b.replica.applied_hash());
}

BOOST_AUTO_TEST_CASE(a_member_that_lacks_a_delta_has_not_stored_the_round) {
  Pair pair;
  pair.step(100ms);
  const std::uint64_t round = pair.a.rounds.committed().key.round;
  const Bytes lost = pair.a.publish(1, 5);
  pair.contribute(pair.a);
  pair.contribute(pair.b);
  pair.step(100ms);
  BOOST_TEST(pair.a.rounds.committed().key.round == round);  // two votes of two are needed
  BOOST_TEST(pair.a.replica.sums().sum(1) == 0);
  pair.b.replica.apply(lost, pair.now);
  pair.b.rounds.on_data(10, pair.now, pair.b.out);
  talk({&pair.a, &pair.b}, pair.now);
  BOOST_TEST(pair.a.rounds.committed().key.round > round);
  BOOST_TEST(pair.b.replica.sums().sum(1) == 5);
}

BOOST_AUTO_TEST_CASE(nobody_votes_while_the_coordinators_lease_runs) {
  Pair pair;
  pair.step(100ms);
  const RoundCanvass canvass{.origin = 30,
                             .is_probe = false,
                             .ballot = {pair.b.rounds.ballot().epoch, 99},
                             .stored = {{pair.b.rounds.ballot().epoch, 98}, 1000}};
  pair.b.out.datagrams.clear();
  pair.b.rounds.on_datagram(3, encode_canvass(kRun, canvass), pair.now, pair.b.out);
  BOOST_TEST_REQUIRE(pair.b.out.datagrams.size() == 1U);
  BOOST_TEST(!decode_round_message(pair.b.out.datagrams[0].bytes)->vote.is_granted);
  BOOST_TEST(pair.b.rounds.ballot().term == 1U);
  // The lease over, it votes once in a term.
  pair.b.out.datagrams.clear();
  pair.now += 2s;
  pair.b.rounds.on_datagram(3, encode_canvass(kRun, canvass), pair.now, pair.b.out);
  RoundCanvass other = canvass;
  other.origin = 40;
  pair.b.rounds.on_datagram(4, encode_canvass(kRun, other), pair.now, pair.b.out);
  BOOST_TEST_REQUIRE(pair.b.out.datagrams.size() == 2U);
  BOOST_TEST(decode_round_message(pair.b.out.datagrams[0].bytes)->vote.is_granted);
  BOOST_TEST(!decode_round_message(pair.b.out.datagrams[1].bytes)->vote.is_granted);
}

BOOST_AUTO_TEST_CASE(who_holds_an_older_round_gets_no_vote) {
  Pair pair;
  pair.step(100ms);
  pair.now += 2s;
  RoundKey older = pair.b.rounds.stored().key;
  BOOST_TEST_REQUIRE(older.round > 0U);
  --older.round;
  pair.b.out.datagrams.clear();
  pair.b.rounds.on_datagram(
      3, encode_canvass(kRun, {.origin = 30, .ballot = {older.ballot.epoch, 50}, .stored = older}),
      pair.now, pair.b.out);
  BOOST_TEST(!decode_round_message(pair.b.out.datagrams.at(0).bytes)->vote.is_granted);
}

BOOST_AUTO_TEST_CASE(an_old_coordinator_that_wakes_is_refused) {
  Pair pair;
  pair.step(100ms);
  // b votes for somebody else while a sleeps.
  pair.now += 2s;
  const RoundKey newest = pair.b.rounds.stored().key;
  pair.b.rounds.on_datagram(
      3,
      encode_canvass(kRun, {.origin = 30, .ballot = {newest.ballot.epoch, 50}, .stored = newest}),
      pair.now, pair.b.out);
  const std::uint64_t round = pair.b.rounds.committed().key.round;
  const RoundBeat beat{.origin = 10,
                       .number = 1'000,
                       .is_committed = true,
                       .record = {.key = {newest.ballot, newest.round + 1}, .roster = {}}};
  pair.b.rounds.on_datagram(1, encode_beat(kRun, beat)[0], pair.now, pair.b.out);
  BOOST_TEST(pair.b.rounds.committed().key.round == round);
  talk({&pair.a, &pair.b}, pair.now);
  BOOST_TEST(!pair.a.rounds.is_coordinator());
}

BOOST_AUTO_TEST_CASE(a_survivor_goes_on_alone_unless_a_majority_is_asked_for) {
  for (const bool needs_majority : {false, true}) {
    Pair pair({.needs_majority = needs_majority});
    pair.step(100ms);
    pair.b.replica.apply(pair.a.publish(0, 1), pair.now);
    DatagramBatch out;
    pair.a.replica.publish(std::array{CellDelta{SumsLayout::kExamples, 10}}, out);
    pair.b.replica.apply(out[0], pair.now);
    pair.contribute(pair.a);
    pair.contribute(pair.b);
    pair.step(100ms);
    BOOST_TEST_REQUIRE(pair.b.replica.sums().examples() == 10U);
    pair.b.rounds.set_live({}, pair.now, pair.b.out);  // a is dead
    for (int i = 0; i < 1000; ++i) {
      pair.now += 10ms;
      pair.b.rounds.on_tick(pair.now, pair.b.out);
    }
    BOOST_TEST(pair.b.rounds.is_coordinator() == !needs_majority);
    BOOST_TEST(pair.b.rounds.ballot().epoch.number == (needs_majority ? 1U : 2U));
    BOOST_TEST(pair.b.rounds.is_waiting(pair.now) == needs_majority);
  }
}

BOOST_AUTO_TEST_CASE(a_member_that_is_gone_is_dropped_and_starts_over_when_it_hears_of_it) {
  Pair pair;
  Member c(3);
  c.rounds.set_live({{1, 0}, {2, 0}}, pair.now, c.out);
  pair.a.rounds.set_live({{2, 0}, {3, 0}}, pair.now, pair.a.out);
  c.rounds.follow(pair.a.rounds.committed(), pair.now);
  const auto all = [&](std::chrono::milliseconds time) {
    pair.now += time;
    for (Member* member : {&pair.a, &pair.b, &c}) member->rounds.on_tick(pair.now, member->out);
    talk({&pair.a, &pair.b, &c}, pair.now);
  };
  for (int i = 0; i < 10; ++i) {
    all(50ms);
    pair.contribute(pair.a);
    pair.contribute(pair.b);
  }
  BOOST_TEST_REQUIRE(c.rounds.is_member());
  pair.a.rounds.set_live({{2, 0}}, pair.now, pair.a.out);  // c is held dead
  for (int i = 0; i < 5; ++i) {
    pair.step(50ms);
    pair.contribute(pair.a);
    pair.contribute(pair.b);
  }
  BOOST_TEST(pair.a.rounds.committed().find(30) == nullptr);
  pair.a.rounds.set_live({{2, 0}, {3, 0}}, pair.now, pair.a.out);
  for (int i = 0; i < 5 && !c.has_event(RoundEventType::kBehind); ++i) all(50ms);
  // It missed the record that dropped it: the newest one, by a snapshot, tells it.
  c.rounds.caught_up(pair.a.rounds.committed(), pair.now, c.out);
  BOOST_TEST(c.has_event(RoundEventType::kStartOver));
}

BOOST_AUTO_TEST_CASE(a_voter_that_came_back_as_another_one_keeps_nobody_waiting) {
  Pair pair;
  Member c(3);  // follows, and is in no roster
  c.rounds.set_live({{1, 0}, {2, 20}}, pair.now, c.out);
  c.rounds.follow(pair.a.rounds.committed(), pair.now);
  const auto wait = [&] {
    for (int i = 0; i < 1000; ++i) {
      pair.now += 10ms;
      c.rounds.on_tick(pair.now, c.out);
    }
  };
  c.rounds.set_live({{2, 20}}, pair.now, c.out);  // a is dead; b may stand, so c does not
  wait();
  BOOST_TEST(!c.rounds.is_coordinator());
  c.rounds.set_live({{2, 21}}, pair.now, c.out);  // the process of b is there, the voter is not
  wait();
  BOOST_TEST(c.rounds.is_coordinator());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
