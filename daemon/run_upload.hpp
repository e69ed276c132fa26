#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "http/uploader.hpp"

namespace hogwild::daemon {

/// What came of each file: a link, or the reason why there is none.
struct UploadOutcome {
  std::vector<std::pair<std::string, std::string>> links;
  std::map<std::string, std::string> errors;

  /// "weights.csv: why" of the first file that failed, in the order of sending; empty where none
  /// did.
  std::string first_failure;
};

/// Where files go and what is trusted there: a URL, --ca-file, and the proxy that the environment
/// names. The error is a sentence.
[[nodiscard]] std::expected<http::UploadOptions, std::string> upload_options(
    const std::string& url, const std::filesystem::path& ca_file, std::uint64_t jitter_seed);

/// Sends the files of a run: all but the reports, then report.html, which shows their links, and
/// report.json last, which has the links of all.
///
/// Threads: the one that runs the context. A run upload that is destroyed calls nobody any more.
class RunUpload {
 public:
  /// A report as it is once the others have been sent.
  using Writer = std::function<std::string(const UploadOutcome&)>;
  using Completion = std::move_only_function<void(UploadOutcome)>;

  /// `context` must outlive it.
  RunUpload(boost::asio::io_context& context, http::UploadOptions options, Writer html,
            Writer json);

  /// Sends `files`, then both reports, and calls `completion`, which may destroy this. Where no
  /// file could be sent the reports are not tried. REQUIRES: called once.
  void start(std::vector<http::Upload> files, Completion completion);

 private:
  void send(std::vector<http::Upload> files, std::move_only_function<void()> then);
  void finish();

  http::Uploader uploader_;
  Writer html_;
  Writer json_;
  Completion completion_;
  UploadOutcome outcome_;
};

}  // namespace hogwild::daemon
