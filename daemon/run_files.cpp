#include "daemon/run_files.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "daemon/atomic_file.hpp"
#include "daemon/measures_report.hpp"
#include "daemon/run_settings.hpp"
#include "http/status_value.hpp"
#include "sgd/model/binary_model.hpp"

namespace hogwild::daemon {
namespace {

namespace json = boost::json;

/// Shortest text that reads back exactly; nothing for an unknown figure.
std::string figure(double value) {
  if (!std::isfinite(value)) return {};
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

json::value number(double value) {
  return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

json::value run_of(const sgd::RunInfo* run) {
  if (run == nullptr) return nullptr;
  return json::object{
      {"id", fmt::format("{:016x}", run->id)},
      {"rows", run->constants.rows},
      {"features", run->constants.metric.size()},
      {"labels", run->constants.labels.labels.size()},
      {"multilabel", run->constants.labels.is_multilabel},
      {"train_fingerprint", fmt::format("{:016x}", run->constants.train_fingerprint)},
      {"test_fingerprint",
       run->constants.test_fingerprint == 0
           ? json::value(nullptr)
           : json::value(fmt::format("{:016x}", run->constants.test_fingerprint))},
      {"row_scale", std::ldexp(1.0, run->constants.scale_exponent)},
      {"resumed_from",
       run->resumed ? json::value(fmt::format("{:016x}", run->resumed->from_run)) : nullptr},
      {"resumed_updates", run->resumed ? json::value(run->resumed->updates) : nullptr},
  };
}

json::value settings_of(const sgd::RunInfo* run) {
  if (run == nullptr) return nullptr;
  return http::to_value(run_settings(run->settings)).at("settings");
}

json::value sampling_of(const sgd::BlockTally* tally) {
  if (tally == nullptr) return nullptr;
  return json::object{{"epochs", tally->closed_epochs()},
                      {"blocks", tally->blocks_an_epoch()},
                      {"missed_blocks", tally->missed()},
                      {"repeated_blocks", tally->repeated()}};
}

json::value result_of(const RunReportFacts& facts) {
  json::object result;
  const sgd::FinalRecord* record = facts.final_record;
  result["state_digest"] =
      facts.digest ? json::value(fmt::format("{:016x}", *facts.digest)) : json::value(nullptr);
  result["updates"] = facts.updates;
  result["epochs"] = facts.run == nullptr
                         ? json::value(nullptr)
                         : json::value(static_cast<double>(facts.updates) /
                                       static_cast<double>(facts.run->trained_rows()));
  result["test_accuracy"] =
      record == nullptr ? json::value() : number(record->result.test_accuracy);
  result["test_loss"] = record == nullptr ? json::value() : number(record->result.test_loss);
  if (facts.run != nullptr && facts.run->constants.labels.is_multilabel) {
    result["micro_f1"] = record == nullptr ? json::value() : number(record->result.micro_f1);
    result["macro_f1"] = record == nullptr ? json::value() : number(record->result.macro_f1);
  }
  result["measures"] =
      record == nullptr || record->result.measures.rows == 0
          ? json::value()
          : json::value(measures_json(record->result.measures, facts.run->constants.labels.labels));
  if (facts.run != nullptr && facts.run->candidate_count() > 1) {
    const std::vector<double>& lambda = facts.run->settings.lambda;
    result["lambda"] = record == nullptr ? json::value() : lambda[record->result.candidate];
    json::array candidates;
    for (std::size_t i = 0; record != nullptr && i < record->result.candidates.size(); ++i) {
      const sgd::CandidateFigures& figures = record->result.candidates[i];
      candidates.push_back(json::object{{"lambda", lambda[i]},
                                        {"test_loss", number(figures.test_loss)},
                                        {"test_accuracy", number(figures.test_accuracy)},
                                        {"best", i == record->result.candidate}});
    }
    result["candidates"] = std::move(candidates);
  }
  result["objective"] = record == nullptr ? json::value() : number(record->result.objective);
  result["nonzero_weights"] =
      facts.nonzero_weights ? json::value(*facts.nonzero_weights) : json::value();
  result["elapsed_seconds"] = record == nullptr ? json::value() : number(record->result.elapsed_s);
  result["stop_reason"] = record == nullptr ? json::value() : json::value(record->stop.reason);
  result["best_row"] = record == nullptr || record->history.empty()
                           ? json::value()
                           : json::value(record->model_row());
  result["sampling"] = sampling_of(facts.tally);
  result["partial"] = !facts.unreached.empty();
  result["unreached"] = json::value_from(facts.unreached);
  return result;
}

}  // namespace

std::vector<std::string> present_files(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const char* const name : kRunFiles) {
    std::error_code error;
    if (std::filesystem::is_regular_file(directory / name, error)) names.emplace_back(name);
  }
  return names;
}

std::string report_json(const RunReportFacts& facts) {
  json::array nodes;
  for (const ReportedNode& node : facts.nodes) {
    nodes.push_back(json::object{
        {"id", node.id}, {"name", node.name}, {"state", node.state}, {"gossip", node.gossip}});
  }
  json::array changes;
  for (const MemberChange& change : facts.changes) {
    changes.push_back(json::object{{"time", change.time},
                                   {"name", change.name},
                                   {"event", change.event},
                                   {"evidence", change.evidence}});
  }
  json::value links;
  if (facts.links) {
    json::object by_name;
    for (const auto& [name, link] : *facts.links) by_name[name] = link;
    links = std::move(by_name);
  }
  json::value upload;
  if (!facts.upload_to.empty()) {
    json::object errors;
    for (const auto& [name, reason] : facts.upload_errors) errors[name] = reason;
    upload = json::object{{"to", facts.upload_to}, {"errors", std::move(errors)}};
  }
  const json::object report = {
      {"node", json::object{{"name", facts.node_name}, {"state", facts.node_state}}},
      {"version", facts.version},
      {"run", run_of(facts.run)},
      {"settings", settings_of(facts.run)},
      {"result", result_of(facts)},
      {"nodes", std::move(nodes)},
      {"members", std::move(changes)},
      {"links", std::move(links)},
      {"upload", std::move(upload)},
  };
  return json::serialize(report) + "\n";
}

std::string val_stats_csv(const std::vector<sgd::HistoryPoint>& history) {
  std::string text = "t_seconds,updates,loss,accuracy\n";
  for (const sgd::HistoryPoint& point : history) {
    text += fmt::format("{},{},{},{}\n", figure(point.t_seconds), point.updates,
                        figure(point.test_loss), figure(point.test_accuracy));
  }
  return text;
}

std::string train_stats_csv(const std::vector<sgd::HistoryPoint>& history) {
  std::string text = "t_seconds,updates,loss,accuracy,batch\n";
  std::uint64_t before = 0;
  for (const sgd::HistoryPoint& point : history) {
    text +=
        fmt::format("{},{},{},{},{}\n", figure(point.t_seconds), point.updates,
                    figure(point.train_loss), figure(point.train_accuracy), point.updates - before);
    before = point.updates;
  }
  return text;
}

std::expected<void, std::string> write_result_files(const std::filesystem::path& directory,
                                                    const sgd::LinearModel& model,
                                                    const std::vector<sgd::HistoryPoint>& history) {
  const bool is_text = sgd::liblinear_complaint(model.feature_count, model.column_count()).empty();
  std::error_code ignored;
  std::filesystem::remove(directory / (is_text ? "model.bin" : "model.liblinear"), ignored);
  auto written =
      is_text ? write_file_atomically(directory / "model.liblinear", sgd::to_liblinear(model))
              : write_file_atomically(directory / "model.bin", sgd::to_binary(model));
  const auto then = [&](const char* name, const std::string& content) {
    if (written) written = write_file_atomically(directory / name, content);
  };
  then("weights.csv", sgd::to_weights_csv(model));
  then("val_stats.csv", val_stats_csv(history));
  then("train_stats.csv", train_stats_csv(history));
  return written;
}

std::expected<void, std::string> prepare_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return std::unexpected("cannot create " + directory.string() + ": " + error.message());
  }
  const std::filesystem::path probe = directory / ".hogwild-probe";
  if (auto written = write_file_atomically(probe, ""); !written) return written;
  std::filesystem::remove(probe, error);
  return {};
}

}  // namespace hogwild::daemon
