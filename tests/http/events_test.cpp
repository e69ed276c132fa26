#include "http/events.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

namespace hogwild::http {
namespace {

std::string taken(const EventLog& log, std::uint64_t& number) {
  const auto text = log.take(number);
  return text ? *text : "(none)";
}

BOOST_AUTO_TEST_SUITE(events)

BOOST_AUTO_TEST_CASE(event_has_an_id_a_type_and_one_line_of_data) {
  EventLog log("abc");
  std::uint64_t reader = log.resume("");
  log.publish({"evaluation", R"({"updates":1})"});
  BOOST_TEST(taken(log, reader) == "id: abc-1\nevent: evaluation\ndata: {\"updates\":1}\n\n");
  BOOST_TEST(taken(log, reader) == "(none)");
}

BOOST_AUTO_TEST_CASE(new_client_is_told_what_comes_and_one_that_returns_what_it_missed) {
  EventLog log("abc");
  for (const char* data : {"1", "2", "3"}) log.publish({"member", data});
  std::uint64_t fresh = log.resume("");
  std::uint64_t back = log.resume("abc-1");
  BOOST_TEST(taken(log, fresh) == "(none)");
  BOOST_TEST(taken(log, back).starts_with("id: abc-2\n"));
  BOOST_TEST(taken(log, back).starts_with("id: abc-3\n"));
  BOOST_TEST(taken(log, back) == "(none)");
  log.publish({"member", "4"});
  BOOST_TEST(taken(log, fresh).starts_with("id: abc-4\n"));
  BOOST_TEST(taken(log, back).starts_with("id: abc-4\n"));
}

// Numbers of a process that is gone, or that nobody ever gave, must not skip or repeat anything.
BOOST_AUTO_TEST_CASE(id_that_is_not_of_this_log_counts_as_none) {
  EventLog log("abc");
  for (const char* data : {"1", "2", "3"}) log.publish({"member", data});
  for (const char* id : {"abd-1", "abc", "abc-", "abc-4", "abc--1", "abc-1 ", "-1", "-",
                         "abc-99999999999999999999", "abc-0x1", "\xff\xfe"}) {
    BOOST_TEST(log.resume(id) == 4U, id);
  }
  BOOST_TEST(log.resume("abc-0") == 1U);
}

BOOST_AUTO_TEST_CASE(log_is_bounded_and_a_slow_reader_goes_on_with_the_oldest) {
  EventLog log("abc", 3);
  std::uint64_t slow = log.resume("");
  for (int i = 1; i <= 10; ++i) log.publish({"member", std::to_string(i)});
  BOOST_TEST(taken(log, slow).starts_with("id: abc-8\n"));
  BOOST_TEST(taken(log, slow).starts_with("id: abc-9\n"));
  BOOST_TEST(taken(log, slow).starts_with("id: abc-10\n"));
  BOOST_TEST(taken(log, slow) == "(none)");
}

BOOST_AUTO_TEST_CASE(what_names_hold_stays_in_its_line) {
  MemberStatus member;
  member.name = "a\n\ndata: forged\r\x01\xff";
  const Event event = member_event(member, "joined");
  BOOST_TEST(event.data.find_first_of("\n\r") == std::string::npos);
  const auto data = boost::json::parse(event.data);
  BOOST_TEST(data.at("change").as_string() == "joined");
  BOOST_TEST(data.at("state").as_string() == "alive");
}

BOOST_AUTO_TEST_CASE(end_of_a_run_tells_status_and_files) {
  NodeStatus status;
  status.training.stop_reason = "epochs";
  ReportStatus report;
  report.files.push_back({"report.json", 12, {}, {}});
  const auto data = boost::json::parse(finished_event(status, report).data);
  BOOST_TEST(data.at_pointer("/status/training/stop_reason").as_string() == "epochs");
  BOOST_TEST(data.at_pointer("/report/files/0/name").as_string() == "report.json");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
