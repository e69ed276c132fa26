#include "http/url.hpp"

#include <boost/test/unit_test.hpp>

namespace hogwild::http {
namespace {

BOOST_AUTO_TEST_SUITE(urls)

BOOST_AUTO_TEST_CASE(parts_are_found_and_put_together_again) {
  const auto url = parse_url("http://Host.example:8080/a/b/");
  BOOST_TEST_REQUIRE(url.has_value());
  BOOST_TEST(!url->is_tls);
  BOOST_TEST(url->host == "Host.example");
  BOOST_TEST(url->port == 8080);
  BOOST_TEST(url->target("x y.csv") == "/a/b/x%20y.csv");
  BOOST_TEST(url->link("x.csv") == "http://Host.example:8080/a/b/x.csv");
}

BOOST_AUTO_TEST_CASE(scheme_gives_the_port_and_root_needs_no_slash) {
  const auto secure = parse_url("HTTPS://transfer.sh");
  BOOST_TEST_REQUIRE(secure.has_value());
  BOOST_TEST(secure->is_tls);
  BOOST_TEST(secure->port == 443);
  BOOST_TEST(secure->link("a") == "https://transfer.sh/a");
  BOOST_TEST(parse_url("http://h:80/")->link("a") == "http://h/a");
  BOOST_TEST(parse_url("http://h:443")->authority() == "h:443");
}

BOOST_AUTO_TEST_CASE(ipv6_address_keeps_its_brackets_in_links_only) {
  const auto url = parse_url("http://[2001:db8::1]:81/p");
  BOOST_TEST_REQUIRE(url.has_value());
  BOOST_TEST(url->host == "2001:db8::1");
  BOOST_TEST(url->link("a") == "http://[2001:db8::1]:81/p/a");
  BOOST_TEST(parse_url("http://[::1]")->port == 80);
}

BOOST_AUTO_TEST_CASE(what_is_not_such_a_url_is_refused_with_a_reason) {
  for (const auto* text : {"",
                           "host",
                           "ftp://host/",
                           "http:/host",
                           "http://",
                           "http:///a",
                           "http://:80",
                           "http://h:0",
                           "http://h:65536",
                           "http://h:",
                           "http://h:8x",
                           "http://h:-1",
                           "http://u@h/",
                           "http://h/?a",
                           "http://h/#a",
                           "http://h/a b",
                           "http://[::1",
                           "http://[::1]x",
                           "http://h\r\n/",
                           "http://h/\x80"}) {
    const auto url = parse_url(text);
    BOOST_TEST(!url.has_value(), text);
    if (!url) BOOST_TEST(!url.error().empty());
  }
}

BOOST_AUTO_TEST_CASE(encoding_leaves_nothing_that_has_a_meaning) {
  BOOST_TEST(percent_encode("aZ09-._~") == "aZ09-._~");
  BOOST_TEST(percent_encode("../a b?#%\r\n\xff") == "..%2Fa%20b%3F%23%25%0D%0A%FF");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
