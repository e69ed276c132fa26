#include "sgd/learn/pace.hpp"

#include <boost/test/unit_test.hpp>

namespace hogwild::sgd {
namespace {

BOOST_AUTO_TEST_SUITE(pace)

BOOST_AUTO_TEST_CASE(rows_are_asked_for_once_when_so_many_are_taken) {
  int woken = 0;
  Pace pace{.wake = [&woken] { ++woken; }};
  pace.taken(1'000'000);  // nobody filled a queue
  BOOST_TEST(woken == 0);
  pace.refill_at = 50;
  pace.taken(49);
  BOOST_TEST(woken == 0);
  BOOST_TEST(!pace.wants_rows);
  pace.taken(51);
  pace.taken(52);
  BOOST_TEST(woken == 1);
  BOOST_TEST(pace.wants_rows);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
