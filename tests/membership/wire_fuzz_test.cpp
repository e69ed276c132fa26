#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "membership/swim.hpp"
#include "tests/fuzz.hpp"
#include "tests/membership/test_members.hpp"

namespace hogwild::membership {
namespace {

using Bytes = std::vector<std::byte>;
using std::chrono::milliseconds;

constexpr std::size_t kMaxStream = 1U << 20U;
constexpr std::uint64_t kMembers = 6;
/// Pieces of messages: types, states, counts, family bytes, a name, the longest lengths.
const std::initializer_list<std::string_view> kPieces = {
    std::string_view("\x00", 1),
    "\x01",
    "\x02",
    "\x03",
    "\x04",
    "\x06",
    "\x08",
    "m3",
    "\xff\xff\xff\xff",
    "\xff\xff\xff\x7f",
    "\x7f",
    "\x80",
    std::string_view("\x04\x0a\x00\x00\x02\xfc\x1c", 7),
    std::string_view("\x00\x00\x00\x00\x00\x00\x00\x00", 8),
    std::string_view("\x02\x00\x00\x00\x00\x00\x00\x00\x01", 9)};

std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes bytes_of(const std::string& text) {
  Bytes bytes(text.size());
  std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

std::uint32_t draw_incarnation(FuzzRandom& random) {
  return random.one_in(8) ? kMaxIncarnation - static_cast<std::uint32_t>(random.below(3))
                          : static_cast<std::uint32_t>(random.below(4));
}

/// About members, about this node (1), and about strangers.
Claim draw_claim(FuzzRandom& random) {
  const std::uint64_t subject = random.below(kMembers + 4) + 1;
  const std::uint32_t incarnation = draw_incarnation(random);
  switch (random.below(4)) {
    case 0: {
      Claim claim = alive_claim(subject, incarnation);
      Profile& profile = *claim.profile;
      if (random.one_in(3)) profile.meta.assign(random.below(kMaxMetaBytes + 1), std::byte{7});
      if (random.one_in(6)) profile.name = test_profile(random.below(kMembers) + 1).name;
      if (random.one_in(6)) profile.gossip = test_profile(random.below(kMembers) + 1).gossip;
      if (random.one_in(8)) profile.gossip = *parse_endpoint("[2001:db8::1]:7420");
      if (random.one_in(8)) profile.start_time_unix_ms = random.bits();
      return claim;
    }
    case 1: {
      Claim claim = suspect_claim(subject, incarnation, random.below(9) + 1, random.one_in(2));
      if (random.one_in(2)) claim.accusations.push_back({.accuser = 100, .refused = true});
      return claim;
    }
    case 2:
      return dead_claim(subject, incarnation, random.below(9));
    default:
      return left_claim(subject, incarnation);
  }
}

std::vector<Claim> draw_claims(FuzzRandom& random) {
  std::vector<Claim> claims;
  for (auto count = random.below(5); count > 0; --count) claims.push_back(draw_claim(random));
  return claims;
}

Bytes draw_packet(FuzzRandom& random) {
  Packet packet{.type = static_cast<PacketType>(random.below(8) + 1),
                .sequence = static_cast<std::uint32_t>(random.below(20)),
                .digest = random.bits(),
                .target = random.one_in(2) ? 1 : random.below(kMembers + 3)};
  using enum PacketType;
  const bool has_claims = packet.type == kPing || packet.type == kAck || packet.type == kGossip ||
                          packet.type == kLeave;
  if (has_claims) packet.claims = draw_claims(random);
  return encode(packet);
}

Bytes draw_message(FuzzRandom& random) {
  StreamMessage message;
  message.type = static_cast<StreamType>(random.below(4) + 1);
  message.member = random.below(kMembers + 3);
  const bool is_request = message.type == StreamType::kSyncRequest;
  if (is_request) message.digest = random.bits();
  for (auto count = random.below(6); is_request && count > 0; --count) {
    message.summaries.push_back({random.below(kMembers + 4) + 1, draw_incarnation(random),
                                 static_cast<MemberState>(random.below(4))});
  }
  for (auto count = random.below(4); message.type == StreamType::kSyncReply && count > 0; --count) {
    message.wanted.push_back(random.below(kMembers + 4));
  }
  if (is_request) message.member = 0;
  if (is_request || message.type == StreamType::kSyncReply) message.claims = draw_claims(random);
  return encode(message);
}

/// Changed most of the time.
Bytes changed(FuzzRandom& random, const Bytes& message) {
  if (random.one_in(3)) return message;
  std::string text = text_of(message);
  mutate(random, kPieces, text);
  return bytes_of(text);
}

/// What is wrong after a step of a node.
std::string fault_of(const Swim& swim, const Outbox& out, std::uint32_t& incarnation) {
  const Member& self = swim.members().self();
  if (self.state != MemberState::kAlive) return "this node is not alive";
  if (self.incarnation < incarnation) return "its incarnation fell";
  incarnation = self.incarnation;
  for (const Datagram& datagram : out.datagrams) {
    if (datagram.bytes.size() > swim.config().max_payload_bytes) return "a long packet";
    if (!decode_packet(datagram.bytes)) return "sends what it cannot read";
  }
  for (const StreamRequest& stream : out.streams) {
    if (!decode_stream(stream.bytes, kMaxStream)) return "asks what it cannot read";
  }
  if (swim.members().size() > swim.config().max_members) return "too many members";
  std::size_t live = 0;
  for (const Member& member : swim.members().all()) {
    live += member.is_live() ? 1 : 0;
    const bool is_suspect = member.state == MemberState::kSuspect;
    if (is_suspect == member.suspected_by.empty()) return "accusers do not fit the state";
    if (member.suspected_by.size() > kMaxAccusations) return "too many accusers";
  }
  return live == swim.members().counts().live() ? "" : "counts do not fit rows";
}

BOOST_AUTO_TEST_SUITE(wire_fuzz)

BOOST_AUTO_TEST_CASE(each_accepted_packet_has_exactly_these_bytes) {
  fuzz(20'000, [](FuzzRandom& random) -> std::string {
    const Bytes bytes = changed(random, draw_packet(random));
    const auto packet = decode_packet(bytes);
    if (!packet) return to_string(packet.error()) == "unknown" ? "no reason" : "";
    return encode(*packet) == bytes ? "" : "two spellings of one packet";
  });
}

BOOST_AUTO_TEST_CASE(each_accepted_stream_message_has_exactly_these_bytes) {
  fuzz(20'000, [](FuzzRandom& random) -> std::string {
    const Bytes bytes = changed(random, draw_message(random));
    const auto message = decode_stream(bytes, kMaxStream);
    if (!message) return to_string(message.error()) == "unknown" ? "no reason" : "";
    return encode(*message) == bytes ? "" : "two spellings of one message";
  });
}

// Whoever has the key can say anything: the node must outlive it, and stay itself.
BOOST_AUTO_TEST_CASE(node_outlives_whatever_it_is_told) {
  fuzz(1000, [](FuzzRandom& random) -> std::string {
    Instant now = kTestStart;
    SwimConfig config;
    config.max_members = 9;
    config.reap_after = milliseconds(3000);
    Swim swim(config, test_profile(1), random.bits(), now);
    Outbox out;
    std::uint32_t incarnation = 0;
    for (std::uint64_t i = 2; i <= kMembers; ++i) {
      swim.on_packet(test_profile(i).gossip, i,
                     encode(Packet{.type = PacketType::kGossip, .claims = {alive_claim(i)}}), now,
                     out);
    }
    for (auto steps = random.below(80); steps > 0; --steps) {
      out.clear();
      now += milliseconds(random.below(random.one_in(10) ? 5000 : 100));
      const std::uint64_t sender = random.below(kMembers + 3);
      const Endpoint from = test_profile(sender + 1).gossip;
      switch (random.below(8)) {
        case 0:
          if (swim.next_deadline() <= now) swim.on_tick(now, out);
          break;
        case 1: {
          const auto reply =
              swim.on_stream_request(from, sender, changed(random, draw_message(random)), now, out);
          if (!reply.empty() && !decode_stream(reply, kMaxStream)) return "replies nonsense";
          break;
        }
        case 2: {
          const Bytes reply = changed(random, draw_message(random));
          swim.on_stream_reply(random.below(20), std::span<const std::byte>(reply), now, out);
          break;
        }
        case 3:
          swim.on_port_unreachable(from, now, out);
          break;
        default:
          swim.on_packet(from, sender, changed(random, draw_packet(random)), now, out);
      }
      const std::string fault = fault_of(swim, out, incarnation);
      if (!fault.empty()) return fault;
    }
    return "";
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::membership
