// The end of a run: files, upload, what is printed.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "daemon/atomic_file.hpp"
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
  }
  if (run.final_record()) facts.final_record = &*run.final_record();
  facts.history = &run.history();
  for (const sgd::PeerId peer : run.unreached()) facts.unreached.push_back(core_->name_of(peer));
  for (const membership::Member& member : core_->swim().members().all()) {
    facts.nodes.push_back({membership::to_string(member.profile.id), member.profile.name,
                           std::string(membership::to_string(member.state)),
                           membership::to_string(member.profile.gossip)});
  }
  facts.changes = member_changes_;
  facts.links = std::move(links);
  return report_json(facts);
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
    if (run.uploader() == id_.short_id()) uploads_done({}, {});
    return;
  }
  is_exporting_ = true;
  struct Written {
    std::expected<void, std::string> result;
    std::vector<std::pair<std::string, std::string>> files;
  };
  in_background(
      [image = run.model_image(), info = *run.info(), history = run.history(), rule = rule_,
       directory = *out_] {
        const sgd::LinearModel model =
            linear_model(sgd::weights_of(image, *rule), info.settings, info.constants);
        Written written{{}, result_files(model, history)};
        for (const auto& [name, content] : written.files) {
          if (written.result) written.result = write_file_atomically(directory / name, content);
        }
        return written;
      },
      [this](Written written) {
        is_exporting_ = false;
        results_written(std::move(written.result), std::move(written.files));
        turn();
      });
}

void Node::results_written(std::expected<void, std::string> result,
                           std::vector<std::pair<std::string, std::string>> files) {
  is_exported_ = true;
  if (!result) {
    log_.warning("export_failed", {{"reason", result.error()}});
    exit_code_ = 1;
  }
  if (core_->run().uploader() != id_.short_id()) return;
  if (options_.upload.empty()) return uploads_done({}, {});
  upload(std::move(files));
}

// ── Upload ──

void Node::upload(std::vector<std::pair<std::string, std::string>> files) {
  const auto url = http::parse_url(options_.upload);
  if (!url) return uploads_done({}, url.error());
  // The logs as they are now; the files on disk go on until the node ends.
  for (const auto& [name, level] : {std::pair{"filtered_logs.txt", log_.level()},
                                    std::pair{"all_logs.txt", LogLevel::kTraffic}}) {
    std::string text;
    for (const LogLine& line :
         log_.lines({level, 0, Logging::kRingLinesPerLevel * kLogLevelCount})) {
      text += line.text + "\n";
    }
    files.emplace_back(name, std::move(text));
  }
  std::vector<http::Upload> uploads;
  std::string names;
  for (auto& [name, content] : files) {
    names += (names.empty() ? "" : ", ") + name;
    uploads.push_back({name, std::make_shared<const std::string>(std::move(content))});
  }
  log_.event(LogLevel::kMinimal, "uploading",
             {{"to", options_.upload}, {"files", names + ", report.json"}});
  http::UploadOptions upload_options;
  upload_options.url = *url;
  if (!options_.ca_file.empty()) upload_options.ca_file = options_.ca_file;
  upload_options.jitter_seed = random_seed_;
  uploader_.emplace(context_, std::move(upload_options));
  uploader_->start(std::move(uploads), [this](std::vector<http::UploadResult> results) {
    sgd::Links links;
    std::string failure;
    count_uploads(results, links, failure);
    if (links.empty()) {
      uploads_done({}, failure);
    } else {
      upload_report(std::move(links), std::move(failure));
    }
    turn();
  });
}

void Node::count_uploads(const std::vector<http::UploadResult>& results, sgd::Links& links,
                         std::string& failure) {
  for (const http::UploadResult& result : results) {
    ++uploads_total_[result.link ? "success" : "failure"];
    if (result.link) {
      links.emplace_back(result.name, *result.link);
    } else if (failure.empty()) {
      failure = result.name + ": " + result.link.error();
    }
  }
}

// The report goes last, with the links of all other files.
void Node::upload_report(sgd::Links links, std::string failure) {
  auto text = std::make_shared<const std::string>(report_text("finished", links));
  std::vector<http::Upload> last;
  last.push_back({"report.json", std::move(text)});
  uploader_->start(std::move(last), [this, links = std::move(links), failure = std::move(failure)](
                                        std::vector<http::UploadResult> results) mutable {
    count_uploads(results, links, failure);
    uploads_done(std::move(links), failure);
    turn();
  });
}

void Node::uploads_done(sgd::Links links, std::string failure) {
  if (!failure.empty()) {
    log_.warning("upload_failed", {{"to", options_.upload},
                                   {"reason", failure},
                                   {"files", out_ ? out_->string() : std::string()}});
    fmt::print("{}", val_stats_csv(core_->run().history()));
    std::fflush(stdout);
  }
  core_->with_run(Clock::now(), out_box_, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.set_links(std::move(links), Clock::now(), wanted);
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
  write("report.json", report_text(state, core_->run().links()));
}

void Node::print_result() {
  const sgd::Run& run = core_->run();
  const sgd::FinalRecord& record = *run.final_record();
  const auto rows = static_cast<double>(run.info()->constants.rows);
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
