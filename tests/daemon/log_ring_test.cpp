#include "daemon/log_ring.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

namespace hogwild::daemon {
namespace {

std::string joined(const std::vector<LogLine>& lines) {
  std::string text;
  for (const auto& line : lines) text += line.text;
  return text;
}

void fill(LogRing& ring) {
  ring.push({}, LogLevel::kMinimal, "a");
  ring.push({}, LogLevel::kTraffic, "b");
  ring.push({}, LogLevel::kTraffic, "c");
  ring.push({}, LogLevel::kEvaluations, "d");
  ring.push({}, LogLevel::kTraffic, "e");
  ring.push({}, LogLevel::kTraffic, "f");
}

BOOST_AUTO_TEST_SUITE(log_ring)

BOOST_AUTO_TEST_CASE(lines_come_oldest_first_over_all_levels) {
  LogRing ring(3);
  fill(ring);
  BOOST_TEST(joined(ring.lines({.level = LogLevel::kTraffic})) == "acdef");
}

BOOST_AUTO_TEST_CASE(traffic_pushes_out_traffic_alone) {
  LogRing ring(2);
  ring.push({}, LogLevel::kMembership, "joined");
  for (int i = 0; i < 1000; ++i) ring.push({}, LogLevel::kTraffic, "t");
  BOOST_TEST(joined(ring.lines({.level = LogLevel::kTraffic})) == "joinedtt");
}

BOOST_AUTO_TEST_CASE(a_level_shows_itself_and_those_below) {
  LogRing ring(3);
  fill(ring);
  BOOST_TEST(joined(ring.lines({.level = LogLevel::kMinimal})) == "a");
  BOOST_TEST(joined(ring.lines({.level = LogLevel::kMembership})) == "ad");
}

BOOST_AUTO_TEST_CASE(the_limit_keeps_the_newest_of_all_levels) {
  LogRing ring(3);
  fill(ring);
  BOOST_TEST(joined(ring.lines({.level = LogLevel::kTraffic, .limit = 3})) == "def");
  BOOST_TEST(joined(ring.lines({.level = LogLevel::kTraffic, .limit = 0})).empty());
}

BOOST_AUTO_TEST_CASE(since_gives_what_came_later) {
  LogRing ring(3);
  fill(ring);
  const auto lines = ring.lines({.level = LogLevel::kTraffic, .since = 4});
  BOOST_TEST(joined(lines) == "ef");
  BOOST_TEST(lines.front().sequence == 5U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
