#include "daemon/host_port.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

namespace hogwild::daemon {
namespace {

BOOST_AUTO_TEST_SUITE(host_port)

BOOST_AUTO_TEST_CASE(what_is_right_is_read_and_printed_back) {
  for (const std::string text : {"127.0.0.1:7420", "0.0.0.0:0", "node-1.pods.svc:65535", "a_b:1",
                                 "[::1]:7420", "[2001:db8::7]:1", "[::ffff:10.0.0.1]:2"}) {
    const auto parsed = parse_host_port(text);
    BOOST_TEST_REQUIRE(parsed.has_value(), text);
    BOOST_TEST(parsed->text() == text);
  }
}

BOOST_AUTO_TEST_CASE(brackets_are_not_part_of_the_host) {
  BOOST_TEST(parse_host_port("[::1]:7420")->host == "::1");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused) {
  for (const std::string text :
       {"",      ":",    "a",           ":1",       "a:",         "a:x",   "a:-1",      "a:65536",
        "a:1x",  "a: 1", "a b:1",       "::1:7420", "::1",        "[::1]", "[::1]7420", "[::1",
        "[a]:1", "[]:1", "[1.2.3.4]:1", "a/b:1",    "http://a:1", "a:1:2", "a:+1"}) {
    BOOST_TEST(!parse_host_port(text).has_value(), text);
  }
  BOOST_TEST(!parse_host_port(std::string(254, 'a') + ":1").has_value());
  BOOST_TEST(!parse_host_port(std::string("a\0b:1", 5)).has_value());
}

BOOST_AUTO_TEST_CASE(an_ipv6_address_without_brackets_is_refused_with_the_remedy) {
  BOOST_TEST(parse_host_port("::1:7420").error() ==
             "an IPv6 address stands in brackets, such as [::1]:7420");
}

BOOST_AUTO_TEST_CASE(a_port_that_is_left_out_is_the_default_only_where_that_is_allowed) {
  BOOST_TEST(parse_host_optional_port("10.0.0.1", 9)->port == 9U);
  BOOST_TEST(parse_host_optional_port("[::1]", 9)->port == 9U);
  BOOST_TEST(parse_host_optional_port("10.0.0.1:8", 9)->port == 8U);
  BOOST_TEST(!parse_host_optional_port("10.0.0.1:", 9).has_value());
}

BOOST_AUTO_TEST_CASE(loopback_is_told_from_the_rest) {
  for (const std::string host : {"127.0.0.1", "127.8.9.10", "::1", "localhost"}) {
    BOOST_TEST((HostPort{.host = host, .port = 1}.is_loopback()), host);
  }
  for (const std::string host :
       {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "127.example", "localhost.example"}) {
    BOOST_TEST(!(HostPort{.host = host, .port = 1}.is_loopback()), host);
  }
}

BOOST_AUTO_TEST_CASE(the_address_of_every_interface_is_told_from_the_rest) {
  BOOST_TEST((HostPort{.host = "0.0.0.0", .port = 1}.is_any_address()));
  BOOST_TEST((HostPort{.host = "::", .port = 1}.is_any_address()));
  BOOST_TEST(!(HostPort{.host = "10.0.0.1", .port = 1}.is_any_address()));
}

BOOST_AUTO_TEST_CASE(random_text_is_read_back_as_itself_or_refused) {
  std::mt19937_64 random(7);
  constexpr std::string_view kLetters = "[]:.019afx-%\n ";
  for (int i = 0; i < 200'000; ++i) {
    std::string text(random() % 12, ' ');
    for (auto& letter : text) letter = kLetters[random() % kLetters.size()];
    const auto parsed = parse_host_port(text);
    if (parsed) BOOST_TEST_REQUIRE((parse_host_port(parsed->text()) == parsed));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
