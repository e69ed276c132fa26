#include "http/negotiation.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

namespace hogwild::http {
namespace {

std::string_view preferred(std::string_view accept) {
  constexpr std::array<std::string_view, 3> kOffered = {"application/json", "text/plain",
                                                        "text/csv"};
  return preferred_type(accept, kOffered);
}

BOOST_AUTO_TEST_SUITE(negotiation)

BOOST_AUTO_TEST_CASE(default_is_first_where_anything_or_nothing_fits) {
  for (const auto* accept : {"", "*/*", "image/png", "application/*", ",,;;", "text/plain;q=0",
                             "text/html,application/xhtml+xml,*/*;q=0.8", "text/plain;q=x"}) {
    BOOST_TEST(preferred(accept) == "application/json", accept);
  }
}

BOOST_AUTO_TEST_CASE(named_type_wins) {
  BOOST_TEST(preferred("text/plain") == "text/plain");
  BOOST_TEST(preferred("TEXT/Plain; charset=utf-8") == "text/plain");
  BOOST_TEST(preferred("text/csv") == "text/csv");
  BOOST_TEST(preferred("text/*") == "text/plain");
}

// RFC 9110, 12.5.1: the most specific range takes precedence.
BOOST_AUTO_TEST_CASE(weights_and_specificity_decide) {
  BOOST_TEST(preferred("application/json;q=0.5, text/plain") == "text/plain");
  BOOST_TEST(preferred("text/plain;q=0.5, application/json;q=0.6") == "application/json");
  BOOST_TEST(preferred("*/*;q=0.1, text/csv ; q=0.2") == "text/csv");
  BOOST_TEST(preferred("text/plain;q=0.1, text/*;q=0.9, application/json;q=0.5") == "text/csv");
  BOOST_TEST(preferred("text/plain, application/json") == "application/json");
}

BOOST_AUTO_TEST_CASE(coding_is_taken_by_name_else_by_star_and_a_weight_of_0_refuses) {
  for (const char* field :
       {"gzip", "GZIP", "deflate, gzip;q=0.1", "*", "gzip, *;q=0", "br , gzip "}) {
    BOOST_TEST(accepts_coding(field, "gzip"), field);
  }
  for (const char* field :
       {"", "identity", "gzip;q=0", "gzip; q=0.0, *", "*;q=0", "gzipp", "x-gzip", ",", ";q=1"}) {
    BOOST_TEST(!accepts_coding(field, "gzip"), field);
  }
}

BOOST_AUTO_TEST_CASE(tags_are_compared_weakly) {
  for (const char* field : {"\"a\"", "W/\"a\"", "*", "\"b\", \"a\"", "\"b\",W/\"a\"  "}) {
    BOOST_TEST(names_tag(field, "\"a\""), field);
    BOOST_TEST(names_tag(field, "W/\"a\""), field);
  }
  for (const char* field : {"", "a", "\"A\"", "\"b\"", ",", "W/", "\"a"}) {
    BOOST_TEST(!names_tag(field, "\"a\""), field);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
