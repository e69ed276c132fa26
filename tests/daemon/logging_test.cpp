#include "daemon/logging.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
namespace {

/// The events of a log's text, in order, by name.
std::vector<std::string> events_in(const std::string& text) {
  std::vector<std::string> events;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.find("event=") + 6;
    events.push_back(line.substr(begin, line.find(' ', begin) - begin));
  }
  return events;
}

void log_one_of_each(Logging& log) {
  log.event(LogLevel::kMinimal, "result");
  log.event(LogLevel::kEvaluations, "evaluation");
  log.event(LogLevel::kMembership, "member_joined");
  log.event(LogLevel::kTraffic, "delta_sent");
  log.warning("disk_slow");
}

using Events = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(logging)

BOOST_AUTO_TEST_CASE(each_level_lets_through_itself_and_those_below) {
  const std::vector<Events> expected{
      {"result", "disk_slow"},
      {"result", "evaluation", "disk_slow"},
      {"result", "evaluation", "member_joined", "disk_slow"},
      {"result", "evaluation", "member_joined", "delta_sent", "disk_slow"}};
  for (int level = 0; level <= 3; ++level) {
    const TemporaryDirectory directory;
    const auto log = Logging::open({.level = level, .file = directory.path() / "log"});
    BOOST_TEST_REQUIRE(log.has_value());
    log_one_of_each(**log);
    BOOST_TEST_REQUIRE((*log)->drain());
    BOOST_TEST(events_in(content_of(directory.path() / "log")) ==
                   expected[static_cast<std::size_t>(level)],
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(the_files_of_a_run_hold_what_the_level_let_through_and_all) {
  const TemporaryDirectory directory;
  const auto log = Logging::open({.level = 1, .file = directory.path() / "log"});
  (*log)->event(LogLevel::kTraffic, "before_the_files");
  BOOST_TEST_REQUIRE((*log)->open_files(directory.path()).has_value());
  log_one_of_each(**log);
  BOOST_TEST_REQUIRE((*log)->finish_files().has_value());
  BOOST_TEST(events_in(content_of(directory.path() / "filtered_logs.txt")) ==
                 (Events{"result", "evaluation", "disk_slow"}),
             boost::test_tools::per_element());
  BOOST_TEST(events_in(content_of(directory.path() / "all_logs.txt")) ==
                 (Events{"before_the_files", "result", "evaluation", "member_joined", "delta_sent",
                         "disk_slow"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_level_changes_at_run_time) {
  const TemporaryDirectory directory;
  const auto log = Logging::open({.level = 0, .file = directory.path() / "log"});
  (*log)->event(LogLevel::kTraffic, "unseen");
  BOOST_TEST(!(*log)->shows(LogLevel::kTraffic));
  BOOST_TEST_REQUIRE((*log)->drain());
  (*log)->set_level(LogLevel::kTraffic);
  BOOST_TEST(((*log)->level() == LogLevel::kTraffic));
  BOOST_TEST((*log)->shows(LogLevel::kTraffic));
  (*log)->event(LogLevel::kTraffic, "seen");
  BOOST_TEST_REQUIRE((*log)->drain());
  BOOST_TEST(events_in(content_of(directory.path() / "log")) == Events{"seen"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(lines_are_in_memory_whatever_the_level) {
  const TemporaryDirectory directory;
  const auto log = Logging::open({.level = 0, .file = directory.path() / "log"});
  log_one_of_each(**log);
  BOOST_TEST_REQUIRE((*log)->drain());
  BOOST_TEST((*log)->lines({.level = LogLevel::kTraffic}).size() == 5U);
  const auto joins = (*log)->lines({.level = LogLevel::kMembership, .since = 2, .limit = 1});
  BOOST_TEST_REQUIRE(joins.size() == 1U);
  BOOST_TEST(joins[0].sequence == 5U);
  BOOST_TEST((joins[0].level == LogLevel::kMinimal));
  BOOST_TEST(joins[0].text == utc_text(joins[0].time) + " event=disk_slow");
}

BOOST_AUTO_TEST_CASE(json_lines_are_objects) {
  const TemporaryDirectory directory;
  const auto log =
      Logging::open({.level = 1, .format = LogFormat::kJson, .file = directory.path() / "log"});
  (*log)->event(LogLevel::kEvaluations, "evaluation", {{"test_loss", 0.25}, {"name", "a b"}});
  BOOST_TEST_REQUIRE((*log)->drain());
  const auto line = boost::json::parse(content_of(directory.path() / "log"));
  BOOST_TEST(line.at("event").as_string() == "evaluation");
  BOOST_TEST(line.at("test_loss").as_double() == 0.25);
  BOOST_TEST(line.at("name").as_string() == "a b");
}

BOOST_AUTO_TEST_CASE(what_is_queued_when_the_log_closes_is_written) {
  const TemporaryDirectory directory;
  {
    const auto log = Logging::open({.level = 3, .file = directory.path() / "log"});
    for (int i = 0; i < 1000; ++i) (*log)->event(LogLevel::kMembership, "e", {{"i", i}});
  }
  BOOST_TEST(events_in(content_of(directory.path() / "log")).size() == 1000U);
}

BOOST_AUTO_TEST_CASE(lines_of_several_threads_come_whole_or_are_counted_as_dropped) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kLines = 20'000;
  const TemporaryDirectory directory;
  const auto log = Logging::open({.level = 3, .file = directory.path() / "log"});
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < kLines; ++i)
          (*log)->event(LogLevel::kTraffic, "sent", {{"bytes", i}});
      });
    }
  }
  BOOST_TEST_REQUIRE((*log)->drain());
  const auto events = events_in(content_of(directory.path() / "log"));
  BOOST_TEST(events.size() + (*log)->counters().dropped_lines_total == kThreads * kLines);
  BOOST_TEST(std::ranges::count(events, "sent") == static_cast<std::ptrdiff_t>(events.size()));
}

BOOST_AUTO_TEST_CASE(a_log_file_that_cannot_be_opened_is_an_error_that_names_it) {
  const TemporaryDirectory directory;
  const auto log = Logging::open({.level = 1, .file = directory.path() / "missing" / "log"});
  BOOST_TEST_REQUIRE(!log.has_value());
  BOOST_TEST(log.error().find("missing/log: cannot open: ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_directory_that_takes_no_files_is_an_error) {
  const TemporaryDirectory directory;
  const auto log = Logging::open({.level = 1, .file = directory.path() / "log"});
  BOOST_TEST(!(*log)->open_files(directory.path() / "missing").has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
