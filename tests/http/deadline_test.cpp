#include "http/deadline.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

namespace hogwild::http {
namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(deadlines)

BOOST_AUTO_TEST_CASE(limit_that_passes_acts_once) {
  boost::asio::io_context context;
  int actions = 0;
  Deadline deadline(context.get_executor(), [&] { ++actions; });
  deadline.arm(0ms);
  BOOST_TEST(!deadline.has_passed());
  context.run();
  BOOST_TEST(deadline.has_passed());
  BOOST_TEST(actions == 1);
  deadline.disarm();
  BOOST_TEST(!deadline.has_passed());
}

BOOST_AUTO_TEST_CASE(disarmed_limit_never_acts) {
  boost::asio::io_context context;
  int actions = 0;
  Deadline deadline(context.get_executor(), [&] { ++actions; });
  deadline.arm(0ms);
  deadline.disarm();
  context.run();
  BOOST_TEST(actions == 0);
}

// Both limits pass in one turn, so the wait of the second has completed when the first one's action
// changes its mind.
BOOST_AUTO_TEST_CASE(wait_that_has_completed_does_not_count_for_a_later_limit) {
  boost::asio::io_context context;
  int actions = 0;
  Deadline second(context.get_executor(), [&] { ++actions; });
  Deadline first(context.get_executor(), [&] { second.arm(1h); });
  first.arm(0ms);
  second.arm(0ms);
  context.poll();
  BOOST_TEST(first.has_passed());
  BOOST_TEST(!second.has_passed());
  BOOST_TEST(actions == 0);
}

BOOST_AUTO_TEST_CASE(deadline_that_is_gone_never_acts) {
  boost::asio::io_context context;
  int actions = 0;
  {
    Deadline deadline(context.get_executor(), [&] { ++actions; });
    deadline.arm(0ms);
  }
  context.run();
  BOOST_TEST(actions == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
