#include "http/status_text.hpp"

#include <boost/test/unit_test.hpp>

namespace hogwild::http {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

BOOST_AUTO_TEST_SUITE(status_as_text)

BOOST_AUTO_TEST_CASE(status_is_a_line_a_value_named_as_in_the_json) {
  NodeStatus status;
  status.node.name = "node-1";
  status.training.test_accuracy = 0.94123456;
  status.training.updates_total = 123456789;
  const auto text = status_text(status);
  BOOST_TEST(contains(text, "\nnode.name                         node-1\n"), text);
  BOOST_TEST(contains(text, "\ntraining.test_accuracy            0.941235\n"));
  BOOST_TEST(contains(text, "training.updates_total            123456789\n"));
  BOOST_TEST(contains(text, "123456789\n"));
  BOOST_TEST(contains(text, "cluster.coordinator               -\n"));
}

BOOST_AUTO_TEST_CASE(members_are_a_table) {
  MemberList list;
  list.members = {{"1f", "a", MemberState::kAlive, "h:1", {}, 0, {}, {}, true},
                  {"2f", "node-b", MemberState::kSuspect, "h:2", "h:3", 12, 0.00125, {}, false}};
  list.members[1].version = "0.1.0";
  list.members[1].keys = {"0a1b", "ffff"};
  list.members[1].suspected_by = {"a", "c"};
  list.members[1].id = "0123456789abcdef";
  list.members[1].http = "h:3";
  list.members[1].since = WallTime{};
  list.now = WallTime{} + std::chrono::seconds(3 * 3600 + 5 * 60);
  BOOST_TEST(
      members_text(list) ==
      "name    state    for    rtt_ms  gossip  http  version  keys       id        note\n"
      "a       alive    -           -  h:1     -     -        -          1f        this node\n"
      "node-b  suspect  3h05m     1.2  h:2     :3    0.1.0    0a1b,ffff  01234567  suspected "
      "by a,c\n\n"
      "2 members: 1 alive, 1 suspect, 0 dead, 0 left\n");
}

BOOST_AUTO_TEST_CASE(a_node_that_others_refuse_reads_why) {
  MemberList list;
  list.refused_by = {{"10.0.0.1:7420", "other_key", "it does not have the key", {}}};
  const auto text = members_text(list);
  BOOST_TEST(contains(text, "10.0.0.1:7420  other_key  it does not have the key"), text);
}

BOOST_AUTO_TEST_CASE(name_from_the_network_cannot_command_a_terminal) {
  MemberList list;
  list.members = {{"1f", "\x1b]0;owned\a", MemberState::kAlive, "", {}, 0, {}, {}, false}};
  const auto text = members_text(list);
  BOOST_TEST(!contains(text, "\x1b"));
  BOOST_TEST(!contains(text, "\a"));
  BOOST_TEST(!contains(logs_text(std::vector<LogLine>{{1, {}, 1, "a\x1b[2Jb\nc"}}), "\x1b"));
}

BOOST_AUTO_TEST_CASE(history_is_a_table_and_a_csv) {
  const std::vector<HistoryPoint> points = {{0.1, 1000, 0.5, 0.25, 0.875},
                                            {12.25, 2000000, {}, {}, 1}};
  BOOST_TEST(history_text(points) ==
             "t_seconds  updates  train_loss  test_loss  test_accuracy\n"
             "      0.1     1000         0.5       0.25          0.875\n"
             "    12.25  2000000           -          -              1\n");
  BOOST_TEST(history_csv(points) ==
             "t_seconds,updates,train_loss,test_loss,test_accuracy\n"
             "0.1,1000,0.5,0.25,0.875\n"
             "12.25,2000000,,,1\n");
}

BOOST_AUTO_TEST_CASE(rejections_are_listed_by_reason_in_one_cell) {
  const auto text = deltas_text(
      std::vector<DeltaPeer>{{"1f", "b", 1, 2, 3, 4, 5, 6, 7, {{"range", 8}, {"size", 9}}, {}}});
  BOOST_TEST(contains(text, "range=8,size=9"));
}

BOOST_AUTO_TEST_CASE(logs_are_the_lines_themselves) {
  BOOST_TEST(logs_text(std::vector<LogLine>{{1, {}, 1, "one"}, {2, {}, 1, "two"}}) == "one\ntwo\n");
}

BOOST_AUTO_TEST_CASE(report_and_settings_are_tables) {
  ReportStatus report{true, "out", {{"a.csv", 10, "http://x/a.csv", {}}, {"b", 5, {}, "refused"}}};
  BOOST_TEST(report_text(report) ==
             "name   bytes  link            error\n"
             "a.csv     10  http://x/a.csv  -\n"
             "b          5  -               refused\n");
  const std::vector<Setting> settings = {{"join", std::vector<std::string>{"a:1", "b:2"}, "flag"},
                                         {"bias", true, "default"}};
  BOOST_TEST(config_text(settings) ==
             "name  value    source\n"
             "join  a:1,b:2  flag\n"
             "bias  true     default\n");
}

BOOST_AUTO_TEST_CASE(health_lists_each_check_and_a_verdict) {
  BOOST_TEST(health_text("readyz", std::vector<HealthCheck>{{"joined", true, ""}}) ==
             "[+]joined ok\nreadyz check passed\n");
  BOOST_TEST(health_text("readyz", std::vector<HealthCheck>{{"joined", false, "no answer"},
                                                            {"data", true, ""}}) ==
             "[-]joined failed: no answer\n[+]data ok\nreadyz check failed\n");
}

BOOST_AUTO_TEST_CASE(model_is_a_line_a_value) {
  BOOST_TEST(model_text({"d1", 10, 20, 15, 1.25}) ==
             "state_digest     d1\n"
             "updates          10\n"
             "features         20\n"
             "nonzero_weights  15\n"
             "norm             1.25\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
