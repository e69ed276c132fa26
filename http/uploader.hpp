#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "http/message.hpp"
#include "http/proxy.hpp"
#include "http/url.hpp"

namespace boost::asio {
class io_context;
}

namespace hogwild::http {

/// One file to send.
struct Upload {
  std::string name;                                          ///< The last part of its URL.
  std::variant<SharedBytes, std::filesystem::path> content;  ///< Bytes, or a file that is streamed.
};

/// What came of one file: a link, or the reason why there is none.
struct UploadResult {
  std::string name;
  std::expected<std::string, std::string> link;
  unsigned attempts = 0;
};

struct UploadOptions {
  Url url;
  /// PEM file of the authorities to trust instead of the system's (or those of SSL_CERT_FILE,
  /// SSL_CERT_DIR).
  std::optional<std::filesystem::path> ca_file{};
  std::optional<Proxy> proxy{};   ///< Through which the server is reached.
  std::uint64_t jitter_seed = 0;  ///< Spreads the retries of many nodes.

  std::chrono::milliseconds resolve_limit{5'000};
  std::chrono::milliseconds connect_limit{5'000};  ///< For each address.
  std::chrono::milliseconds tunnel_limit{10'000};  ///< A proxy's answer to CONNECT.
  std::chrono::milliseconds handshake_limit{10'000};
  std::chrono::milliseconds write_limit{20'000};  ///< For each 64 KiB.
  std::chrono::milliseconds answer_limit{
      30'000};  ///< From the last byte sent to the end of the answer.
  std::chrono::milliseconds retry_min{
      200};  ///< The first pause; doubles up to retry_max, half of it random.
  std::chrono::milliseconds retry_max{10'000};
  std::chrono::milliseconds stall_limit{
      60'000};  ///< Give up where nothing moved for so long, over all attempts.
  std::chrono::milliseconds unreachable_limit{
      5'000};  ///< The same where no connection ever came about.
};

/// Sends files one after the other with `PUT URL/NAME`, the protocol of transfer.sh: the answer's
/// body is the link.
///
/// Retries on 408, 425, 429, 5xx and network errors with growing, random pauses; any other answer
/// is final for that file. "Moves" means bytes of a file beyond the furthest that an attempt got,
/// or a file stored. Once the server is given up on, the files that remain fail at once with the
/// same reason. Threads: the one that runs the context, which it never blocks. Owns: its connection
/// and a thread that reads files.
class Uploader {
 public:
  /// `context` must outlive the uploader.
  Uploader(boost::asio::io_context& context, UploadOptions options);
  Uploader(Uploader&&) noexcept;
  Uploader& operator=(Uploader&&) noexcept;
  /// Gives up; a completion that has not been called never is.
  ~Uploader();

  /// Sends `files` in order, then calls `completion` with a result a file, in the same order.
  /// REQUIRES: no earlier batch is still under way.
  void start(std::vector<Upload> files,
             std::move_only_function<void(std::vector<UploadResult>)> completion);

 private:
  class Batch;
  boost::asio::io_context* context_;
  UploadOptions options_;
  std::shared_ptr<Batch>
      batch_;  // Shared with its coroutine, which outlives a destroyed uploader by one turn.
};

/// The link that an upload's answer states: `body` without surrounding white space where that is
/// one line of at most 2 KiB of printable ASCII, else `fallback`.
[[nodiscard]] std::string link_from(std::string_view body, std::string_view fallback);

}  // namespace hogwild::http
