#include "membership/wire.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

#include "tests/membership/test_members.hpp"

namespace hogwild::membership {

namespace {

constexpr std::size_t kMaxStream = 1U << 20U;

std::vector<Claim> all_claims() {
  Claim v6 = alive_claim(4, kMaxIncarnation);
  v6.profile->gossip = *parse_endpoint("[2001:db8::1]:65535");
  v6.profile->name = std::string(kMaxNameBytes, 'x');
  v6.profile->meta.assign(kMaxMetaBytes, std::byte{7});
  Claim suspect = suspect_claim(5, 6, 7, true);
  for (std::uint64_t i = 0; i + 1 < kMaxAccusations; ++i) suspect.accusations.push_back({20 + i});
  return {alive_claim(3, 1), v6, suspect, dead_claim(6, 2), left_claim(7, 3)};
}

std::vector<Packet> all_packets() {
  using enum PacketType;
  return {{.type = kPing, .sequence = 7, .digest = ~0U, .target = 0x1122, .claims = all_claims()},
          {.type = kAck, .sequence = 8, .digest = 5, .claims = all_claims()},
          {.type = kPingRequest, .sequence = 9, .target = 3},
          {.type = kNack, .sequence = 10},
          {.type = kRelayedAck, .sequence = 0xffff'ffff},
          {.type = kGossip, .claims = all_claims()},
          {.type = kGossip},
          {.type = kLeave, .sequence = 11, .claims = {left_claim(1)}},
          {.type = kLeaveAck, .sequence = 12}};
}

std::vector<StreamMessage> all_messages() {
  using enum StreamType;
  return {{.type = kSyncRequest,
           .member = 0,
           .digest = 9,
           .summaries = {{1, 2, MemberState::kAlive}, {3, 4, MemberState::kLeft}},
           .wanted = {},
           .claims = all_claims()},
          {.type = kSyncReply, .member = 4, .wanted = {1, 2, 3}, .claims = all_claims()},
          {.type = kProbe, .member = 5},
          {.type = kProbeReply, .member = 6}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wire)

BOOST_AUTO_TEST_CASE(packets_read_back) {
  for (const Packet& packet : all_packets()) {
    const auto decoded = decode_packet(encode(packet));
    BOOST_TEST_REQUIRE(decoded.has_value());
    BOOST_CHECK(*decoded == packet);
  }
}

BOOST_AUTO_TEST_CASE(stream_messages_read_back) {
  for (const StreamMessage& message : all_messages()) {
    const auto decoded = decode_stream(encode(message), kMaxStream);
    BOOST_TEST_REQUIRE(decoded.has_value());
    BOOST_CHECK(*decoded == message);
  }
}

// The bytes are public: other versions read them.
BOOST_AUTO_TEST_CASE(idle_ping_is_these_21_bytes) {
  const auto bytes = encode(Packet{
      .type = PacketType::kPing, .sequence = 7, .digest = 0x0807060504030201U, .target = 0x1122});
  const std::vector<int> expected = {1, 7, 0,    0,    0, 1, 2, 3, 4, 5, 6,
                                     7, 8, 0x22, 0x11, 0, 0, 0, 0, 0, 0};
  BOOST_TEST_REQUIRE(bytes.size() == expected.size());
  for (std::size_t i = 0; i < bytes.size(); ++i)
    BOOST_TEST(std::to_integer<int>(bytes[i]) == expected[i]);
}

BOOST_AUTO_TEST_CASE(left_claim_is_these_bytes) {
  std::vector<std::byte> bytes;
  append(bytes, left_claim(0x0102030405060708U, 0x0a0b0c0d));
  const std::vector<int> expected = {3, 8, 7, 6, 5, 4, 3, 2, 1, 0x0d, 0x0c, 0x0b, 0x0a};
  BOOST_TEST_REQUIRE(bytes.size() == expected.size());
  for (std::size_t i = 0; i < bytes.size(); ++i)
    BOOST_TEST(std::to_integer<int>(bytes[i]) == expected[i]);
}

BOOST_AUTO_TEST_CASE(longest_claim_fits_into_the_smallest_packet_allowed) {
  for (const Claim& claim : all_claims()) {
    std::vector<std::byte> bytes;
    append(bytes, claim);
    BOOST_TEST(bytes.size() + 21 <= 512U);
  }
}

// A cut at the end of a claim is a shorter message; every other cut is an error.
BOOST_AUTO_TEST_CASE(truncated_packets_are_refused_or_have_fewer_claims) {
  for (const Packet& packet : all_packets()) {
    const auto bytes = encode(packet);
    std::size_t accepted = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = decode_packet(std::span(bytes).first(size));
      if (!decoded) continue;
      ++accepted;
      BOOST_TEST(decoded->claims.size() < packet.claims.size());
      BOOST_TEST(encode(*decoded).size() == size);
    }
    BOOST_TEST(accepted == packet.claims.size());
  }
}

BOOST_AUTO_TEST_CASE(truncated_stream_messages_are_refused_or_have_fewer_claims) {
  for (const StreamMessage& message : all_messages()) {
    const auto bytes = encode(message);
    std::size_t accepted = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      accepted += decode_stream(std::span(bytes).first(size), kMaxStream).has_value() ? 1 : 0;
    }
    BOOST_TEST(accepted == message.claims.size());
  }
}

BOOST_AUTO_TEST_CASE(changed_bytes_are_refused_or_mean_what_they_encode_to) {
  std::mt19937_64 random(3);
  const auto packets = all_packets();
  const auto messages = all_messages();
  for (int i = 0; i < 200000; ++i) {
    auto bytes = encode(packets[random() % packets.size()]);
    for (std::size_t flips = 1 + random() % 3; flips > 0; --flips) {
      bytes[random() % bytes.size()] =
          static_cast<std::byte>(random() % (random() % 2 == 0 ? 256 : 8));
    }
    if (const auto decoded = decode_packet(bytes)) BOOST_TEST_REQUIRE((encode(*decoded) == bytes));
    auto stream = encode(messages[random() % messages.size()]);
    stream[random() % stream.size()] = static_cast<std::byte>(random());
    if (const auto decoded = decode_stream(stream, kMaxStream)) {
      BOOST_TEST_REQUIRE((encode(*decoded) == stream));
    }
  }
}

BOOST_AUTO_TEST_CASE(random_bytes_are_refused_or_mean_what_they_encode_to) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 200000; ++i) {
    std::vector<std::byte> bytes(random() % 64);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
    if (!bytes.empty()) bytes[0] = static_cast<std::byte>(random() % 9);
    if (const auto decoded = decode_packet(bytes)) BOOST_TEST_REQUIRE((encode(*decoded) == bytes));
    if (const auto decoded = decode_stream(bytes, kMaxStream))
      BOOST_TEST_REQUIRE((encode(*decoded) == bytes));
  }
}

BOOST_AUTO_TEST_CASE(refusals_say_why) {
  const auto error_of = [](Packet packet, auto change) {
    auto bytes = encode(packet);
    change(bytes);
    const auto decoded = decode_packet(bytes);
    BOOST_TEST_REQUIRE(!decoded.has_value());
    return decoded.error();
  };
  const Packet gossip{.type = PacketType::kGossip, .claims = {alive_claim(3)}};
  const Packet suspicion{.type = PacketType::kGossip, .claims = {suspect_claim(3, 0, 4)}};
  const Packet nack{.type = PacketType::kNack};
  const auto set = [](std::size_t at, int value) {
    return [=](std::vector<std::byte>& bytes) { bytes[at] = static_cast<std::byte>(value); };
  };
  const auto add = [](std::vector<std::byte>& bytes) { bytes.push_back(std::byte{0}); };
  using enum DecodeError;
  BOOST_CHECK(error_of(nack, set(0, 0)) == kUnknownType);
  BOOST_CHECK(error_of(nack, set(0, 9)) == kUnknownType);
  BOOST_CHECK(error_of(nack, add) == kTrailing);
  BOOST_CHECK(error_of(gossip, set(1, 4)) == kUnknownType);
  BOOST_CHECK(error_of(gossip, set(2, 0)) == kBadValue);      // short id 3 becomes 0
  BOOST_CHECK(error_of(gossip, set(21, 0xff)) == kBadValue);  // incarnation over 2^31
  BOOST_CHECK(error_of(gossip, set(30, 5)) == kBadValue);     // family
  BOOST_CHECK(error_of(gossip, set(38, ' ')) == kBadName);
  BOOST_CHECK(error_of(gossip, set(40, 129)) == kBadCount);  // length of meta
  BOOST_CHECK(error_of(suspicion, set(14, 0)) == kBadCount);
  BOOST_CHECK(error_of(suspicion, set(14, 5)) == kBadCount);
  BOOST_CHECK(error_of(suspicion, set(14, 2)) == kTruncated);
  BOOST_CHECK(error_of(suspicion, set(23, 2)) == kBadValue);  // neither refused nor not
  BOOST_CHECK(decode_packet(std::vector<std::byte>(70000)).error() == kTooLong);
  BOOST_CHECK(decode_packet({}).error() == kTruncated);
  BOOST_CHECK(decode_stream(encode(all_messages()[0]), 10).error() == kTooLong);
}

BOOST_AUTO_TEST_CASE(count_without_its_bytes_allocates_nothing) {
  std::vector<std::byte> bytes(13, std::byte{0xff});
  bytes[0] = static_cast<std::byte>(StreamType::kSyncRequest);
  BOOST_CHECK(decode_stream(bytes, kMaxStream).error() == DecodeError::kTruncated);
  bytes[0] = static_cast<std::byte>(StreamType::kSyncReply);
  BOOST_CHECK(decode_stream(bytes, kMaxStream).error() == DecodeError::kTruncated);
}

BOOST_AUTO_TEST_CASE(mapped_v4_address_has_one_spelling) {
  Packet packet{.type = PacketType::kGossip, .claims = {alive_claim(3)}};
  packet.claims[0].profile->gossip = *parse_endpoint("[2001:db8::1]:7420");
  auto bytes = encode(packet);
  const auto mapped = Endpoint::v4({1, 2, 3, 4}, 0).address;
  for (std::size_t i = 0; i < 16; ++i) bytes[31 + i] = static_cast<std::byte>(mapped[i]);
  BOOST_CHECK(decode_packet(bytes).error() == DecodeError::kBadValue);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::membership
