#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>

#include "daemon/atomic_file.hpp"
#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/html_report.hpp"
#include "daemon/run_files.hpp"
#include "daemon/run_upload.hpp"
#include "http/client_text.hpp"
#include "http/json_part.hpp"

namespace hogwild::daemon {
namespace {

namespace json = boost::json;
using http::number;
using http::word;

int complain(std::string_view text, int exit_code) {
  fmt::print(stderr, "hogwild report: {}\n", text);
  return exit_code;
}

/// All of a file; nothing where it cannot be read.
std::optional<std::string> content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// The report of a run that ended, as its files say it.
class RunDirectory {
 public:
  /// The error is a sentence.
  [[nodiscard]] static std::expected<RunDirectory, std::string> open(std::filesystem::path path) {
    const auto text = content_of(path / "report.json");
    if (!text) {
      return std::unexpected((path / "report.json").string() +
                             " cannot be read: expected the --out directory of a run that ended");
    }
    boost::system::error_code error;
    json::value report = json::parse(*text, error);
    if (error || !report.is_object()) {
      return std::unexpected((path / "report.json").string() + " is no report of a run");
    }
    return RunDirectory(std::move(path), std::move(report));
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const json::value& report() const { return report_; }
  [[nodiscard]] std::string json_text() const { return json::serialize(report_) + "\n"; }
  [[nodiscard]] std::string html_text() const {
    return html_report(report_, content_of(path_ / "val_stats.csv").value_or(""),
                       content_of(path_ / "train_stats.csv").value_or(""), present_files(path_));
  }

  /// Takes over what has been sent to `url` so far.
  void note(const std::string& url, const UploadOutcome& sofar) {
    json::object& report = report_.get_object();
    json::value& links = report["links"];
    if (!links.is_object()) links.emplace_object();
    for (const auto& [name, link] : sofar.links) links.get_object()[name] = link;
    json::object errors;
    for (const auto& [name, reason] : sofar.errors) errors[name] = reason;
    report["upload"] = json::object{{"to", url}, {"errors", std::move(errors)}};
  }

  [[nodiscard]] std::expected<void, std::string> write() const {
    if (auto written = write_file_atomically(path_ / "report.html", html_text()); !written) {
      return written;
    }
    return write_file_atomically(path_ / "report.json", json_text());
  }

 private:
  RunDirectory(std::filesystem::path path, json::value report)
      : path_(std::move(path)), report_(std::move(report)) {}

  std::filesystem::path path_;
  json::value report_;
};

std::uint64_t size_of(const std::filesystem::path& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  return error ? 0 : bytes;
}

std::string fixed(const json::value& report, http::JsonKeys keys, int digits, double factor = 1) {
  const auto value = number(report, keys);
  return value ? fmt::format("{:.{}f}", *value * factor, digits) : "-";
}

void show(const RunDirectory& run) {
  const json::value& report = run.report();
  const auto seconds = number(report, {"result", "elapsed_seconds"});
  fmt::print("run       {}, {} on {}, {} nodes\n", word(report, {"run", "id"}),
             word(report, {"node", "state"}), word(report, {"node", "name"}),
             http::elements(report, {"nodes"}).size());
  fmt::print("result    accuracy {} %, test loss {}, objective {}\n",
             fixed(report, {"result", "test_accuracy"}, 2, 100),
             fixed(report, {"result", "test_loss"}, 5), fixed(report, {"result", "objective"}, 5));
  fmt::print("updates   {} = {} epochs in {}, until: {}\n", word(report, {"result", "updates"}),
             fixed(report, {"result", "epochs"}, 2), seconds ? http::short_duration(*seconds) : "-",
             word(report, {"result", "stop_reason"}));
  fmt::print("digest    {}\n", word(report, {"result", "state_digest"}));
  fmt::print("files     {}\n", run.path().string());
  for (const auto& name : present_files(run.path())) {
    const std::string link = word(report, {"links", name});
    fmt::print("  {:<18} {:>9}{}\n", name,
               http::short_number(static_cast<double>(size_of(run.path() / name)), "B"),
               link == "-" ? "" : "  " + link);
  }
}

int upload(RunDirectory& run, const ReportOptions& options) {
  auto where = upload_options(options.upload, options.ca_file, std::random_device{}());
  if (!where) return complain(where.error(), kFailed);
  std::vector<http::Upload> files;
  double bytes = 0;
  for (const auto& name : present_files(run.path())) {
    if (name.starts_with("report.")) continue;
    bytes += static_cast<double>(size_of(run.path() / name));
    files.push_back({name, run.path() / name});
  }
  fmt::print(stderr, "sending {} files of {} ({}) to {}{}\n", files.size() + 2, run.path().string(),
             http::short_number(bytes, "B"), options.upload,
             where->proxy ? " through the proxy " + where->proxy->authority() : "");
  boost::asio::io_context context;
  UploadOutcome outcome;
  RunUpload sender(
      context, std::move(*where),
      [&](const UploadOutcome& sofar) {
        run.note(options.upload, sofar);
        return run.html_text();
      },
      [&](const UploadOutcome& sofar) {
        run.note(options.upload, sofar);
        return run.json_text();
      });
  sender.start(std::move(files), [&](UploadOutcome ended) { outcome = std::move(ended); });
  context.run();
  for (const auto& [name, link] : outcome.links) fmt::print("{}  {}\n", name, link);
  for (const auto& [name, reason] : outcome.errors) {
    fmt::print(stderr, "hogwild report: {} was not sent: {}\n", name, reason);
  }
  run.note(options.upload, outcome);
  if (const auto written = run.write(); !written) return complain(written.error(), kFailed);
  return outcome.errors.empty() ? kDone : kFailed;
}

}  // namespace

int run_report(const ReportOptions& options) {
  auto run = RunDirectory::open(options.directory);
  if (!run) return complain(run.error(), kBadData);
  if (!options.upload.empty()) return upload(*run, options);
  show(*run);
  return kDone;
}

}  // namespace hogwild::daemon
