#include "http/query.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

namespace hogwild::http {
namespace {

BOOST_AUTO_TEST_SUITE(targets)

BOOST_AUTO_TEST_CASE(path_and_query_are_split_and_decoded) {
  const auto target = parse_target("/v1/re%70ort/a%20b?x=1&y=a+b%2Bc&z&&=e&x=2");
  BOOST_TEST_REQUIRE(target.has_value());
  BOOST_TEST(target->path == "/v1/report/a b");
  BOOST_TEST(target->find("x").value() == "1");
  BOOST_TEST(target->find("y").value() == "a b+c");
  BOOST_TEST(target->find("z").value() == "");
  BOOST_TEST(!target->find("q").has_value());
  BOOST_TEST(target->query.size() == 5U);
  BOOST_TEST(!target->authority.has_value());
}

BOOST_AUTO_TEST_CASE(absolute_form_gives_its_authority) {
  const auto target = parse_target("HTTP://host:80/livez?verbose");
  BOOST_TEST_REQUIRE(target.has_value());
  BOOST_TEST(target->authority.value() == "host:80");
  BOOST_TEST(target->path == "/livez");
  BOOST_TEST(parse_target("http://host")->path == "/");
  BOOST_TEST(parse_target("http://host?a=b")->path == "/");
}

BOOST_AUTO_TEST_CASE(what_is_no_path_or_wrongly_encoded_is_refused) {
  for (const auto* text : {"", "*", "livez", "?a", "host:80", "/%", "/%4", "/%zz", "/%00", "/a%0ab",
                           "/?a=%", "/?%1=b", "/?a=%0d", "/%7f", "ftp://host/"}) {
    BOOST_TEST(!parse_target(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(random_bytes_never_leave_a_control_character) {
  std::mt19937 random(4);
  constexpr std::string_view kAlphabet = "/?&=%+:0aF\n\x80 .h";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = "/";
    for (auto length = random() % 16; length > 0; --length) {
      text += kAlphabet[random() % kAlphabet.size()];
    }
    const auto target = parse_target(text);
    if (!target) continue;
    BOOST_TEST_REQUIRE(target->path.find('\n') == std::string::npos);
    BOOST_TEST_REQUIRE(target->path.starts_with('/'));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
