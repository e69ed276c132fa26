#include "http/client_text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <limits>

namespace hogwild::http {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

const WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 4h + 13min};

const json::value kStatus = json::parse(R"({
  "node":{"id":"a1","name":"node-1","version":"0.1.0","state":"training","uptime_seconds":192.4,
          "gossip":"10.0.0.1:7420","http":"10.0.0.1:7421"},
  "cluster":{"name":"hogwild","mode":"async","members":{"alive":4,"suspect":0,"dead":1,"left":0},
             "coordinator":null,"evaluator":{"id":"b2","name":"node-2"}},
  "run":{"id":"77","loss":"hinge","lambda":0.0001,"features":47236,"rows":781265,
         "seed":"18446744073709551615"},
  "training":{"epoch":3.2041,"updates_total":640000,"node_updates_total":160000,
              "updates_per_second":1204567.8,"nonzeros_per_second":9e7,"train_loss":0.201634,
              "test_loss":0.21,"test_accuracy":0.94416,"best_test_loss":0.2096,"round":null,
              "eta_seconds":12.4,"stop_reason":null},
  "replica":{"state_digest":"d68b576db87ffb56","pending_updates":123,"divergence":0,
             "published_seq":9},
  "network":{"sent_bytes_total":12345678,"received_bytes_total":999,"datagrams_lost_total":3,
             "datagrams_repaired_total":3,"datagrams_rejected_total":0},
  "result":null})");

json::value member(const std::string& id, const std::string& state) {
  return {{"id", id + "0000000000000000000000000000000"},
          {"name", "node-" + id},
          {"state", state},
          {"gossip", "10.0.0." + id + ":7420"},
          {"http", "10.0.0." + id + ":7421"},
          {"incarnation", 0},
          {"rtt_seconds", 0.00123},
          {"since", "2026-11-23T04:12:18.500Z"},
          {"self", false},
          {"version", "0.1.0"},
          {"keys", json::array()},
          {"suspected_by", json::array()}};
}

json::value list_of(json::array members) {
  return {{"members", std::move(members)}, {"refused_by", json::array()}};
}

std::size_t widest(std::string_view text) {
  std::size_t most = 0;
  std::size_t width = 0;
  for (const char c : text) {
    width = c == '\n' ? 0 : width + 1;
    most = std::max(most, width);
  }
  return most;
}

bool contains(std::string_view text, std::string_view piece) {
  return text.find(piece) != std::string_view::npos;
}

BOOST_AUTO_TEST_SUITE(client_text)

BOOST_AUTO_TEST_CASE(numbers_and_times_are_as_short_as_people_say_them) {
  BOOST_TEST(short_number(0) == "0");
  BOOST_TEST(short_number(950) == "950");
  BOOST_TEST(short_number(999.99) == "1.00 k");
  BOOST_TEST(short_number(12345) == "12.3 k");
  BOOST_TEST(short_number(1204567.8) == "1.20 M");
  BOOST_TEST(short_number(9.996e6) == "10.0 M");
  BOOST_TEST(short_number(4.5e11) == "450 G");
  BOOST_TEST(short_number(950, "B") == "950 B");
  BOOST_TEST(short_number(1.2e6, "B") == "1.20 MB");
  BOOST_TEST(short_duration(0.26) == "0.3 s");
  BOOST_TEST(short_duration(59.4) == "59 s");
  BOOST_TEST(short_duration(59.6) == "1 min 00 s");
  BOOST_TEST(short_duration(192.4) == "3 min 12 s");
  BOOST_TEST(short_duration(3 * 3600 + 5 * 60) == "3 h 05 min");
  BOOST_TEST(short_duration(2 * 86400 + 4 * 3600) == "2 d 04 h");
  BOOST_TEST(short_duration(std::numeric_limits<double>::infinity()) == "-");
}

BOOST_AUTO_TEST_CASE(summary_says_all_of_a_training_node_within_80_columns) {
  BOOST_TEST(status_summary(kStatus) ==
             "node      node-1, training, up 3 min 12 s, http://10.0.0.1:7421, hogwild 0.1.0\n"
             "cluster   hogwild, async, 4 alive, 1 dead, node-2 evaluates\n"
             "run       hinge, lambda 0.0001, 781265 rows, 47236 features,\n"
             "          seed 18446744073709551615\n"
             "progress  epoch 3.20, 640000 updates (160000 here), 1.20 M/s, 12 s left\n"
             "loss      train 0.20163, test 0.21000, best 0.20960, accuracy 94.42 %\n"
             "network   12.3 MB sent, 999 B received, 3 lost, 3 repaired, 0 rejected\n"
             "state     d68b576db87ffb56, 123 updates to publish, 0 datagrams behind\n");
  BOOST_TEST(widest(status_summary(kStatus)) <= 80U);
}

BOOST_AUTO_TEST_CASE(summary_names_the_coordinator_the_end_and_who_was_not_reached) {
  json::value status = kStatus;
  status.at("cluster").at("coordinator") = {{"id", "c"},
                                            {"name", "node-3"},
                                            {"term", 4},
                                            {"since", "2026-11-23T04:00:00.000Z"},
                                            {"reason", "it has the best claim"}};
  status.get_object()["rounds"] = {{"contributors", 3},
                                   {"round_seconds", 0.02},
                                   {"stragglers_total", 1},
                                   {"lost_updates_total", 0},
                                   {"waiting", "for a majority"}};
  status.at("training").at("round") = 17;
  status.at("training").at("stop_reason") = "epochs";
  status.at("result") = {{"partial", true},
                         {"unreached", {"node-4", "node-5"}},
                         {"majority_accuracy", 0.97},
                         {"balanced_accuracy", 0.8125},
                         {"f1", 0.6667},
                         {"roc_auc", nullptr},
                         {"log_loss", nullptr}};
  const std::string text = status_summary(status);
  BOOST_TEST(contains(text, "leads     node-3, term 4, since 2026-11-23T04:00:00.000Z,"), text);
  BOOST_TEST(contains(text, "it has the best claim"), text);
  BOOST_TEST(contains(text, "rounds    3 contribute, 20.0 ms each, 1 stragglers, 0 updates lost,"),
             text);
  BOOST_TEST(contains(text, "waits: for a majority"), text);
  BOOST_TEST(contains(text, "round 17"), text);
  BOOST_TEST(contains(text, "stopped   epochs, without node-4,node-5\n"), text);
  BOOST_TEST(contains(text, "measures  majority 97.00 %, balanced 81.25 %, F1 0.6667\n"), text);
}

// A node of another version answers with other members, or with others of these.
BOOST_AUTO_TEST_CASE(what_an_answer_lacks_is_unknown) {
  for (const auto& answer : {json::value(json::object()), json::value(nullptr),
                             json::parse(R"({"node":3,"cluster":[],"run":{"id":true}})")}) {
    BOOST_TEST(contains(status_summary(answer), "node      -, -, up -"));
    BOOST_TEST(contains(status_line(answer, kNow), "state=- alive=- epoch=-"));
    BOOST_TEST(members_table(answer, 80, kNow).starts_with("name"));
    MemberChanges changes;
    BOOST_TEST(changes.lines(answer, kNow).empty());
    BOOST_TEST(log_lines(answer) == "");
  }
}

BOOST_AUTO_TEST_CASE(names_from_the_network_cannot_command_the_terminal) {
  json::value status = kStatus;
  status.at("node").at("name") = "a\x1b[2Jb\n";
  BOOST_TEST(contains(status_summary(status), "node      a?[2Jb?, training"));
}

BOOST_AUTO_TEST_CASE(line_of_status_has_the_time_and_values_by_key) {
  BOOST_TEST(status_line(kStatus, kNow) ==
             "2026-11-23T04:13:00.000Z state=training alive=4 epoch=3.204 updates=640000 "
             "updates_per_second=1204568 train_loss=0.20163 test_loss=0.21000 "
             "test_accuracy=0.94416");
}

BOOST_AUTO_TEST_CASE(table_of_members_has_the_columns_that_fit) {
  const auto list = list_of({member("1", "alive"), member("2", "dead")});
  BOOST_TEST(members_table(list, 80, kNow) ==
             "name    state  for   rtt_ms  http           gossip         version  incarnation\n"
             "node-1  alive  42 s    1.23  10.0.0.1:7421  10.0.0.1:7420  0.1.0              0\n"
             "node-2  dead   42 s    1.23  10.0.0.2:7421  10.0.0.2:7420  0.1.0              0\n");
  BOOST_TEST(contains(members_table(list, 200, kNow), "  id\n"));
  for (const std::size_t width : {20U, 40U, 60U, 80U, 120U}) {
    BOOST_TEST(widest(members_table(list, width, kNow)) <= width);
  }
  BOOST_TEST(members_table(list, 1, kNow).starts_with("name\n"));
}

BOOST_AUTO_TEST_CASE(accusers_and_refusals_are_shown_where_there_are_any) {
  auto accused = member("1", "suspect");
  accused.at("suspected_by") = {"node-2", "node-3"};
  auto list = list_of({accused});
  list.at("refused_by") = {{{"gossip", "10.0.0.9:7420"}, {"detail", "it has another key"}}};
  const auto text = members_table(list, 80, kNow);
  BOOST_TEST(contains(text, "suspected_by"), text);
  BOOST_TEST(contains(text, "node-2,node-3"), text);
  BOOST_TEST(contains(text, "refused by 10.0.0.9:7420: it has another key\n"), text);
}

BOOST_AUTO_TEST_CASE(changes_of_members_are_told_once_each) {
  MemberChanges changes;
  const auto first = changes.lines(list_of({member("1", "alive"), member("2", "alive")}), kNow);
  BOOST_TEST_REQUIRE(first.size() == 2U);
  BOOST_TEST(first[0] ==
             "2026-11-23T04:13:00.000Z name=node-1 state=alive gossip=10.0.0.1:7420 "
             "id=10000000000000000000000000000000");
  BOOST_TEST(changes.lines(list_of({member("1", "alive"), member("2", "alive")}), kNow).empty());
  const auto second = changes.lines(list_of({member("1", "alive"), member("2", "dead")}), kNow);
  BOOST_TEST_REQUIRE(second.size() == 1U);
  BOOST_TEST(contains(second[0], "name=node-2 state=dead was=alive"));
  const auto third = changes.lines(list_of({member("1", "alive")}), kNow);
  BOOST_TEST_REQUIRE(third.size() == 1U);
  BOOST_TEST(contains(third[0], "state=forgotten was=dead"));
}

BOOST_AUTO_TEST_CASE(screen_is_cut_to_the_terminal_by_characters_not_bytes) {
  BOOST_TEST(clipped("abcdef\nab\nx\n", 3, 2) == "abc\nab\n");
  BOOST_TEST(clipped("äöü…\n", 3, 9) == "äöü\n");
  BOOST_TEST(clipped("no end", 80, 1) == "no end\n");
  BOOST_TEST(clipped("a\n\nb", 1, 9) == "a\n\nb\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
