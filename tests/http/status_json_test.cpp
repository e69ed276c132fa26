#include "http/status_json.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "http/status_value.hpp"

namespace hogwild::http {
namespace {

namespace json = boost::json;

/// "a.b:kind" of each leaf, in order: names and types as a contract states them.
void add_shape(std::string& out, const std::string& name, const json::value& value) {
  if (value.is_object() && !value.get_object().empty()) {
    for (const auto& [key, element] : value.get_object()) {
      add_shape(out, name.empty() ? std::string(key) : name + '.' + std::string(key), element);
    }
    return;
  }
  if (value.is_array() && !value.get_array().empty()) {
    return add_shape(out, name + "[]", value.get_array().front());
  }
  out += name + ':' + std::string(json::to_string(value.kind())) + ' ';
}

std::string shape_of(const std::string& text) {
  std::string out;
  add_shape(out, "", json::parse(text));
  return out;
}

NodeStatus full_status() {
  NodeStatus status;
  status.node = {"1f", "a", "0.1.0", NodeState::kTraining, 12.5, "10.0.0.1:7420", "127.0.0.1:7421"};
  status.cluster = {"hogwild",
                    "sync",
                    {4, 1, 2, 3},
                    CoordinatorInfo{"2f", "b", 7, WallTime{}, "won term 7"},
                    EvaluatorInfo{"3f", "c"}};
  status.run = {"r1", "hinge", 1e-4, {{1e-4, 1e-3}}, 47236, 200000, "18446744073709551615",
                3000, "r0",    7};
  status.training = {1.5, 300000, 75000, 1e6, 7.5e7, 0.31, 0.22, 0.94, 0.21, 3, 8.5, "epochs", {}};
  status.training.sampling = SamplingInfo{2, 782, 3, 4};
  status.replica = {"d16e57", 100, 2, 55};
  status.network = {1, 2, 3, 4, 5};
  status.rounds = RoundsInfo{2, 4, true, 3, 0.02, 5, 6, 7, "no quorum"};
  status.checkpoint = CheckpointInfo{300000, 1.5, 446136, 0.002, 3, 1};
  status.result = ResultInfo{true, {"d", "e"}, 0.9, 0.8, 0.7, 0.6, 0.5};
  return status;
}

BOOST_AUTO_TEST_SUITE(status_as_json)

BOOST_AUTO_TEST_CASE(status_has_every_field_of_the_contract) {
  const std::string text = status_json(full_status());
  BOOST_TEST(text.ends_with("}\n"));
  BOOST_TEST(
      shape_of(text) ==
      "node.id:string node.name:string node.version:string node.state:string "
      "node.uptime_seconds:double node.gossip:string node.http:string cluster.name:string "
      "cluster.mode:string cluster.members.alive:int64 cluster.members.suspect:int64 "
      "cluster.members.dead:int64 cluster.members.left:int64 cluster.coordinator.id:string "
      "cluster.coordinator.name:string cluster.coordinator.term:int64 "
      "cluster.coordinator.since:string cluster.coordinator.reason:string "
      "cluster.evaluator.id:string "
      "cluster.evaluator.name:string run.id:string run.loss:string run.lambda:double "
      "run.lambdas[]:double "
      "run.features:int64 run.rows:int64 run.seed:string run.rows_missing:int64 "
      "run.resumed_from:string "
      "run.resumed_updates:int64 training.epoch:double "
      "training.updates_total:int64 training.node_updates_total:int64 "
      "training.updates_per_second:int64 training.nonzeros_per_second:int64 "
      "training.train_loss:double training.test_loss:double training.test_accuracy:double "
      "training.best_test_loss:double training.round:int64 training.eta_seconds:double "
      "training.stop_reason:string training.sampling.epochs:int64 "
      "training.sampling.blocks:int64 training.sampling.missed_blocks:int64 "
      "training.sampling.repeated_blocks:int64 replica.state_digest:string "
      "replica.pending_updates:int64 "
      "replica.divergence:int64 replica.published_seq:int64 network.sent_bytes_total:int64 "
      "network.received_bytes_total:int64 network.datagrams_lost_total:int64 "
      "network.datagrams_repaired_total:int64 network.datagrams_rejected_total:int64 "
      "rounds.epoch:int64 rounds.members:int64 rounds.member:bool rounds.contributors:int64 "
      "rounds.round_seconds:double rounds.elections_total:int64 rounds.stragglers_total:int64 "
      "rounds.lost_updates_total:int64 rounds.waiting:string checkpoint.updates:int64 "
      "checkpoint.age_seconds:double checkpoint.bytes:int64 checkpoint.write_seconds:double "
      "checkpoint.written_total:int64 checkpoint.failed_total:int64 "
      "result.partial:bool result.unreached[]:string result.majority_accuracy:double "
      "result.balanced_accuracy:double result.f1:double result.roc_auc:double "
      "result.log_loss:double ");
}

BOOST_AUTO_TEST_CASE(values_of_the_status_are_where_they_belong) {
  const auto value = json::parse(status_json(full_status()));
  BOOST_TEST(value.at("node").at("state").as_string() == "training");
  BOOST_TEST(value.at("cluster").at("members").at("left").as_int64() == 3);
  BOOST_TEST(value.at("cluster").at("coordinator").at("term").as_int64() == 7);
  BOOST_TEST(value.at("run").at("lambda").as_double() == 1e-4);
  BOOST_TEST(value.at("run").at("seed").as_string() == "18446744073709551615");
  BOOST_TEST(value.at("training").at("test_loss").as_double() == 0.22);
  BOOST_TEST(value.at("training").at("best_test_loss").as_double() == 0.21);
  BOOST_TEST(value.at("replica").at("published_seq").as_int64() == 55);
  BOOST_TEST(value.at("network").at("datagrams_rejected_total").as_int64() == 5);
  BOOST_TEST(value.at("result").at("unreached").as_array().size() == 2U);
}

BOOST_AUTO_TEST_CASE(unknown_is_null_and_never_missing) {
  const auto value = json::parse(status_json(NodeStatus{}));
  BOOST_TEST(value.at("cluster").at("coordinator").is_null());
  BOOST_TEST(value.at("cluster").at("evaluator").is_null());
  BOOST_TEST(value.at("result").is_null());
  for (const auto* group : {"run", "training", "replica"}) {
    for (const auto& [key, element] : value.at(group).as_object()) {
      BOOST_TEST(element.is_null(), group << '.' << std::string(key));
    }
  }
}

BOOST_AUTO_TEST_CASE(value_that_is_not_finite_is_null) {
  NodeStatus status;
  status.training.test_loss = std::nan("");
  BOOST_TEST(json::parse(status_json(status)).at("training").at("test_loss").is_null());
}

BOOST_AUTO_TEST_CASE(members_have_every_field_and_utc_times) {
  using namespace std::chrono;
  MemberStatus member{"1f", "a", MemberState::kSuspect, "h:1", "h:2", 3, 0.25, WallTime{}, true};
  member.since = sys_days(2026y / November / 23) + 4h + 13min + 7s + 5ms;
  member.version = "0.1.0";
  member.keys = {"09ab"};
  member.suspected_by = {"b"};
  member.evidence = "no ack";
  member.roles = {"coordinator"};
  const std::string text = members_json({{member}, "d1", {{"h:9", "other_key", "why", {}}}});
  BOOST_TEST(
      text ==
      R"({"members":[{"id":"1f","name":"a","state":"suspect","gossip":"h:1","http":"h:2",)"
      R"("incarnation":3,"rtt_seconds":0.25,"since":"2026-11-23T04:13:07.005Z",)"
      R"("self":true,"version":"0.1.0","keys":["09ab"],"suspected_by":["b"],"evidence":"no ack",)"
      R"("roles":["coordinator"]}],"digest":"d1",)"
      R"("refused_by":[{"gossip":"h:9","reason":"other_key","detail":"why","last":null}]})"
      "\n");
  BOOST_TEST(members_json({}) == "{\"members\":[],\"digest\":null,\"refused_by\":[]}\n");
}

BOOST_AUTO_TEST_CASE(time_before_1970_is_written_too) {
  BOOST_TEST(iso_8601(WallTime{std::chrono::milliseconds(-1)}) == "1969-12-31T23:59:59.999Z");
}

BOOST_AUTO_TEST_CASE(history_has_every_field) {
  const std::vector<HistoryPoint> points = {{0.5, 1000, 0.5, 0.25, 0.875}, {1, 2000, {}, {}, {}}};
  BOOST_TEST(history_json(points) ==
             R"({"points":[{"t_seconds":0.5,"updates":1000,"train_loss":0.5,"test_loss":0.25,)"
             R"("test_accuracy":0.875},{"t_seconds":1,"updates":2000,"train_loss":null,)"
             R"("test_loss":null,"test_accuracy":null}]})"
             "\n");
  BOOST_TEST(history_json({}) == "{\"points\":[]}\n");
}

BOOST_AUTO_TEST_CASE(deltas_have_every_field) {
  const std::vector<DeltaPeer> peers = {
      {"1f", "b", 1, 2, 3, 4, 5, 6, 7, {{"range", 8}, {"digest", 9}}, 0.5}};
  BOOST_TEST(deltas_json(peers) ==
             R"({"peers":[{"id":"1f","name":"b","datagrams_sent_total":1,)"
             R"("datagrams_received_total":2,"bytes_sent_total":3,"bytes_received_total":4,)"
             R"("lost_total":5,"repaired_total":6,"duplicate_total":7,)"
             R"("rejected_total":{"range":8,"digest":9},"staleness_seconds":0.5}]})"
             "\n");
  const auto quiet = json::parse(deltas_json(std::vector<DeltaPeer>(1)));
  BOOST_TEST(quiet.at("peers").at(0).at("rejected_total").as_object().empty());
}

BOOST_AUTO_TEST_CASE(model_has_every_field) {
  BOOST_TEST(model_json({"d1", 10, 20, 15, 1.25}) ==
             "{\"state_digest\":\"d1\",\"updates\":10,\"features\":20,\"nonzero_weights\":15,"
             "\"norm\":1.25}\n");
  BOOST_TEST(model_json({}) ==
             "{\"state_digest\":null,\"updates\":null,\"features\":null,\"nonzero_weights\":null,"
             "\"norm\":null}\n");
}

BOOST_AUTO_TEST_CASE(logs_and_report_and_settings_are_objects) {
  const std::vector<LogLine> lines = {{7, WallTime{}, 2, "event=member_joined name=b"}};
  BOOST_TEST(logs_json(lines) ==
             R"({"lines":[{"sequence":7,"time":"1970-01-01T00:00:00.000Z","level":2,)"
             R"("text":"event=member_joined name=b"}]})"
             "\n");
  BOOST_TEST(report_json({true, "out", {{"report.json", 5, "http://x/y", {}}}}) ==
             R"({"complete":true,"directory":"out","files":[{"name":"report.json","bytes":5,)"
             R"("link":"http://x/y","error":null}]})"
             "\n");
  const std::vector<Setting> settings = {
      {"lambda", 1e-4, "flag"},
      {"threads", std::int64_t{2}, "default"},
      {"join", std::vector<std::string>{"a:1", "b:2"}, "environment"},
      {"bias", false, "default"},
      {"test", {}, "default"},
      {"loss", std::string("hinge"), "cluster"}};
  BOOST_TEST(config_json(settings) ==
             R"({"settings":{"lambda":0.0001,"threads":2,"join":["a:1","b:2"],"bias":false,)"
             R"("test":null,"loss":"hinge"},"sources":{"lambda":"flag","threads":"default",)"
             R"("join":"environment","bias":"default","test":"default","loss":"cluster"}})"
             "\n");
}

BOOST_AUTO_TEST_CASE(words_for_states_can_be_read_back) {
  for (const auto state :
       {MemberState::kAlive, MemberState::kSuspect, MemberState::kDead, MemberState::kLeft}) {
    BOOST_TEST((member_state(name_of(state)) == state));
  }
  BOOST_TEST(!member_state("Alive").has_value());
  BOOST_TEST(!member_state("").has_value());
  BOOST_TEST(name_of(NodeState::kStarting) == "starting");
  BOOST_TEST(name_of(NodeState::kFailed) == "failed");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
