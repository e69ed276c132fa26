#include "membership/swim.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

#include "tests/membership/test_members.hpp"

namespace hogwild::membership {

using namespace std::chrono_literals;

namespace {

/// Node 1, whose network is the test.
struct Fixture {
  Outbox out;
  Instant now = kTestStart;
  Swim swim{SwimConfig{}, test_profile(1), 1, kTestStart};

  void receive(std::uint64_t sender, const Packet& packet) {
    swim.on_packet(test_profile(sender).gossip, sender, encode(packet), now, out);
  }
  /// Members 2 to `last`, with nothing left to tell.
  void meet(std::uint64_t last) {
    for (std::uint64_t i = 2; i <= last; ++i) {
      receive(i, {.type = PacketType::kGossip, .claims = {alive_claim(i)}});
    }
    for (int i = 0; i < 40; ++i) {
      now += 50ms;
      swim.on_tick(now, out);
      answer_pings();
    }
    out.clear();
  }
  /// Acks whatever pings are in the outbox, with the same digest.
  void answer_pings() {
    const Outbox sent = std::exchange(out, {});
    for (const Datagram& datagram : sent.datagrams) {
      const auto packet = decode_packet(datagram.bytes);
      if (packet->type != PacketType::kPing) continue;
      receive(packet->target, {.type = PacketType::kAck,
                               .sequence = packet->sequence,
                               .digest = swim.members().view_digest()});
    }
  }
  void tick_to_deadline() {
    now = std::max(now, swim.next_deadline());
    swim.on_tick(now, out);
  }
  std::vector<Packet> sent(PacketType type) const {
    std::vector<Packet> packets;
    for (const Datagram& datagram : out.datagrams) {
      const auto packet = decode_packet(datagram.bytes);
      if (packet->type == type) packets.push_back(*packet);
    }
    return packets;
  }
  std::size_t events(MemberEventType type) const {
    return static_cast<std::size_t>(std::ranges::count(out.events, type, &MemberEvent::type));
  }
};

Packet ping_for(std::uint64_t target, std::vector<Claim> claims = {}) {
  return {.type = PacketType::kPing, .sequence = 77, .target = target, .claims = std::move(claims)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(swim)

BOOST_AUTO_TEST_CASE(ping_is_acked_to_where_it_came_from_with_the_digest) {
  Fixture node;
  node.receive(2, ping_for(1));
  const auto acks = node.sent(PacketType::kAck);
  BOOST_TEST_REQUIRE(acks.size() == 1U);
  BOOST_TEST(acks[0].sequence == 77U);
  BOOST_TEST(acks[0].digest == node.swim.members().view_digest());
  BOOST_CHECK(node.out.datagrams[0].to == test_profile(2).gossip);
}

BOOST_AUTO_TEST_CASE(ack_to_a_ping_that_accuses_carries_the_refutation) {
  Fixture node;
  node.meet(4);
  node.receive(2, ping_for(1, {suspect_claim(1, 0, 3)}));
  const auto acks = node.sent(PacketType::kAck);
  BOOST_TEST_REQUIRE(acks.size() == 1U);
  BOOST_TEST_REQUIRE(acks[0].claims.size() == 1U);
  BOOST_TEST(acks[0].claims[0].subject == 1U);
  BOOST_TEST(acks[0].claims[0].incarnation == 1U);
}

// Lifeguard, "buddy system": a suspect learns of it with the next packet to it.
BOOST_AUTO_TEST_CASE(what_is_held_against_a_member_rides_on_every_packet_to_it) {
  Fixture node;
  node.meet(4);
  node.receive(2, {.type = PacketType::kGossip, .claims = {suspect_claim(3, 0, 2)}});
  for (int i = 0; i < 200; ++i) {
    node.out.clear();
    node.receive(3, ping_for(1));
    const auto acks = node.sent(PacketType::kAck);
    BOOST_TEST_REQUIRE(acks.size() == 1U);
    BOOST_TEST(std::ranges::count(acks[0].claims, 3U, &Claim::subject) == 1);
  }
}

BOOST_AUTO_TEST_CASE(ping_for_an_earlier_process_is_answered_with_an_introduction) {
  Fixture node;
  node.receive(2, ping_for(99));
  BOOST_TEST(node.sent(PacketType::kAck).empty());
  const auto gossip = node.sent(PacketType::kGossip);
  BOOST_TEST_REQUIRE(gossip.size() == 1U);
  BOOST_TEST(gossip[0].claims.at(0).subject == 1U);
  BOOST_TEST(node.swim.counters().wrong_target_total == 1U);
}

// SWIM, 3.1: direct, then through helpers, and only then a suspicion.
BOOST_AUTO_TEST_CASE(silent_member_is_pinged_twice_then_asked_through_helpers_and_tcp) {
  Fixture node;
  node.meet(5);
  while (node.sent(PacketType::kPing).empty()) node.tick_to_deadline();
  const std::uint64_t target = node.sent(PacketType::kPing)[0].target;
  while (node.sent(PacketType::kPingRequest).empty()) node.tick_to_deadline();
  BOOST_TEST(node.sent(PacketType::kPing).size() >= 3U);
  BOOST_TEST(node.sent(PacketType::kPingRequest).size() == 3U);
  BOOST_TEST_REQUIRE(node.out.streams.size() == 1U);
  BOOST_CHECK(node.out.streams[0].to == test_profile(target).gossip);
  BOOST_TEST(node.events(MemberEventType::kSuspected) == 0U);
  while (node.events(MemberEventType::kSuspected) == 0) node.tick_to_deadline();
  BOOST_CHECK(node.swim.members().find(target)->state == MemberState::kSuspect);
}

BOOST_AUTO_TEST_CASE(tcp_reply_clears_a_probe_and_a_reset_accuses_at_once) {
  for (const bool answers : {true, false}) {
    Fixture node;
    node.meet(3);
    while (node.out.streams.empty()) node.tick_to_deadline();
    const StreamRequest request = node.out.streams[0];
    const std::uint64_t target = decode_stream(request.bytes, 1000)->member;
    if (answers) {
      const auto reply = encode(StreamMessage{.type = StreamType::kProbeReply, .member = target});
      node.swim.on_stream_reply(request.token, std::span<const std::byte>(reply), node.now,
                                node.out);
    } else {
      node.swim.on_stream_reply(request.token, std::unexpected(StreamFailure::kRefused), node.now,
                                node.out);
    }
    BOOST_TEST(node.swim.counters().probes_stream_total == (answers ? 1U : 0U));
    BOOST_TEST(node.events(MemberEventType::kSuspected) == (answers ? 0U : 1U));
  }
}

BOOST_AUTO_TEST_CASE(other_process_answering_the_tcp_probe_is_evidence_like_a_reset) {
  Fixture node;
  node.meet(3);
  while (node.out.streams.empty()) node.tick_to_deadline();
  const StreamRequest request = node.out.streams[0];
  const auto reply = encode(StreamMessage{.type = StreamType::kProbeReply, .member = 42});
  node.swim.on_stream_reply(request.token, std::span<const std::byte>(reply), node.now, node.out);
  const std::uint64_t target = decode_stream(request.bytes, 1000)->member;
  BOOST_TEST_REQUIRE(node.swim.members().find(target)->suspected_by.size() == 1U);
  BOOST_TEST(node.swim.members().find(target)->suspected_by[0].refused);
}

BOOST_AUTO_TEST_CASE(reset_from_an_address_that_the_member_has_left_is_no_evidence) {
  Fixture node;
  node.meet(3);
  while (node.out.streams.empty()) node.tick_to_deadline();
  const StreamRequest request = node.out.streams[0];
  const std::uint64_t target = decode_stream(request.bytes, 1000)->member;
  Claim moved = alive_claim(target, 1);
  moved.profile->gossip.port = 7777;
  node.receive(target, {.type = PacketType::kGossip, .claims = {moved}});
  node.swim.on_stream_reply(request.token, std::unexpected(StreamFailure::kRefused), node.now,
                            node.out);
  BOOST_TEST(node.events(MemberEventType::kSuspected) == 0U);
}

BOOST_AUTO_TEST_CASE(accusation_by_another_is_verified_at_once) {
  Fixture node;
  node.meet(4);
  node.receive(2, {.type = PacketType::kGossip, .claims = {suspect_claim(3, 0, 2)}});
  BOOST_TEST_REQUIRE(node.sent(PacketType::kPing).size() == 1U);
  BOOST_TEST(node.sent(PacketType::kPing)[0].target == 3U);
  BOOST_TEST(node.out.streams.empty());
  // The first to be refused needs a second observer.
  node.receive(2, {.type = PacketType::kGossip, .claims = {suspect_claim(3, 0, 4, true)}});
  BOOST_TEST_REQUIRE(node.out.streams.size() == 1U);
  BOOST_CHECK(node.out.streams[0].to == test_profile(3).gossip);
}

BOOST_AUTO_TEST_CASE(accusation_with_a_reset_is_verified_by_tcp_at_once) {
  Fixture node;
  node.meet(4);
  node.receive(2, {.type = PacketType::kGossip, .claims = {suspect_claim(3, 0, 2, true)}});
  BOOST_TEST(node.out.streams.size() == 1U);
}

BOOST_AUTO_TEST_CASE(round_in_which_this_node_was_late_accuses_nobody) {
  Fixture node;
  node.meet(4);
  while (node.sent(PacketType::kPingRequest).empty()) node.tick_to_deadline();
  const std::uint32_t health = node.swim.counters().health_score;
  node.now += 10s;
  node.swim.on_tick(node.now, node.out);
  BOOST_TEST(node.events(MemberEventType::kSuspected) == 0U);
  BOOST_TEST(node.swim.counters().probes_late_total == 1U);
  BOOST_TEST(node.swim.counters().health_score > health);
}

BOOST_AUTO_TEST_CASE(silent_member_takes_no_other_members_turn) {
  Fixture node;
  node.meet(3);
  std::set<std::uint64_t> targets;
  const Instant end = node.now + 4 * SwimConfig{}.probe_interval;
  while (node.now < end) {
    node.tick_to_deadline();
    for (const Packet& ping : node.sent(PacketType::kPing)) targets.insert(ping.target);
  }
  BOOST_TEST(targets.size() == 2U);
}

BOOST_AUTO_TEST_CASE(own_packets_that_come_back_are_ignored) {
  Fixture node;
  node.receive(1, ping_for(1));
  node.receive(0, ping_for(1));
  BOOST_TEST(node.out.empty());
}

BOOST_AUTO_TEST_CASE(news_with_nobody_to_tell_is_dropped) {
  Fixture node;
  node.swim.set_meta({std::byte{1}}, node.now, node.out);
  BOOST_TEST(node.out.empty());
  BOOST_CHECK(node.swim.next_deadline() == kNever);
  BOOST_TEST(node.swim.members().self().incarnation == 1U);
}

// Lifeguard, nack: a helper that says no shows that this node's network works.
// "... consider that the local failure detector module may be at fault" (Lifeguard, abstract).
BOOST_AUTO_TEST_CASE(failed_probe_speaks_against_this_node_only_if_no_helper_answers) {
  for (const bool helpers_answer : {true, false}) {
    Fixture node;
    node.meet(4);
    while (node.sent(PacketType::kPingRequest).empty()) node.tick_to_deadline();
    const std::uint32_t before = node.swim.counters().health_score;
    const Packet request = node.sent(PacketType::kPingRequest)[0];
    for (std::uint64_t helper = 2; helper <= 4 && helpers_answer; ++helper) {
      node.receive(helper, {.type = PacketType::kNack, .sequence = request.sequence});
    }
    while (node.swim.counters().probes_failed_total == 0) node.tick_to_deadline();
    BOOST_TEST(node.swim.counters().health_score == before + (helpers_answer ? 0 : 1));
  }
}

// When many look suspect at once and nobody answers, it is this node that lost its network.
BOOST_AUTO_TEST_CASE(in_a_storm_node_that_nobody_answers_does_not_join_in) {
  for (const bool helpers_answer : {true, false}) {
    Fixture node;
    node.meet(9);
    node.now += 1s;  // the last answers are old
    node.receive(
        2, {.type = PacketType::kGossip,
            .claims = {suspect_claim(3, 0, 2), suspect_claim(4, 0, 2), suspect_claim(5, 0, 2)}});
    while (node.swim.counters().probes_failed_total == 0) {
      node.tick_to_deadline();
      for (const Packet& request : node.sent(PacketType::kPingRequest)) {
        for (std::uint64_t helper = 2; helper <= 9 && helpers_answer; ++helper) {
          node.receive(helper, {.type = PacketType::kNack, .sequence = request.sequence});
        }
      }
      node.out.clear();
    }
    BOOST_TEST((node.swim.counters().accusations_total > 0) == helpers_answer);
    BOOST_TEST((node.swim.counters().accusations_held_total > 0) == !helpers_answer);
  }
}

// serf#185: "I would not expect other unrelated nodes to get problems."
BOOST_AUTO_TEST_CASE(doubt_that_a_suspect_sends_is_told_to_its_subject_and_not_believed) {
  Fixture node;
  node.meet(5);
  node.receive(2, {.type = PacketType::kGossip, .claims = {suspect_claim(3, 0, 2)}});
  node.out.clear();
  for (const Claim& doubt : {dead_claim(4, 0, 3), suspect_claim(5, 0, 3)}) {
    node.receive(3, {.type = PacketType::kGossip, .claims = {doubt}});
    BOOST_CHECK(node.swim.members().find(doubt.subject)->state == MemberState::kAlive);
    BOOST_TEST_REQUIRE(node.out.datagrams.size() == 1U);
    BOOST_CHECK(node.out.datagrams[0].to == test_profile(doubt.subject).gossip);
    BOOST_CHECK(node.sent(PacketType::kGossip)[0].claims[0] == doubt);
    node.out.clear();
  }
  BOOST_TEST(node.swim.counters().accusations_doubted_total == 2U);
  node.receive(2, {.type = PacketType::kGossip, .claims = {dead_claim(4, 0, 2)}});
  BOOST_CHECK(node.swim.members().find(4)->state == MemberState::kDead);
}

BOOST_AUTO_TEST_CASE(suspect_is_still_heard_on_this_node_on_itself_and_on_who_has_left) {
  Fixture node;
  node.meet(5);
  node.receive(2, {.type = PacketType::kGossip, .claims = {suspect_claim(3, 0, 2)}});
  node.receive(3, {.type = PacketType::kGossip, .claims = {suspect_claim(1, 0, 3)}});
  BOOST_TEST(node.swim.members().self().incarnation == 1U);
  node.receive(3, {.type = PacketType::kGossip, .claims = {left_claim(4)}});
  BOOST_CHECK(node.swim.members().find(4)->state == MemberState::kLeft);
  node.receive(3, {.type = PacketType::kGossip, .claims = {alive_claim(3, 1)}});
  BOOST_CHECK(node.swim.members().find(3)->state == MemberState::kAlive);
}

// The other side of a healed partition holds this one's members dead, and has just come back.
BOOST_AUTO_TEST_CASE(who_has_just_come_back_is_trusted_after_two_seconds) {
  Fixture node;
  node.meet(5);
  node.receive(2, {.type = PacketType::kGossip, .claims = {dead_claim(3, 0, 2)}});
  node.receive(3, {.type = PacketType::kGossip, .claims = {alive_claim(3, 1)}});
  node.receive(3, {.type = PacketType::kGossip, .claims = {dead_claim(4, 0, 3)}});
  BOOST_CHECK(node.swim.members().find(4)->state == MemberState::kAlive);
  node.now += 2s;
  node.receive(3, {.type = PacketType::kGossip, .claims = {dead_claim(4, 0, 3)}});
  BOOST_CHECK(node.swim.members().find(4)->state == MemberState::kDead);
}

BOOST_AUTO_TEST_CASE(old_doubt_is_answered_also_when_the_refutation_is_no_news) {
  Fixture node;
  node.meet(3);
  node.receive(2, ping_for(1, {suspect_claim(1, 0, 2)}));
  for (int i = 0; i < 40; ++i) {
    node.now += 50ms;
    node.swim.on_tick(node.now, node.out);
    node.answer_pings();
  }
  BOOST_TEST_REQUIRE(node.swim.load().rumors == 0U);
  node.out.clear();
  node.receive(3, ping_for(1, {suspect_claim(1, 0, 2)}));
  const auto acks = node.sent(PacketType::kAck);
  BOOST_TEST_REQUIRE(acks.size() == 1U);
  BOOST_TEST_REQUIRE(acks[0].claims.size() == 1U);
  BOOST_TEST(acks[0].claims[0].incarnation == 1U);
  node.out.clear();
  node.receive(3, {.type = PacketType::kGossip, .claims = {suspect_claim(1, 0, 2)}});
  BOOST_TEST_REQUIRE(node.sent(PacketType::kGossip).size() == 1U);
  BOOST_TEST(node.sent(PacketType::kGossip)[0].claims[0].incarnation == 1U);
}

BOOST_AUTO_TEST_CASE(waking_begins_probes_anew_and_gives_suspects_time) {
  Fixture node;
  node.meet(3);
  node.receive(2, {.type = PacketType::kGossip, .claims = {suspect_claim(3, 0, 2)}});
  while (node.sent(PacketType::kPing).empty()) node.tick_to_deadline();
  node.out.clear();
  node.swim.woke(node.now, node.out);
  BOOST_TEST(node.sent(PacketType::kPing).size() >= 1U);
  BOOST_TEST(node.swim.counters().probes_late_total >= 1U);
  BOOST_TEST(node.swim.counters().health_score == 1U);
  BOOST_CHECK(node.swim.members().find(3)->state == MemberState::kSuspect);
}

BOOST_AUTO_TEST_CASE(end_in_a_packet_makes_room_for_the_newcomer_in_it) {
  Fixture node;
  node.meet(4);
  Claim later = alive_claim(8);
  later.profile->name = test_profile(3).name;
  node.receive(8, {.type = PacketType::kGossip, .claims = {later, dead_claim(3, 0)}});
  BOOST_TEST(node.swim.members().find(8) != nullptr);
}

BOOST_AUTO_TEST_CASE(suspicion_before_the_introduction_in_a_packet_counts) {
  Fixture node;
  node.receive(2,
               {.type = PacketType::kGossip, .claims = {suspect_claim(3, 0, 2), alive_claim(3)}});
  BOOST_CHECK(node.swim.members().find(3)->state == MemberState::kSuspect);
}

BOOST_AUTO_TEST_CASE(first_sync_is_not_gossiped_on_and_later_ones_are) {
  Fixture node;
  const auto sync = [&](std::uint64_t peer, std::vector<Claim> claims) {
    node.out.clear();
    node.swim.join(test_profile(peer).gossip, node.now, node.out);
    const auto reply = encode(
        StreamMessage{.type = StreamType::kSyncReply, .member = peer, .claims = std::move(claims)});
    node.swim.on_stream_reply(node.out.streams.at(0).token, std::span<const std::byte>(reply),
                              node.now, node.out);
    node.out.clear();
    node.tick_to_deadline();
    std::set<std::uint64_t> told;
    for (const Packet& packet : node.sent(PacketType::kGossip)) {
      for (const Claim& claim : packet.claims) told.insert(claim.subject);
    }
    return told;
  };
  BOOST_TEST((sync(2, {alive_claim(2), alive_claim(3)}) == std::set<std::uint64_t>{1}));
  node.now += 50ms;
  BOOST_TEST(sync(4, {alive_claim(4), alive_claim(5)}).contains(5));
}

BOOST_AUTO_TEST_CASE(what_a_sync_reply_asks_for_is_sent) {
  Fixture node;
  node.meet(4);
  node.swim.join(test_profile(9).gossip, node.now, node.out);
  const auto reply =
      encode(StreamMessage{.type = StreamType::kSyncReply, .member = 9, .wanted = {3, 77, 4}});
  node.swim.on_stream_reply(node.out.streams.at(0).token, std::span<const std::byte>(reply),
                            node.now, node.out);
  const auto gossip = node.sent(PacketType::kGossip);
  BOOST_TEST_REQUIRE(gossip.size() == 1U);
  BOOST_TEST_REQUIRE(gossip[0].claims.size() == 2U);
  BOOST_TEST(gossip[0].claims[0].subject == 3U);
  BOOST_TEST(gossip[0].claims[1].subject == 4U);
  BOOST_CHECK(node.out.datagrams[0].to == test_profile(9).gossip);
}

BOOST_AUTO_TEST_CASE(traffic_keeps_a_member_from_being_probed_while_another_is_silent) {
  Fixture node;
  node.meet(4);
  for (int i = 0; i < 20; ++i) {
    node.swim.heard_from(2, node.now);
    node.swim.heard_from(3, node.now);
    node.out.clear();
    node.now += 700ms;
    node.swim.heard_from(2, node.now);
    node.swim.heard_from(3, node.now);
    node.swim.on_tick(node.now, node.out);
    for (const Packet& ping : node.sent(PacketType::kPing)) BOOST_TEST(ping.target == 4U);
    node.answer_pings();
    if (node.swim.members().find(4)->last_heard == node.now) break;
  }
}

BOOST_AUTO_TEST_CASE(helper_pings_for_another_and_says_how_it_went) {
  for (const bool answers : {true, false}) {
    Fixture node;
    node.meet(4);
    node.receive(2, {.type = PacketType::kPingRequest, .sequence = 5, .target = 3});
    const auto pings = node.sent(PacketType::kPing);
    BOOST_TEST_REQUIRE(pings.size() == 1U);
    if (answers) {
      node.receive(3, {.type = PacketType::kAck, .sequence = pings[0].sequence});
      BOOST_TEST_REQUIRE(node.sent(PacketType::kRelayedAck).size() == 1U);
      BOOST_TEST(node.sent(PacketType::kRelayedAck)[0].sequence == 5U);
    } else {
      while (node.sent(PacketType::kNack).empty()) node.tick_to_deadline();
      BOOST_TEST(node.sent(PacketType::kNack)[0].sequence == 5U);
    }
  }
}

BOOST_AUTO_TEST_CASE(helper_that_does_not_know_the_target_says_no_at_once) {
  Fixture node;
  node.receive(2, {.type = PacketType::kPingRequest, .sequence = 5, .target = 99});
  BOOST_TEST(node.sent(PacketType::kNack).size() == 1U);
  node.receive(2, {.type = PacketType::kPingRequest, .sequence = 6, .target = 1});
  BOOST_TEST(node.sent(PacketType::kNack).size() == 2U);
}

BOOST_AUTO_TEST_CASE(views_that_differ_with_nothing_to_gossip_are_compared_once_a_second) {
  Fixture node;
  node.meet(4);
  node.now += 1s;
  std::size_t syncs = 0;
  for (int i = 0; i < 100; ++i) {  // ten seconds
    node.out.clear();
    node.swim.heard_from(3, node.now);
    node.receive(2, ping_for(1));
    for (const StreamRequest& request : node.out.streams) {
      const auto type = decode_stream(request.bytes, 10000)->type;
      if (type != StreamType::kSyncRequest) continue;
      ++syncs;
      node.swim.on_stream_reply(request.token, std::unexpected(StreamFailure::kClosed), node.now,
                                node.out);
    }
    node.now += 100ms;
  }
  BOOST_TEST(syncs >= 5U);
  BOOST_TEST(syncs <= 10U);
}

// Two islands that both know this node each agree within themselves.
BOOST_AUTO_TEST_CASE(agreement_with_one_does_not_hide_the_difference_from_another) {
  Fixture node;
  node.meet(4);
  node.now += 1s;
  for (int i = 0; i < 10; ++i) {
    node.receive(2, ping_for(1));
    Packet agreeing = ping_for(1);
    agreeing.digest = node.swim.members().view_digest();
    node.receive(3, agreeing);
    node.now += 100ms;
  }
  BOOST_TEST_REQUIRE(node.out.streams.size() == 1U);
  BOOST_CHECK(node.out.streams[0].to == test_profile(2).gossip);
}

BOOST_AUTO_TEST_CASE(member_held_dead_that_speaks_is_synced_with_at_once) {
  Fixture node;
  node.meet(4);
  node.receive(2, {.type = PacketType::kGossip, .claims = {dead_claim(3, 0)}});
  node.receive(3, ping_for(1));
  BOOST_TEST_REQUIRE(node.out.streams.size() == 1U);
  BOOST_CHECK(node.out.streams[0].to == test_profile(3).gossip);
  const auto acks = node.sent(PacketType::kAck);
  BOOST_TEST_REQUIRE(acks.size() == 1U);
  BOOST_CHECK(acks[0].claims.at(0).state == MemberState::kDead);
}

// memberlist#222: an isolated node never comes back.
BOOST_AUTO_TEST_CASE(dead_are_asked_again_for_ever_at_least_every_fifteen_seconds) {
  Fixture node;
  node.meet(2);
  node.receive(2, {.type = PacketType::kGossip, .claims = {dead_claim(2, 0)}});
  node.now += 1h;
  node.swim.on_tick(node.now, node.out);
  Instant last = node.now;
  node.out.clear();
  for (int pings = 0; pings < 10;) {
    node.tick_to_deadline();
    if (node.sent(PacketType::kPing).empty()) continue;
    BOOST_CHECK(node.now - last < 15s);
    last = node.now;
    ++pings;
    node.out.clear();
  }
}

BOOST_AUTO_TEST_CASE(joining_ones_own_address_does_nothing) {
  Fixture node;
  node.swim.join(test_profile(1).gossip, node.now, node.out);
  BOOST_TEST(node.out.empty());
}

BOOST_AUTO_TEST_CASE(joining_again_while_it_runs_opens_no_second_stream) {
  Fixture node;
  node.swim.join(test_profile(2).gossip, node.now, node.out);
  node.swim.join(test_profile(2).gossip, node.now, node.out);
  BOOST_TEST_REQUIRE(node.out.streams.size() == 1U);
  node.swim.on_stream_reply(node.out.streams[0].token, std::unexpected(StreamFailure::kRefused),
                            node.now, node.out);
  node.swim.join(test_profile(2).gossip, node.now, node.out);
  BOOST_TEST(node.out.streams.size() == 2U);
}

BOOST_AUTO_TEST_CASE(joining_oneself_under_another_address_is_harmless) {
  Fixture node;
  const Endpoint alias = *parse_endpoint("127.0.0.1:7420");
  node.swim.join(alias, node.now, node.out);
  const StreamRequest request = node.out.streams.at(0);
  const auto reply = node.swim.on_stream_request(alias, 1, request.bytes, node.now, node.out);
  node.swim.on_stream_reply(request.token, std::span<const std::byte>(reply), node.now, node.out);
  BOOST_TEST(node.swim.members().size() == 1U);
  BOOST_TEST(node.swim.members().self().incarnation == 0U);
  BOOST_TEST(node.out.events.empty());
}

// serf leaves by a rumor, without acknowledgement: some hold who said goodbye for failed.
BOOST_AUTO_TEST_CASE(leave_is_told_to_all_and_over_with_three_acks) {
  Fixture node;
  node.meet(7);
  node.swim.leave(node.now, node.out);
  const auto leaves = node.sent(PacketType::kLeave);
  BOOST_TEST_REQUIRE(leaves.size() == 6U);
  BOOST_CHECK(leaves[0].claims.at(0) == left_claim(1));
  for (std::uint64_t member = 2; member <= 4; ++member) {
    BOOST_TEST(!node.swim.leave_complete(node.now));
    const Packet ack{.type = PacketType::kLeaveAck, .sequence = leaves[0].sequence};
    node.receive(member, ack);
    node.receive(member, ack);
  }
  BOOST_TEST(node.swim.leave_complete(node.now));
}

BOOST_AUTO_TEST_CASE(leave_without_acks_is_told_again_and_over_after_a_second) {
  Fixture node;
  node.meet(3);
  node.swim.leave(node.now, node.out);
  const Instant start = node.now;
  while (node.now < start + 900ms) node.tick_to_deadline();
  BOOST_TEST(node.sent(PacketType::kLeave).size() >= 8U);
  BOOST_TEST(!node.swim.leave_complete(start + 999ms));
  BOOST_TEST(node.swim.leave_complete(start + 1s));
}

BOOST_AUTO_TEST_CASE(who_has_left_answers_that_it_has_and_starts_nothing) {
  Fixture node;
  node.meet(3);
  node.swim.leave(node.now, node.out);
  node.out.clear();
  node.receive(2, ping_for(1, {suspect_claim(1, 0, 3)}));
  const auto acks = node.sent(PacketType::kAck);
  BOOST_TEST_REQUIRE(acks.size() == 1U);
  BOOST_CHECK(acks[0].claims.at(0) == left_claim(1));
  BOOST_TEST(node.swim.members().self().incarnation == 0U);
  node.swim.join(test_profile(2).gossip, node.now, node.out);
  node.swim.on_port_unreachable(test_profile(2).gossip, node.now, node.out);
  BOOST_TEST(node.out.streams.empty());
  for (int i = 0; i < 200 && node.swim.next_deadline() != kNever; ++i) node.tick_to_deadline();
  BOOST_CHECK(node.swim.next_deadline() == kNever);
}

BOOST_AUTO_TEST_CASE(leave_of_another_is_acked_and_believed) {
  Fixture node;
  node.meet(3);
  node.receive(2, {.type = PacketType::kLeave, .sequence = 4, .claims = {left_claim(2)}});
  BOOST_TEST(node.sent(PacketType::kLeaveAck).at(0).sequence == 4U);
  BOOST_TEST(node.events(MemberEventType::kLeft) == 1U);
}

// "Force-leave": somebody in charge knows that a process will not come back.
BOOST_AUTO_TEST_CASE(who_is_suspect_or_dead_can_be_removed_for_good_and_others_are_told) {
  for (const Claim& claim : {suspect_claim(3, 0, 2), dead_claim(3, 0)}) {
    Fixture node;
    node.meet(4);
    node.receive(2, {.type = PacketType::kGossip, .claims = {claim}});
    node.out.clear();
    BOOST_TEST(node.swim.remove(3, node.now, node.out));
    BOOST_CHECK(node.swim.members().find(3)->state == MemberState::kLeft);
    BOOST_TEST(node.events(MemberEventType::kLeft) == 1U);
    const auto told = node.sent(PacketType::kGossip);
    BOOST_TEST_REQUIRE(!told.empty());
    BOOST_TEST((std::ranges::find(told[0].claims, left_claim(3)) != told[0].claims.end()));
    node.receive(3, {.type = PacketType::kGossip, .claims = {alive_claim(3, 9)}});
    BOOST_CHECK(node.swim.members().find(3)->state == MemberState::kLeft);
  }
}

BOOST_AUTO_TEST_CASE(who_is_alive_unknown_gone_or_this_node_cannot_be_removed) {
  Fixture node;
  node.meet(4);
  node.receive(4, {.type = PacketType::kLeave, .sequence = 1, .claims = {left_claim(4)}});
  node.out.clear();
  for (const std::uint64_t id : {1U, 2U, 4U, 77U}) {
    BOOST_TEST(!node.swim.remove(id, node.now, node.out));
  }
  BOOST_TEST(node.out.empty());
  BOOST_CHECK(node.swim.members().find(2)->state == MemberState::kAlive);
}

// Deltas go out hundreds of times a second, and each of them is refused.
BOOST_AUTO_TEST_CASE(refused_ports_are_looked_into_once_and_known_ones_not_again) {
  Fixture node;
  node.meet(4);
  const Endpoint endpoint = test_profile(3).gossip;
  for (int i = 0; i < 5; ++i) node.swim.on_port_unreachable(endpoint, node.now, node.out);
  BOOST_TEST_REQUIRE(node.out.streams.size() == 1U);
  node.swim.on_stream_reply(node.out.streams[0].token, std::unexpected(StreamFailure::kRefused),
                            node.now, node.out);
  BOOST_TEST(node.swim.members().find(3)->suspected_by.size() == 1U);
  for (int i = 0; i < 5; ++i) node.swim.on_port_unreachable(endpoint, node.now, node.out);
  BOOST_TEST(node.out.streams.size() == 1U);
}

BOOST_AUTO_TEST_CASE(packets_stay_within_their_bound_however_much_there_is_to_tell) {
  Fixture node;
  for (std::uint64_t i = 2; i < 250; ++i) {
    Claim claim = alive_claim(i);
    claim.profile->meta.assign(kMaxMetaBytes, std::byte{1});
    node.receive(i, {.type = PacketType::kGossip, .claims = {claim}});
  }
  for (int i = 0; i < 50; ++i) node.tick_to_deadline();
  BOOST_TEST(node.out.datagrams.size() > 100U);
  std::size_t longest = 0;
  for (const Datagram& datagram : node.out.datagrams)
    longest = std::max(longest, datagram.bytes.size());
  BOOST_TEST(longest <= SwimConfig{}.max_payload_bytes);
  BOOST_TEST(longest > SwimConfig{}.max_payload_bytes - 300);
}

BOOST_AUTO_TEST_CASE(undecodable_bytes_change_nothing_but_their_counter) {
  Fixture node;
  node.meet(4);
  const std::uint64_t digest = node.swim.members().view_digest();
  const std::vector<std::byte> bytes = {std::byte{1}, std::byte{2}};
  node.swim.on_packet(test_profile(2).gossip, 2, bytes, node.now, node.out);
  BOOST_TEST(
      node.swim.on_stream_request(test_profile(2).gossip, 2, bytes, node.now, node.out).empty());
  node.swim.on_stream_reply(12345, std::span<const std::byte>(bytes), node.now, node.out);
  BOOST_TEST(node.out.empty());
  BOOST_TEST(node.swim.members().view_digest() == digest);
  const auto& errors = node.swim.counters().decode_errors_total;
  BOOST_TEST(errors[static_cast<std::size_t>(DecodeError::kTruncated)] == 2U);
}

// Anything that decodes, from anybody, at any time: no assert, and the invariants hold.
BOOST_AUTO_TEST_CASE(any_sequence_of_valid_packets_is_survived) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Fixture node;
    std::mt19937_64 random(seed);
    const auto claim = [&]() -> Claim {
      const std::uint64_t subject = 1 + random() % 12;
      const auto incarnation = static_cast<std::uint32_t>(
          random() % 10 == 0 ? kMaxIncarnation - random() % 2 : random() % 4);
      switch (random() % 6) {
        case 0:
          return suspect_claim(subject, incarnation, 1 + random() % 12, random() % 2 == 0);
        case 1:
          return dead_claim(subject, incarnation, random() % 12);
        case 2:
          return random() % 20 == 0 ? left_claim(subject, incarnation) : dead_claim(subject, 0);
        default: {
          Claim alive = alive_claim(subject, incarnation);
          if (random() % 5 == 0) alive.profile->gossip = test_profile(1 + random() % 12).gossip;
          if (random() % 5 == 0) alive.profile->name = test_profile(1 + random() % 12).name;
          return alive;
        }
      }
    };
    for (int i = 0; i < 3000; ++i) {
      node.now += std::chrono::milliseconds(random() % 400);
      const std::uint64_t sender = 1 + random() % 14;
      Packet packet{.type = static_cast<PacketType>(1 + random() % 8),
                    .sequence = static_cast<std::uint32_t>(random() % 200),
                    .digest = random(),
                    .target = random() % 14};
      if (decode_packet(encode(Packet{.type = packet.type, .claims = {claim()}}))) {
        for (std::size_t n = random() % 4; n > 0; --n) packet.claims.push_back(claim());
      }
      node.receive(sender, packet);
      StreamMessage request{.type = StreamType::kSyncRequest, .member = 0, .digest = random()};
      request.summaries = {{1 + random() % 14, static_cast<std::uint32_t>(random() % 4),
                            static_cast<MemberState>(random() % 4)}};
      request.claims = {claim()};
      const auto reply = node.swim.on_stream_request(test_profile(sender).gossip, sender,
                                                     encode(request), node.now, node.out);
      for (const StreamRequest& opened : std::exchange(node.out.streams, {})) {
        if (random() % 2 == 0) {
          node.swim.on_stream_reply(opened.token, std::span<const std::byte>(reply), node.now,
                                    node.out);
        } else {
          node.swim.on_stream_reply(opened.token,
                                    std::unexpected(static_cast<StreamFailure>(random() % 3)),
                                    node.now, node.out);
        }
      }
      if (node.swim.next_deadline() <= node.now) node.swim.on_tick(node.now, node.out);
      BOOST_TEST_REQUIRE((node.swim.next_deadline() > node.now));
      if (random() % 50 == 0)
        node.swim.set_meta({static_cast<std::byte>(random())}, node.now, node.out);
      for (const Datagram& datagram : node.out.datagrams) {
        BOOST_TEST_REQUIRE(decode_packet(datagram.bytes).has_value());
      }
      node.out.clear();
    }
    BOOST_CHECK(node.swim.members().self().state == MemberState::kAlive);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::membership
