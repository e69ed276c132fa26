#include "daemon/html_report.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <vector>

#include "daemon/measures_report.hpp"

namespace hogwild::daemon {
namespace {

namespace json = boost::json;

const json::value kReport = json::parse(R"json({
  "node":{"name":"node-1","state":"finished"},"version":"0.1.0",
  "run":{"id":"5f00","rows":1000,"features":47},
  "settings":{"loss":"hinge","lambda":0.0001,"bias":false,"updates":null},
  "result":{"state_digest":"d68b576db87ffb56","updates":2500,"epochs":2.5,"test_accuracy":0.9441,
            "test_loss":0.2096,"objective":0.26025,"elapsed_seconds":0.5,"stop_reason":"epochs",
            "partial":false},
  "nodes":[{"id":"a","name":"node-1","state":"alive","gossip":"127.0.0.1:7420"}],
  "members":[{"time":"t","name":"<b>","event":"member_failed","evidence":"no answer & no ack"}],
  "links":{"weights.csv":"https://x.example/w","val_stats.csv":"javascript:alert(1)"}})json");
const std::string kVal =
    "t_seconds,updates,loss,accuracy\n0.1,500,0.5,0.8\n0.2,1000,0.3,0.9\n0.5,2500,0.2096,0.9441\n";
const std::string kTrain =
    "t_seconds,updates,loss,accuracy,batch\n0.1,500,0.9,,500\n0.2,1000,,,500\n0.5,2500,0.2,,1500\n";
const std::vector<std::string> kFiles = {"weights.csv", "val_stats.csv"};

bool contains(std::string_view text, std::string_view piece) {
  return text.find(piece) != std::string_view::npos;
}

BOOST_AUTO_TEST_SUITE(html_reports)

BOOST_AUTO_TEST_CASE(page_has_result_curves_settings_and_nodes_and_loads_nothing) {
  const auto page = html_report(kReport, kVal, kTrain, kFiles);
  BOOST_TEST(page.starts_with("<!doctype html>"));
  for (const auto* piece :
       {"<title>Run 5f00</title>", "94.41 %", "0.20960", "5.00 k", "d68b576db87ffb56", "epochs",
        "<th scope=\"row\">lambda</th><td>0.0001</td>", "<th scope=\"row\">bias</th><td>no</td>",
        "aria-label=\"Loss over time\"", "aria-label=\"Accuracy over time\"",
        "aria-label=\"Loss over epochs\"", "aria-label=\"Speed over time\"", "member_failed",
        "prefers-color-scheme: dark"}) {
    BOOST_TEST(contains(page, piece), piece);
  }
  for (const auto* piece : {"<script", "<link", "src=", "@import", "url("}) {
    BOOST_TEST(!contains(page, piece), piece);
  }
}

BOOST_AUTO_TEST_CASE(what_others_wrote_is_text_and_only_web_links_are_links) {
  const auto page = html_report(kReport, kVal, kTrain, kFiles);
  BOOST_TEST(contains(page, "&lt;b&gt;"));
  BOOST_TEST(contains(page, "no answer &amp; no ack"));
  BOOST_TEST(contains(page, "<a href=\"https://x.example/w\">"));
  BOOST_TEST(!contains(page, "javascript:"));
}

BOOST_AUTO_TEST_CASE(what_lambda_was_chosen_by_is_told) {
  BOOST_TEST(!contains(html_report(kReport, kVal, kTrain, kFiles), "The choice of lambda"));
  json::value report = kReport;
  report.at("result").as_object()["candidates"] = json::parse(
      R"([{"lambda":0.5,"test_loss":0.25,"test_accuracy":0.75,"best":false},
          {"lambda":0.001,"test_loss":0.125,"test_accuracy":0.875,"best":true}])");
  const auto page = html_report(report, kVal, kTrain, kFiles);
  BOOST_TEST(contains(page, "<td>0.5</td><td>0.25</td><td>0.75</td><td>no</td>"));
  BOOST_TEST(contains(page, "<td>0.001</td><td>0.125</td><td>0.875</td><td>yes</td>"));
}

BOOST_AUTO_TEST_CASE(measures_are_told_with_the_confusions) {
  json::value report = kReport;
  BOOST_TEST(!contains(html_report(report, kVal, kTrain, kFiles), "Test rows by label"));
  const sgd::Measures measures{.rows = 100,
                               .is_multilabel = false,
                               .labels = {{97, 98, 96}, {3, 2, 1}},
                               .confusion = {96, 1, 2, 1},
                               .roc_auc = 0.875};
  report.at("result").as_object()["measures"] = measures_json(measures, std::vector{-1.0F, 1.0F});
  const auto page = html_report(report, kVal, kTrain, kFiles);
  for (const auto* piece : {"<dt>accuracy of the majority</dt><dd>97.00 %</dd>",
                            "<dt>ROC AUC</dt><dd>0.8750</dd>", "<dt>precision</dt><dd>0.5000</dd>",
                            "Test rows by label", "<th scope=\"row\">1</th><td>2</td><td>1</td>"}) {
    BOOST_TEST(contains(page, piece), piece);
  }
  BOOST_TEST(!contains(page, "log loss"));  // unknown
}

BOOST_AUTO_TEST_CASE(measures_read_as_text) {
  const sgd::Measures measures{.rows = 100,
                               .is_multilabel = false,
                               .labels = {{97, 98, 96}, {3, 2, 1}},
                               .confusion = {96, 1, 2, 1},
                               .roc_auc = 0.875};
  BOOST_TEST(
      measures_text(measures, std::vector{-1.0F, 1.0F}) ==
      "    class       rows  predicted precision    recall        F1\n"
      "       -1         97         98    0.9796    0.9897    0.9846\n"
      "        1          3          2    0.5000    0.3333    0.4000\n"
      "true/said        -1         1\n"
      "       -1        96         1\n"
      "        1         2         1\n"
      "balanced accuracy 66.15%; saying always -1 would be right on 97.00%; ROC AUC 0.8750\n");
  BOOST_TEST(measures_text({}, {}) == "");
}

BOOST_AUTO_TEST_CASE(partial_result_says_so) {
  json::value report = kReport;
  BOOST_TEST(!contains(html_report(report, kVal, kTrain, kFiles), "Partial"));
  report.at("result").at("partial") = true;
  BOOST_TEST(contains(html_report(report, kVal, kTrain, kFiles), "Partial"));
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_damaged_is_left_out) {
  for (const auto& report : {json::value(nullptr), json::value(json::object()),
                             json::parse(R"({"run":1,"settings":[],"nodes":{},"result":"x"})")}) {
    for (const std::string& stats : {std::string(), std::string("x"), std::string("a,b\n,,,\n1\n"),
                                     std::string("h\n\n\n,nan,inf,-inf,7,8\n")}) {
      const auto page = html_report(report, stats, stats, {});
      BOOST_TEST(page.ends_with("</html>\n"));
      BOOST_TEST(contains(page, "too few evaluations"));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
