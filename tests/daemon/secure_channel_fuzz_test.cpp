#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <string>

#include "daemon/member_meta.hpp"
#include "daemon/secure_channel.hpp"
#include "tests/fuzz.hpp"

namespace hogwild::daemon {
namespace {

using Bytes = SecureChannel::Bytes;

constexpr std::uint64_t kA = 0xaaaa;
constexpr std::uint64_t kB = 0xbbbb;
const std::initializer_list<std::string_view> kPieces = {
    "hw", "\x01", "\x02", "\x81", "\x82", "\xff", std::string_view("\x00\x00", 2)};

ClusterKey key(std::uint16_t id) {
  ClusterKey made;
  made.id = id;
  made.root.fill(static_cast<std::byte>(id));
  return made;
}

Bytes draw_bytes(FuzzRandom& random, std::size_t limit) {
  Bytes bytes(random.below(limit));
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random.bits()); });
  return bytes;
}

Bytes changed(FuzzRandom& random, const Bytes& message) {
  std::string text(reinterpret_cast<const char*>(message.data()), message.size());
  mutate(random, kPieces, text);
  Bytes bytes(text.size());
  std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

Bytes copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

BOOST_AUTO_TEST_SUITE(secure_channel_fuzz)

BOOST_AUTO_TEST_CASE(what_was_changed_under_way_is_refused) {
  fuzz(3000, [](FuzzRandom& random) -> std::string {
    const KeyRing keys = {key(1), key(2)};
    SecureChannel a("c", kA, keys);
    SecureChannel b("c", kB, keys);
    for (auto count = random.below(8) + 1; count > 0; --count) {
      const Bytes payload = draw_bytes(random, 200);
      const Channel channel = random.one_in(2) ? Channel::kMembership : Channel::kReplication;
      Bytes message;
      if (!a.seal_datagram(channel, payload, message)) return "not sealed";
      const Bytes other = changed(random, message);
      if (other != message && b.open_datagram(other)) return "a changed datagram is taken";
      if (b.open_request(message)) return "a datagram is taken for a request";
      // The forgery must not have used up the number.
      const auto opened = b.open_datagram(message);
      if (!opened || copy_of(opened->payload) != payload) return "the right one is refused";
      if (b.open_datagram(message)) return "taken twice";
    }
    return "";
  });
}

BOOST_AUTO_TEST_CASE(a_reply_answers_its_own_request_alone) {
  fuzz(2000, [](FuzzRandom& random) -> std::string {
    SecureChannel a("c", kA, {key(1)});
    SecureChannel b("c", kB, {key(1)});
    const Bytes payload = draw_bytes(random, 300);
    Bytes request;
    Bytes reply;
    if (!a.seal_request(Channel::kMembership, payload, request)) return "not sealed";
    const Bytes forged = changed(random, request);
    if (forged != request && b.open_request(forged)) return "a changed request is taken";
    if (!b.open_request(request)) return "the right one is refused";
    const auto mark = SecureChannel::mark_of(request);
    if (!b.seal_reply(mark, Channel::kMembership, payload, reply)) return "not sealed";
    const Bytes other = changed(random, reply);
    if (other != reply && a.open_reply(mark, other)) return "a changed reply is taken";
    auto wrong = mark;
    wrong[random.below(wrong.size())] ^= std::byte{1};
    if (a.open_reply(wrong, reply)) return "taken for another request";
    const auto opened = a.open_reply(mark, reply);
    return opened && copy_of(opened->payload) == payload ? "" : "the right reply is refused";
  });
}

// Without a key anything may come: it is refused with a reason, or taken as it is.
BOOST_AUTO_TEST_CASE(open_messages_of_any_bytes_are_safe) {
  fuzz(20'000, [](FuzzRandom& random) -> std::string {
    const KeyRing keys = random.one_in(2) ? KeyRing{} : KeyRing{key(1)};
    SecureChannel a("c", kA, keys);
    SecureChannel b("c", kB, random.one_in(4) ? KeyRing{key(2)} : keys);
    Bytes message;
    if (!a.seal_datagram(Channel::kMembership, draw_bytes(random, 60), message)) return "no seal";
    const Bytes bytes = random.one_in(2) ? changed(random, message) : draw_bytes(random, 60);
    const auto opened = b.open_datagram(bytes);
    if (!opened && to_string(opened.error()).empty()) return "no reason";
    static_cast<void>(b.open_request(bytes));
    if (const auto hint = hint_about(bytes, Refusal::kOtherVersion)) {
      if (encode(*hint).size() > bytes.size()) return "the answer is longer than the request";
      if (!decode_hint(encode(*hint))) return "a hint that nobody can read";
    }
    static_cast<void>(decode_hint(bytes));
    return "";
  });
}

BOOST_AUTO_TEST_CASE(meta_of_any_bytes_is_read_or_refused) {
  fuzz(20'000, [](FuzzRandom& random) -> std::string {
    const MemberMeta meta{
        static_cast<std::uint16_t>(random.bits()), "10.0.0.1:7480", "0.1.0", {1, 2}};
    const Bytes bytes =
        random.one_in(4) ? draw_bytes(random, 40) : changed(random, encode_meta(meta));
    static_cast<void>(data_port_of(bytes));
    const auto read = decode_meta(bytes);
    if (!read) return "";
    const auto again = decode_meta(encode_meta(*read));
    return again && *again == *read ? "" : "what it writes is another meta";
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
