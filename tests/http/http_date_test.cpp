#include "http/http_date.hpp"

#include <boost/test/unit_test.hpp>

namespace hogwild::http {
namespace {

BOOST_AUTO_TEST_SUITE(dates)

// RFC 9110, 5.6.7 has this example.
BOOST_AUTO_TEST_CASE(date_of_the_standard_is_written_as_the_standard_does) {
  using namespace std::chrono;
  const auto time = sys_days(1994y / November / 6) + 8h + 49min + 37s;
  BOOST_TEST(http_date(time) == "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST(http_date(sys_seconds{}) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
