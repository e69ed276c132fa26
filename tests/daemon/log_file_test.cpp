#include "daemon/log_file.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/daemon/limited_file_size.hpp"
#include "tests/daemon/temporary_directory.hpp"

namespace hogwild::daemon {
namespace {

BOOST_AUTO_TEST_SUITE(log_file)

BOOST_AUTO_TEST_CASE(lines_from_before_the_opening_come_first) {
  const TemporaryDirectory directory;
  LogFile file(1000);
  file.append(LogLevel::kMinimal, "early");
  BOOST_TEST_REQUIRE(file.open_partial(directory.path() / "log").has_value());
  file.append(LogLevel::kMinimal, "late");
  BOOST_TEST_REQUIRE(file.finish().has_value());
  BOOST_TEST(content_of(directory.path() / "log") == "early\nlate\n");
}

BOOST_AUTO_TEST_CASE(until_it_is_finished_the_old_file_stays) {
  const TemporaryDirectory directory;
  put_file(directory.path() / "log", "of the last run");
  LogFile file(1000);
  BOOST_TEST_REQUIRE(file.open_partial(directory.path() / "log").has_value());
  file.append(LogLevel::kMinimal, "new");
  file.flush();
  BOOST_TEST(content_of(directory.path() / "log") == "of the last run");
  BOOST_TEST(content_of(directory.path() / "log.partial") == "new\n");
  BOOST_TEST_REQUIRE(file.finish().has_value());
  BOOST_TEST(content_of(directory.path() / "log") == "new\n");
  BOOST_TEST(entries_of(directory.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(file_that_was_never_opened_cannot_be_finished) {
  LogFile file(1000);
  file.append(LogLevel::kMinimal, "lost");
  BOOST_TEST(!file.finish().has_value());
}

BOOST_AUTO_TEST_CASE(lines_after_the_finish_are_appended) {
  const TemporaryDirectory directory;
  LogFile file(1000);
  BOOST_TEST_REQUIRE(file.open_partial(directory.path() / "log").has_value());
  BOOST_TEST_REQUIRE(file.finish().has_value());
  file.append(LogLevel::kMinimal, "links");
  file.flush();
  BOOST_TEST(content_of(directory.path() / "log") == "links\n");
  BOOST_TEST(file.finish().has_value());  // syncs, and has its name
  BOOST_TEST(content_of(directory.path() / "log") == "links\n");
}

BOOST_AUTO_TEST_CASE(traffic_stops_at_the_bound_and_the_rest_at_twice_it) {
  const TemporaryDirectory directory;
  LogFile file(10);
  BOOST_TEST_REQUIRE(file.open_partial(directory.path() / "log").has_value());
  for (int i = 0; i < 5; ++i) file.append(LogLevel::kTraffic, "traff");
  for (int i = 0; i < 5; ++i) file.append(LogLevel::kMembership, "member");
  BOOST_TEST_REQUIRE(file.finish().has_value());
  BOOST_TEST(content_of(directory.path() / "log") == "traff\nmember\nmember\n");
  BOOST_TEST(file.dropped_lines() == 7U);
}

BOOST_AUTO_TEST_CASE(what_waits_for_the_opening_is_bounded_and_counted_once_it_matters) {
  const TemporaryDirectory directory;
  LogFile file(1U << 30U);
  const std::string line(1023, 'x');
  for (std::size_t i = 0; i < 1030; ++i) file.append(LogLevel::kMinimal, line);
  BOOST_TEST(file.dropped_lines() == 0U);
  BOOST_TEST_REQUIRE(file.open_partial(directory.path() / "log").has_value());
  BOOST_TEST(file.dropped_lines() == 6U);
  BOOST_TEST_REQUIRE(file.finish().has_value());
  BOOST_TEST(std::filesystem::file_size(directory.path() / "log") == LogFile::kMostPendingBytes);
}

BOOST_AUTO_TEST_CASE(a_file_to_append_to_keeps_what_it_has_and_has_no_bound) {
  const TemporaryDirectory directory;
  put_file(directory.path() / "log", "old\n");
  LogFile file(1);
  BOOST_TEST_REQUIRE(file.open_for_append(directory.path() / "log").has_value());
  file.append(LogLevel::kTraffic, "new");
  file.flush();
  BOOST_TEST(content_of(directory.path() / "log") == "old\nnew\n");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error_and_the_old_file_stays) {
  const TemporaryDirectory directory;
  put_file(directory.path() / "log", "old");
  LogFile file(1U << 30U);
  BOOST_TEST_REQUIRE(file.open_partial(directory.path() / "log").has_value());
  std::expected<void, std::string> finished;
  {
    const LimitedFileSize full(4096);
    for (int i = 0; i < 100; ++i) file.append(LogLevel::kMinimal, std::string(1000, 'x'));
    file.flush();
    finished = file.finish();
  }
  BOOST_TEST(!finished.has_value());
  BOOST_TEST(file.failed_writes() > 0U);
  BOOST_TEST(content_of(directory.path() / "log") == "old");
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_missing_is_an_error_that_names_the_file) {
  const TemporaryDirectory directory;
  LogFile file(1000);
  const auto opened = file.open_partial(directory.path() / "missing" / "log");
  BOOST_TEST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.error() == (directory.path() / "missing" / "log.partial").string() +
                                   ": cannot open: No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
