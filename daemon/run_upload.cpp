#include "daemon/run_upload.hpp"

#include <cstdlib>
#include <memory>

namespace hogwild::daemon {
namespace {

std::vector<http::Upload> one_text(const char* name, std::string text) {
  std::vector<http::Upload> files;
  files.push_back({name, std::make_shared<const std::string>(std::move(text))});
  return files;
}

}  // namespace

std::expected<http::UploadOptions, std::string> upload_options(const std::string& url,
                                                               const std::filesystem::path& ca_file,
                                                               std::uint64_t jitter_seed) {
  auto parsed = http::parse_url(url);
  if (!parsed) return std::unexpected(url + ": " + parsed.error());
  auto proxy = http::find_proxy(*parsed, [](const char* name) { return std::getenv(name); });
  if (!proxy) return std::unexpected(proxy.error());
  http::UploadOptions options;
  options.url = std::move(*parsed);
  options.proxy = std::move(*proxy);
  if (!ca_file.empty()) options.ca_file = ca_file;
  options.jitter_seed = jitter_seed;
  return options;
}

RunUpload::RunUpload(boost::asio::io_context& context, http::UploadOptions options, Writer html,
                     Writer json)
    : uploader_(context, std::move(options)), html_(std::move(html)), json_(std::move(json)) {}

void RunUpload::start(std::vector<http::Upload> files, Completion completion) {
  completion_ = std::move(completion);
  send(std::move(files), [this] {
    if (outcome_.links.empty()) return finish();
    send(one_text("report.html", html_(outcome_)),
         [this] { send(one_text("report.json", json_(outcome_)), [this] { finish(); }); });
  });
}

// The completion may destroy this.
void RunUpload::finish() { std::exchange(completion_, nullptr)(std::move(outcome_)); }

void RunUpload::send(std::vector<http::Upload> files, std::move_only_function<void()> then) {
  uploader_.start(std::move(files),
                  [this, then = std::move(then)](std::vector<http::UploadResult> results) mutable {
                    for (http::UploadResult& result : results) {
                      if (result.link) {
                        outcome_.links.emplace_back(result.name, std::move(*result.link));
                        continue;
                      }
                      if (outcome_.first_failure.empty()) {
                        outcome_.first_failure = result.name + ": " + result.link.error();
                      }
                      outcome_.errors[result.name] = std::move(result.link.error());
                    }
                    then();
                  });
}

}  // namespace hogwild::daemon
