#include "daemon/load_line.hpp"

#include <boost/test/unit_test.hpp>

namespace hogwild::daemon {
namespace {

BOOST_AUTO_TEST_SUITE(load_line_)

BOOST_AUTO_TEST_CASE(line_says_what_is_known) {
  BOOST_TEST(load_line({.bytes = 1'240'000'000,
                        .total_bytes = 3'500'000'000,
                        .rows = 4'100'000,
                        .seconds = 0.5}) ==
             "loading: 1.24 of 3.50 GB (35 %), 4.1 million rows, 2.48 GB/s");
  BOOST_TEST(load_line({.bytes = 50'000'000, .rows = 200'000, .seconds = 1}) ==
             "loading: 0.05 GB, 0.2 million rows, 0.05 GB/s");
  BOOST_TEST(load_line({.seconds = 12.4}) == "loading: 12 s");
}

BOOST_AUTO_TEST_CASE(share_is_whole_only_at_the_end_and_never_more) {
  BOOST_TEST(percent_loaded({.bytes = 999, .total_bytes = 1000}) == "99");
  BOOST_TEST(percent_loaded({.bytes = 1000, .total_bytes = 1000}) == "100");
  BOOST_TEST(percent_loaded({.bytes = 2000, .total_bytes = 1000}) == "100");
  BOOST_TEST(percent_loaded({.bytes = 2000}) == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
