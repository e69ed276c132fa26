// The end of a run: files, upload, what is printed.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>

#include "daemon/atomic_file.hpp"
#include "daemon/html_report.hpp"
#include "daemon/node.hpp"
#include "daemon/node_background.hpp"
#include "daemon/version.hpp"

namespace hogwild::daemon {

std::string Node::report_text(std::string_view state, std::optional<sgd::Links> links) const {
  const sgd::Run& run = core_->run();
  RunReportFacts facts;
  facts.node_name = options_.name;
  facts.node_state = state;
  facts.version = version();
  facts.run = run.info();
  if (run.replica() != nullptr) {
    facts.updates = run.replica()->sums().examples();
    facts.digest = run.replica()->digest();
    const sgd::BlockTally& tally = run.replica()->tally();
    if (tally.blocks_an_epoch() > 0) facts.tally = &tally;
  }
  if (run.final_record()) facts.final_record = &*run.final_record();
  facts.history = &run.history();
  facts.nonzero_weights = nonzero_weights_;
  for (const sgd::PeerId peer : run.unreached()) facts.unreached.push_back(core_->name_of(peer));
  for (const membership::Member& member : core_->swim().members().all()) {
    facts.nodes.push_back({membership::to_string(member.profile.id), member.profile.name,
                           std::string(membership::to_string(member.state)),
                           membership::to_string(member.profile.gossip)});
  }
  facts.changes = member_changes_;
  facts.links = std::move(links);
  if (uploader_) facts.upload_to = options_.upload;
  facts.upload_errors = upload_errors_;
  return report_json(facts);
}

/// report.html beside a report.json of that content.
std::string Node::page_text(std::string_view report) const {
  const auto& history = core_->run().history();
  auto files = present_files(*out_);
  for (const char* const log : {"filtered_logs.txt", "all_logs.txt"}) {
    // They get their names when the node ends; in a directory that is used again they have them.
    if (std::ranges::find(files, log) == files.end()) files.emplace_back(log);
  }
  return html_report(boost::json::parse(report), val_stats_csv(history), train_stats_csv(history),
                     files);
}

// Every finished node writes the same model; the one that ended the run sends it on as well.
void Node::export_results() {
  const sgd::Run& run = core_->run();
  log_.event(LogLevel::kMembership, "run_finished",
             {{"digest", fmt::format("{:016x}", run.replica()->digest())},
              {"updates", run.replica()->sums().examples()}});
  if (!out_) {  // an idle member creates nothing
    is_exported_ = true;
    is_reported_ = true;
    forget_checkpoint();
    return;
  }
  is_exporting_ = true;
  in_background(
      [image = run.model_image(), candidate = run.candidate(), info = *run.info(),
       history = run.history(), rule = rule_, sigmoids = run.final_record()->result.sigmoids,
       directory = *out_, &log = log_] {
        const sgd::LinearModel model =
            linear_model(sgd::weights_of(image, *rule, candidate), info, sigmoids);
        const auto result = write_result_files(directory, model, history);
        log.drain();  // what is uploaded has all lines up to here
        return std::pair(result, model.nonzero_weights());
      },
      [this](auto exported) {
        is_exporting_ = false;
        nonzero_weights_ = exported.second;
        results_written(std::move(exported.first));
        turn();
      });
}

void Node::results_written(std::expected<void, std::string> result) {
  is_exported_ = true;
  if (!result) {
    log_.warning("export_failed", {{"reason", result.error()}});
    exit_code_ = 1;
    return;
  }
  forget_checkpoint();
}

// ── Upload ──

// The finisher sends the files; where it is gone before its links are known, the next member does.
void Node::upload_where_due() {
  const sgd::Run& run = core_->run();
  if (!is_exported_ || is_uploading_ || run.links() || run.uploader() != id_.short_id()) return;
  is_uploading_ = true;
  if (!out_ || options_.upload.empty()) return uploads_done({});
  upload();
}

// Files are sent as they lie in --out; the logs go on until the node ends, so they have their
// temporary names and are sent as they are now.
void Node::upload() {
  auto options = upload_options(options_.upload, options_.ca_file, random_seed_);
  if (!options) {
    UploadOutcome failed;
    failed.first_failure = options.error();
    return uploads_done(std::move(failed));
  }
  std::vector<http::Upload> files;
  std::string names;
  std::uint64_t bytes = 0;
  for (const std::string_view name : kRunFiles) {
    if (name.starts_with("report.")) continue;
    std::error_code error;
    std::filesystem::path path = *out_ / name;
    if (name.ends_with(".txt")) path += ".partial";
    const auto size = std::filesystem::file_size(path, error);
    if (error) continue;
    bytes += size;
    names += std::string(name) + ", ";
    files.push_back({std::string(name), std::move(path)});
  }
  log_.event(LogLevel::kMinimal, "uploading",
             {{"to", options_.upload},
              {"through", options->proxy ? options->proxy->authority() : "no proxy"},
              {"files", names + "report.html, report.json"},
              {"bytes", bytes}});
  const auto report = [this](const UploadOutcome& sofar) {
    upload_errors_ = sofar.errors;
    return report_text("finished", sofar.links);
  };
  uploader_.emplace(
      context_, std::move(*options),
      [this, report](const UploadOutcome& sofar) { return page_text(report(sofar)); }, report);
  uploader_->start(std::move(files), [this](UploadOutcome outcome) {
    uploads_done(std::move(outcome));
    turn();
  });
}

void Node::uploads_done(UploadOutcome outcome) {
  if (!outcome.links.empty()) uploads_total_["success"] += outcome.links.size();
  if (!outcome.errors.empty()) uploads_total_["failure"] += outcome.errors.size();
  if (!outcome.first_failure.empty()) {
    for (const auto& [name, reason] : outcome.errors) {
      log_.event(LogLevel::kMembership, "file_not_uploaded", {{"file", name}, {"reason", reason}});
    }
    const std::string directory = out_ ? out_->string() : std::string();
    log_.show_live("");  // makes room for the statistics on a terminal
    log_.warning(
        "upload_failed",
        {{"to", options_.upload},
         {"reason", outcome.first_failure},
         {"files", directory},
         {"again", fmt::format("hogwild report {} --upload {}", directory, options_.upload)}});
    log_.drain();
    fmt::print("{}", val_stats_csv(core_->run().history()));
    std::fflush(stdout);
  }
  upload_errors_ = std::move(outcome.errors);
  core_->with_run(Clock::now(), out_box_, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.set_links(std::move(outcome.links), Clock::now(), wanted);
  });
}

// ── What stays ──

void Node::write_report(std::string_view state) {
  if (!out_) return;
  const auto write = [&](const char* name, std::string_view content) {
    if (const auto written = write_file_atomically(*out_ / name, content); !written) {
      log_.warning("report_failed", {{"reason", written.error()}});
    }
  };
  if (state != "finished") {  // the statistics so far, and no model
    write("val_stats.csv", val_stats_csv(core_->run().history()));
    write("train_stats.csv", train_stats_csv(core_->run().history()));
  }
  const std::string report = report_text(state, core_->run().links());
  write("report.json", report);
  write("report.html", page_text(report));
}

void Node::print_result() {
  const sgd::Run& run = core_->run();
  const sgd::FinalRecord& record = *run.final_record();
  const auto rows = static_cast<double>(run.info()->trained_rows());
  log_.event(LogLevel::kMinimal, "result",
             {{"test_accuracy", record.result.test_accuracy},
              {"test_loss", record.result.test_loss},
              {"objective", record.result.objective},
              {"updates", record.examples},
              {"epochs", static_cast<double>(record.examples) / rows},
              {"seconds", record.result.elapsed_s},
              {"stop_reason", record.stop.reason},
              {"digest", fmt::format("{:016x}", record.digest)},
              {"partial", !run.unreached().empty()},
              {"files", out_ ? out_->string() : std::string()}});
  for (std::size_t i = 0; i < record.result.candidates.size(); ++i) {
    log_.event(LogLevel::kMinimal, "candidate",
               {{"lambda", run.info()->settings.lambda[i]},
                {"test_loss", record.result.candidates[i].test_loss},
                {"test_accuracy", record.result.candidates[i].test_accuracy},
                {"best", i == record.result.candidate}});
  }
  if (const sgd::Measures& measures = record.result.measures;
      measures.rows > 0 && !measures.is_multilabel) {
    std::vector<LogField> fields{{"majority_accuracy", measures.majority_accuracy()},
                                 {"balanced_accuracy", measures.balanced_accuracy()},
                                 {"macro_f1", sgd::f1_of(measures.labels).macro}};
    // Not every model has scores that rank, or that are probabilities.
    if (std::isfinite(measures.roc_auc)) fields.push_back({"roc_auc", measures.roc_auc});
    if (std::isfinite(measures.log_loss)) fields.push_back({"log_loss", measures.log_loss});
    log_.event(LogLevel::kMinimal, "result_measures", fields);
  }
  if (run.info()->constants.labels.is_multilabel) {
    log_.event(LogLevel::kMinimal, "result_labels",
               {{"micro_f1", record.result.micro_f1}, {"macro_f1", record.result.macro_f1}});
  }
  if (!run.links()) return;
  for (const auto& [name, link] : *run.links()) {
    log_.event(LogLevel::kMinimal, "link", {{"file", name}, {"url", link}});
  }
}

}  // namespace hogwild::daemon
