#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/uploader.hpp"

namespace hogwild::http {

/// Options whose retries cost a test next to nothing.
inline UploadOptions quick_options(const std::string& url) {
  UploadOptions options;
  options.url = parse_url(url).value();
  options.retry_min = std::chrono::milliseconds(2);
  options.retry_max = std::chrono::milliseconds(4);
  return options;
}

inline Upload in_memory(std::string name, std::string content) {
  return {std::move(name), std::make_shared<const std::string>(std::move(content))};
}

/// Uploads on a context of its own until all is done.
inline std::vector<UploadResult> upload_all(const UploadOptions& options,
                                            std::vector<Upload> files) {
  boost::asio::io_context context;
  Uploader uploader(context, options);
  std::optional<std::vector<UploadResult>> results;
  uploader.start(std::move(files), [&](auto all) { results = std::move(all); });
  context.run();
  return std::move(results).value();
}

}  // namespace hogwild::http
