#include "http/metrics_text.hpp"

#include <stdio.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>

#include "http/exposition.hpp"
#include "tests/http/temp_dir.hpp"

namespace hogwild::http {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool has_promtool() { return std::system("promtool --version >/dev/null 2>&1") == 0; }

boost::test_tools::assertion_result promtool_is_there(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(has_promtool());
  result.message() << "promtool (Debian: prometheus) is not installed";
  return result;
}

/// Every field filled, odd label values included.
Metrics full_metrics() {
  Metrics metrics;
  metrics.version = "0.1.0";
  metrics.start_time_seconds = 1795407180.5;
  metrics.process = {1.5, 1795407180.0, 1 << 20, 1 << 24, 12, 1024, 5};
  metrics.state = NodeState::kTraining;
  metrics.members = {3, 1, 0, 2};
  metrics.membership_changes_total = {{"joined", 3}, {"suspect", 1}};
  metrics.probes_total = {{"ack", 100}, {"timeout", 2}};
  metrics.probe_rtt_seconds = Histogram({0.001, 0.01});
  metrics.probe_rtt_seconds->observe(0.0005);
  metrics.probe_rtt_seconds->observe(5);
  metrics.local_health_score = 0;
  metrics.gossip_sent_bytes_total = 1000;
  metrics.gossip_received_bytes_total = 2000;
  metrics.coordinator = true;
  metrics.coordinator_term = 4;
  metrics.elections_total = 2;
  metrics.sync_rounds_total = {{"committed", 9}};
  metrics.sync_round_duration_seconds = Histogram({0.1, 1});
  metrics.sync_stragglers_total = 1;
  metrics.updates_local_total = 100;
  metrics.updates_remote_total = 300;
  metrics.nonzeros_total = 7500;
  metrics.epochs_total = 1.5;
  metrics.train_loss = 0.3;
  metrics.test_loss = 0.25;
  metrics.test_accuracy_ratio = 0.94;
  metrics.evaluation_duration_seconds = Histogram({0.1});
  metrics.pending_updates = 10;
  metrics.lookahead_ratio = 0.5;
  metrics.replica_divergence = 3;
  metrics.delta_datagrams_sent_total = 1;
  metrics.delta_datagrams_received_total = 2;
  metrics.delta_bytes_sent_total = 3;
  metrics.delta_bytes_received_total = 4;
  metrics.delta_lost_total = 5;
  metrics.delta_repaired_total = 6;
  metrics.delta_duplicate_total = 7;
  metrics.delta_rejected_total = {{"odd \"label\" \\ \n \xff", 8}};
  metrics.delta_staleness_seconds = 0.01;
  metrics.retained_bytes = 4096;
  metrics.udp_receive_drops_total = 0;
  metrics.snapshot_transfers_in_total = {{"done", 1}};
  metrics.snapshot_transfers_out_total = {{"done", 2}, {"failed", 1}};
  metrics.snapshot_bytes_total = 100000;
  metrics.peers.resize(1);
  metrics.peers[0].id = "1f";
  metrics.peers[0].name = "b";
  metrics.peers[0].datagrams_received_total = 21;
  metrics.peers[0].lost_total = 22;
  metrics.peers[0].staleness_seconds = 0.5;
  metrics.http.emplace();
  metrics.http->requests = {{"GET", "/v1/status", 200, 12}};
  metrics.http->connections = 2;
  metrics.uploads_total = {{"stored", 6}};
  return metrics;
}

BOOST_AUTO_TEST_SUITE(metrics_as_text)

BOOST_AUTO_TEST_CASE(every_metric_of_the_contract_is_there) {
  const auto text = metrics_text(full_metrics());
  for (const auto* sample :
       {"hogwild_build_info{version=\"0.1.0\"} 1",
        "hogwild_start_time_seconds 1795407180.5",
        "process_cpu_seconds_total 1.5",
        "hogwild_members{state=\"alive\"} 3",
        "hogwild_members{state=\"left\"} 2",
        "hogwild_membership_changes_total{event=\"joined\"} 3",
        "hogwild_probes_total{result=\"timeout\"} 2",
        "hogwild_probe_rtt_seconds_bucket{le=\"0.001\"} 1",
        "hogwild_probe_rtt_seconds_bucket{le=\"0.01\"} 1",
        "hogwild_probe_rtt_seconds_bucket{le=\"+Inf\"} 2",
        "hogwild_probe_rtt_seconds_sum 5.0005",
        "hogwild_probe_rtt_seconds_count 2",
        "hogwild_local_health_score 0",
        "hogwild_gossip_sent_bytes_total 1000",
        "hogwild_gossip_received_bytes_total 2000",
        "hogwild_coordinator 1",
        "hogwild_coordinator_term 4",
        "hogwild_elections_total 2",
        "hogwild_sync_rounds_total{outcome=\"committed\"} 9",
        "hogwild_sync_round_duration_seconds_count 0",
        "hogwild_sync_stragglers_total 1",
        "hogwild_updates_total{source=\"local\"} 100",
        "hogwild_updates_total{source=\"remote\"} 300",
        "hogwild_nonzeros_total 7500",
        "hogwild_epochs_total 1.5",
        "hogwild_loss{set=\"train\"} 0.3",
        "hogwild_loss{set=\"test\"} 0.25",
        "hogwild_accuracy_ratio{set=\"test\"} 0.94",
        "hogwild_training_state{state=\"training\"} 1",
        "hogwild_training_state{state=\"waiting\"} 0",
        "hogwild_evaluation_duration_seconds_count 0",
        "hogwild_pending_updates 10",
        "hogwild_lookahead_ratio 0.5",
        "hogwild_replica_divergence 3",
        "hogwild_delta_datagrams_total{direction=\"sent\"} 1",
        "hogwild_delta_datagrams_total{direction=\"received\"} 2",
        "hogwild_delta_bytes_total{direction=\"sent\"} 3",
        "hogwild_delta_bytes_total{direction=\"received\"} 4",
        "hogwild_delta_lost_total 5",
        "hogwild_peer_delta_datagrams_total{peer=\"b\",id=\"1f\",direction=\"received\"} 21",
        "hogwild_peer_delta_lost_total{peer=\"b\",id=\"1f\"} 22",
        "hogwild_peer_delta_staleness_seconds{peer=\"b\",id=\"1f\"} 0.5",
        "hogwild_delta_repaired_total 6",
        "hogwild_delta_duplicate_total 7",
        "hogwild_delta_rejected_total{reason=\"odd \\\"label\\\" \\\\ \\n \xef\xbf\xbd\"} 8",
        "hogwild_delta_staleness_seconds 0.01",
        "hogwild_retained_bytes 4096",
        "hogwild_udp_receive_drops_total 0",
        "hogwild_snapshot_transfers_total{direction=\"in\",result=\"done\"} 1",
        "hogwild_snapshot_transfers_total{direction=\"out\",result=\"failed\"} 1",
        "hogwild_snapshot_bytes_total 100000",
        "hogwild_http_requests_total{method=\"GET\",route=\"/v1/status\",code=\"200\"} 12",
        "hogwild_http_request_duration_seconds_count 0",
        "hogwild_http_connections 2",
        "hogwild_uploads_total{result=\"stored\"} 6"}) {
    BOOST_TEST(contains(text, std::string("\n") + sample + '\n'), sample);
  }
}

BOOST_AUTO_TEST_CASE(unknown_metric_leaves_no_trace) {
  const auto text = metrics_text(Metrics{});
  BOOST_TEST(!contains(text, "hogwild_retained_bytes"));
  BOOST_TEST(!contains(text, "hogwild_probe_rtt_seconds"));
  BOOST_TEST(!contains(text, "hogwild_http"));
  BOOST_TEST(contains(text, "hogwild_members{state=\"alive\"} 0\n"));
}

BOOST_AUTO_TEST_CASE(each_metric_is_described_once_before_its_samples) {
  std::istringstream lines(metrics_text(full_metrics()));
  std::set<std::string> described;
  std::string current;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      current = line.substr(7, line.find(' ', 7) - 7);
      BOOST_TEST(described.insert(current).second, current);
    } else if (!line.starts_with("#")) {
      BOOST_TEST(line.starts_with(current), line);
    }
  }
  BOOST_TEST(described.size() > 45U);
}

BOOST_AUTO_TEST_CASE(values_that_are_not_finite_are_spelled_as_prometheus_does) {
  Exposition out;
  out.gauge("a", "A.")
      .sample(std::nan(""))
      .sample(INFINITY, {{"x", "1"}})
      .sample(-INFINITY, {{"x", "2"}});
  BOOST_TEST(std::move(out).text() ==
             "# HELP a A.\n# TYPE a gauge\na NaN\na{x=\"1\"} +Inf\na{x=\"2\"} -Inf\n");
}

BOOST_AUTO_TEST_CASE(promtool_finds_nothing_to_criticize,
                     *boost::unit_test::precondition(promtool_is_there)) {
  const TempDir dir;
  for (const auto& metrics : {full_metrics(), Metrics{}}) {
    const auto path = dir.write("metrics", metrics_text(metrics));
    const auto output = dir.path() / "output";
    const int status = std::system(
        ("promtool check metrics <" + path.string() + " >" + output.string() + " 2>&1").c_str());
    BOOST_TEST(WEXITSTATUS(status) == 0, content_of(output));
    BOOST_TEST(content_of(output) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
