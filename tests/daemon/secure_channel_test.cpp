#include "daemon/secure_channel.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <random>
#include <set>
#include <string>

namespace hogwild::daemon {
namespace {

using Bytes = SecureChannel::Bytes;

constexpr std::uint64_t kA = 0xaaaa;
constexpr std::uint64_t kB = 0xbbbb;

ClusterKey key(unsigned char fill, std::uint16_t id) {
  ClusterKey made;
  made.id = id;
  made.root.fill(std::byte{fill});
  return made;
}
const ClusterKey kOld = key(1, 0x0101);
const ClusterKey kNew = key(2, 0x0202);

Bytes bytes(std::string_view text) {
  Bytes result;
  for (const char c : text) result.push_back(static_cast<std::byte>(c));
  return result;
}

Bytes datagram(SecureChannel& channel, std::string_view text, Channel to = Channel::kReplication) {
  Bytes message;
  BOOST_TEST_REQUIRE(channel.seal_datagram(to, bytes(text), message));
  return message;
}

/// The text of a datagram that is taken, or the reason why it is not.
std::string taken(SecureChannel& channel, const Bytes& message) {
  const auto opened = channel.open_datagram(message);
  if (!opened) return "refused: " + std::string(to_string(opened.error()));
  return {reinterpret_cast<const char*>(opened->payload.data()), opened->payload.size()};
}

SecureChannel channel_of(std::uint64_t self, KeyRing keys, std::string cluster = "c") {
  return SecureChannel(std::move(cluster), self, std::move(keys));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(secure_channel)

BOOST_AUTO_TEST_CASE(what_is_sealed_opens_elsewhere_and_cannot_be_read_on_the_way) {
  auto a = channel_of(kA, {kOld});
  auto b = channel_of(kB, {kOld});
  const std::string secret = "an integer for each cell";
  for (const Channel channel : {Channel::kMembership, Channel::kReplication}) {
    const Bytes message = datagram(a, secret, channel);
    BOOST_TEST(message.size() == secret.size() + a.overhead());
    const std::string wire(reinterpret_cast<const char*>(message.data()), message.size());
    BOOST_TEST(wire.find(secret.substr(0, 8)) == std::string::npos);
    const auto opened = b.open_datagram(message);
    BOOST_TEST_REQUIRE(opened.has_value());
    BOOST_TEST(opened->envelope.sender == kA);
    BOOST_TEST((opened->envelope.channel == channel));
    BOOST_TEST((Bytes(opened->payload.begin(), opened->payload.end()) == bytes(secret)));
  }
  BOOST_TEST(taken(b, datagram(a, "")) == "");
}

BOOST_AUTO_TEST_CASE(without_a_key_nothing_is_sealed) {
  auto a = channel_of(kA, {});
  auto b = channel_of(kB, {});
  BOOST_TEST(a.overhead() == Envelope::kBytes);
  const Bytes message = datagram(a, "x");
  BOOST_TEST(taken(b, message) == "x");
  BOOST_TEST(taken(b, message) == "x");
}

BOOST_AUTO_TEST_CASE(any_bit_changed_is_refused_and_the_true_message_still_taken) {
  auto a = channel_of(kA, {kOld});
  auto b = channel_of(kB, {kOld});
  const Bytes message = datagram(a, "payload");
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    Bytes changed = message;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    BOOST_TEST(taken(b, changed).starts_with("refused: "), "bit " << bit);
  }
  BOOST_TEST(taken(b, message) == "payload");
}

BOOST_AUTO_TEST_CASE(any_truncation_or_addition_is_refused) {
  auto a = channel_of(kA, {kOld});
  auto b = channel_of(kB, {kOld});
  const Bytes message = datagram(a, "payload");
  for (std::size_t size = 0; size < message.size(); ++size) {
    const Bytes cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
    BOOST_TEST(taken(b, cut).starts_with("refused: "), "size " << size);
  }
  Bytes longer = message;
  longer.push_back(std::byte{0});
  BOOST_TEST(taken(b, longer) == "refused: forged");
  BOOST_TEST(taken(b, message) == "payload");
}

BOOST_AUTO_TEST_CASE(a_message_is_taken_once) {
  auto a = channel_of(kA, {kOld});
  auto b = channel_of(kB, {kOld});
  const Bytes first = datagram(a, "1");
  const Bytes second = datagram(a, "2");
  BOOST_TEST(taken(b, second) == "2");
  BOOST_TEST(taken(b, first) == "1");
  BOOST_TEST(taken(b, first) == "refused: replayed");
  BOOST_TEST(taken(b, second) == "refused: replayed");
}

BOOST_AUTO_TEST_CASE(each_socket_counts_by_itself) {
  auto a = channel_of(kA, {kOld});
  auto b = channel_of(kB, {kOld});
  BOOST_TEST(taken(b, datagram(a, "gossip", Channel::kMembership)) == "gossip");
  BOOST_TEST(taken(b, datagram(a, "data", Channel::kReplication)) == "data");
  Bytes request;
  BOOST_TEST_REQUIRE(a.seal_request(Channel::kReplication, bytes("request"), request));
  BOOST_TEST(taken(b, request) == "refused: replayed");  // number 0 of the data socket was seen
  auto c = channel_of(0xcccc, {kOld});
  BOOST_TEST(taken(c, request) == "refused: forged");
  BOOST_TEST(c.open_request(request).has_value());
}

BOOST_AUTO_TEST_CASE(other_keys_clusters_and_senders_are_told_apart) {
  auto a = channel_of(kA, {kOld});
  auto other_key = channel_of(kB, {kNew});
  auto other_cluster = channel_of(kB, {kOld}, "d");
  auto same_id = channel_of(kB, {key(9, kOld.id)});
  auto no_key = channel_of(kB, {});
  const Bytes message = datagram(a, "x");
  BOOST_TEST(taken(other_key, message) == "refused: other_key");
  BOOST_TEST(taken(other_cluster, message) == "refused: other_cluster");
  BOOST_TEST(taken(same_id, message) == "refused: forged");
  BOOST_TEST(taken(no_key, message) == "refused: sealed");
  BOOST_TEST(taken(a, datagram(no_key, "x")) == "refused: not_sealed");
}

// The hash of the name stands in clear, and is too short to keep anybody out.
BOOST_AUTO_TEST_CASE(a_cluster_whose_name_has_the_same_hash_is_another_cluster) {
  auto a = channel_of(kA, {kOld}, "c");
  auto b = channel_of(kB, {kOld}, "d");
  Bytes message = datagram(a, "x");
  const Bytes of_b = datagram(b, "x");
  std::copy_n(of_b.begin() + 4, 4, message.begin() + 4);
  BOOST_TEST(taken(b, message) == "refused: forged");
}

BOOST_AUTO_TEST_CASE(keys_are_changed_without_a_message_lost) {
  auto a = channel_of(kA, {kOld});
  auto b = channel_of(kB, {kOld});
  const Bytes late = datagram(a, "late");
  BOOST_TEST(taken(b, datagram(a, "both old")) == "both old");
  b.set_keys({kOld, kNew});
  BOOST_TEST(taken(b, datagram(a, "accepted")) == "accepted");
  a.set_keys({kNew, kOld});
  BOOST_TEST(taken(b, datagram(a, "new")) == "new");
  BOOST_TEST(taken(a, datagram(b, "still old")) == "still old");
  BOOST_TEST(taken(b, late) == "late");
  BOOST_TEST(taken(b, late) == "refused: replayed");
  b.set_keys({kNew});
  BOOST_TEST(taken(b, datagram(a, "retired")) == "retired");
  a.set_keys({kOld});
  BOOST_TEST(taken(b, datagram(a, "x")) == "refused: other_key");
}

BOOST_AUTO_TEST_CASE(the_sealing_key_changes_in_time_and_messages_around_it_are_taken) {
  SecureChannel a("c", kA, {kOld}, SecureChannel::kMessagesAKey - 2);
  auto b = channel_of(kB, {kOld});
  std::deque<Bytes> messages;
  for (int i = 0; i < 4; ++i) messages.push_back(datagram(a, std::to_string(i)));
  for (const int i : {2, 0, 3, 1}) {
    BOOST_TEST(taken(b, messages[static_cast<std::size_t>(i)]) == std::to_string(i));
  }
}

// Equal numbers under two keys must not give equal streams of bits.
BOOST_AUTO_TEST_CASE(one_text_is_never_sealed_to_the_same_bytes_twice) {
  std::set<Bytes> seen;
  std::size_t made = 0;
  for (const std::uint64_t self : {kA, kB}) {
    for (const std::uint64_t first : {std::uint64_t{0}, SecureChannel::kMessagesAKey}) {
      SecureChannel channel("c", self, {kOld}, first);
      for (const Channel to : {Channel::kMembership, Channel::kReplication}) {
        for (int i = 0; i < 3; ++i, ++made) {
          const Bytes message = datagram(channel, "the same text", to);
          seen.insert(Bytes(message.begin() + SecureChannel::kSealedHeadBytes, message.end()));
        }
      }
      Bytes request;
      BOOST_TEST_REQUIRE(
          channel.seal_request(Channel::kMembership, bytes("the same text"), request));
      seen.insert(Bytes(request.begin() + SecureChannel::kSealedHeadBytes, request.end()));
      ++made;
    }
  }
  BOOST_TEST(seen.size() == made);
}

BOOST_AUTO_TEST_CASE(a_process_that_used_up_its_numbers_sends_no_more) {
  SecureChannel a("c", kA, {kOld}, SecureChannel::kMostMessages - 1);
  auto b = channel_of(kB, {kOld});
  BOOST_TEST(taken(b, datagram(a, "last")) == "last");
  Bytes none;
  BOOST_TEST(!a.seal_datagram(Channel::kReplication, bytes("x"), none));
  BOOST_TEST(none.empty());
  BOOST_TEST(taken(b, datagram(a, "gossip", Channel::kMembership)) == "gossip");
}

BOOST_AUTO_TEST_CASE(a_reply_answers_its_request_and_no_other) {
  auto a = channel_of(kA, {kOld});
  auto b = channel_of(kB, {kOld});
  std::array<Bytes, 2> requests;
  for (Bytes& request : requests) {
    BOOST_TEST_REQUIRE(a.seal_request(Channel::kMembership, bytes("who is there?"), request));
    BOOST_TEST_REQUIRE(b.open_request(request).has_value());
  }
  const auto first = SecureChannel::mark_of(requests[0]);
  const auto second = SecureChannel::mark_of(requests[1]);
  Bytes reply;
  BOOST_TEST_REQUIRE(b.seal_reply(first, Channel::kMembership, bytes("nobody"), reply));
  BOOST_TEST((a.open_reply(second, reply).error() == Refusal::kForged));
  BOOST_TEST((a.open_request(reply).error() == Refusal::kForged));
  BOOST_TEST(a.open_reply(first, reply).has_value());
  BOOST_TEST((b.open_request(requests[0]).error() == Refusal::kReplayed));
}

BOOST_AUTO_TEST_CASE(random_bytes_are_refused) {
  auto a = channel_of(kA, {kOld});
  auto b = channel_of(kB, {kOld});
  std::mt19937_64 random(5);
  const Bytes model = datagram(a, std::string(100, 'x'));
  for (int i = 0; i < 5000; ++i) {
    // Some begin as a message of this cluster does, so that deeper code sees them.
    Bytes message(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(random() % 27));
    for (auto left = random() % 60; left > 0; --left)
      message.push_back(static_cast<std::byte>(random()));
    BOOST_TEST(taken(b, message).starts_with("refused: "));
  }
  BOOST_TEST(taken(b, model) == std::string(100, 'x'));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(replay_window)

// Against a set of all numbers ever seen.
BOOST_AUTO_TEST_CASE(each_number_is_new_once_and_old_ones_never) {
  for (const std::uint64_t jump : {2U, 70U, 3000U, 9000U}) {
    std::mt19937_64 random(jump);
    ReplayWindow window;
    std::set<std::uint64_t> seen;
    std::uint64_t largest = 0;
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t back = random() % (ReplayWindow::kWidth + 100);
      const std::uint64_t number =
          random() % 2 == 0 ? largest + random() % jump : largest - std::min(largest, back);
      const bool is_too_old = number + ReplayWindow::kWidth <= largest;
      BOOST_TEST_REQUIRE(window.is_new(number) == (!seen.contains(number) && !is_too_old));
      if (!window.is_new(number)) continue;
      window.mark(number);
      seen.insert(number);
      largest = std::max(largest, number);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(hint)

BOOST_AUTO_TEST_CASE(a_hint_says_why_and_about_whom) {
  auto stranger = channel_of(kA, {kNew});
  Bytes request;
  BOOST_TEST_REQUIRE(stranger.seal_request(Channel::kMembership, bytes("let me in"), request));
  const auto given = hint_about(request, Refusal::kUnknownKey);
  BOOST_TEST_REQUIRE(given.has_value());
  const EnvelopeBytes wire = encode(*given);
  BOOST_TEST(wire.size() <= request.size());
  const auto read = decode_hint(wire);
  BOOST_TEST_REQUIRE(read.has_value());
  BOOST_TEST((read->reason == Refusal::kUnknownKey));
  BOOST_TEST(read->about == kA);
  BOOST_TEST(read->version == protocol_version());
  // The version stands where every version finds it.
  Bytes future(wire.begin(), wire.end());
  future[2] = std::byte{7};
  BOOST_TEST(decode_hint(future)->version == 7U);
}

BOOST_AUTO_TEST_CASE(no_hint_answers_what_is_forged_replayed_or_a_hint_itself) {
  auto stranger = channel_of(kA, {kNew});
  Bytes request;
  BOOST_TEST_REQUIRE(stranger.seal_request(Channel::kMembership, bytes("x"), request));
  for (const Refusal silent : {Refusal::kTruncated, Refusal::kNotOurs, Refusal::kBadChannel,
                               Refusal::kForged, Refusal::kReplayed}) {
    BOOST_TEST(!hint_about(request, silent).has_value());
  }
  const EnvelopeBytes hint = encode(*hint_about(request, Refusal::kUnknownKey));
  BOOST_TEST(!hint_about(hint, Refusal::kOtherVersion).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_no_hint_is_none) {
  EnvelopeBytes wire = encode(Hint{.reason = Refusal::kSealed, .about = kA});
  BOOST_TEST(!decode_hint(std::span(wire).first(15)).has_value());
  wire[4] = std::byte{kRefusalCount};
  BOOST_TEST(!decode_hint(wire).has_value());
  auto a = channel_of(kA, {});
  BOOST_TEST(!decode_hint(datagram(a, "")).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::daemon
