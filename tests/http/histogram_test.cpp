#include "http/histogram.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

namespace hogwild::http {
namespace {

BOOST_AUTO_TEST_SUITE(histogram)

BOOST_AUTO_TEST_CASE(value_counts_under_the_first_bound_that_it_does_not_exceed) {
  Histogram histogram({1, 2});
  for (const double value : {0.5, 1.0, 1.5, 2.0, 2.5}) histogram.observe(value);
  const std::vector<std::uint64_t> expected = {2, 2, 1};
  BOOST_TEST(histogram.counts() == expected, boost::test_tools::per_element());
  BOOST_TEST(histogram.sum() == 7.5);
}

BOOST_AUTO_TEST_CASE(nan_is_ignored_and_infinity_is_above_all_bounds) {
  Histogram histogram({1});
  histogram.observe(std::numeric_limits<double>::quiet_NaN());
  BOOST_TEST(histogram.sum() == 0);
  histogram.observe(std::numeric_limits<double>::infinity());
  const std::vector<std::uint64_t> expected = {0, 1};
  BOOST_TEST(histogram.counts() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
