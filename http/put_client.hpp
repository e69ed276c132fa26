#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/deadline.hpp"
#include "http/file.hpp"
#include "http/file_thread.hpp"
#include "http/uploader.hpp"

namespace hogwild::http {

/// What came of one attempt to store a file.
struct PutResult {
  enum class Outcome {
    kStored,
    kRefused,  ///< This file cannot be stored: the server said no, or there is no such file here.
    kFailed,   ///< A later attempt may succeed.
    kUnreachable,  ///< The same, and there was nobody to talk to.
    kHopeless,     ///< No attempt for any file can succeed.
  };
  Outcome outcome = Outcome::kFailed;
  std::string text;  ///< The link where it was stored, else the reason as a sentence.
};

/// Stores files with HTTP PUT, a connection each, over TCP or TLS, perhaps through a proxy: one
/// that passes requests on for http, a tunnel for https. Each phase has its time limit. One
/// attempt, no retries.
///
/// Threads: that of the executor. Owns: the connection and a thread that reads files.
class PutClient {
 public:
  /// Calls `on_sent` with the bytes of the body that an attempt has sent so far. `options` must
  /// outlive the client.
  PutClient(const boost::asio::any_io_executor& executor, const UploadOptions& options,
            std::function<void(std::uint64_t)> on_sent);

  /// Loads the authorities to trust, where the URL needs any; the error is a sentence.
  [[nodiscard]] std::expected<void, std::string> load_authorities();
  /// Sends one file and reads the answer. The upload must live until then.
  boost::asio::awaitable<PutResult> put(const Upload& upload);
  /// Ends the attempt under way, and any later one, with a failure.
  void interrupt();
  /// Interrupts and ends the thread; nothing may be put afterwards.
  void stop();

  /// Whether any attempt came as far as a connection.
  [[nodiscard]] bool has_connected() const { return has_connected_; }

 private:
  using Socket = boost::asio::ip::tcp::socket;
  struct Source;  // The content of an upload with its length, whichever way it is held.

  boost::asio::awaitable<PutResult> attempt(const Upload& upload);
  boost::asio::awaitable<std::expected<Source, std::string>> open(const Upload& upload);
  boost::asio::awaitable<std::optional<PutResult>> connect(
      const std::vector<boost::asio::ip::tcp::endpoint>& endpoints);
  boost::asio::awaitable<std::optional<PutResult>> open_tunnel();
  template <typename Stream>
  boost::asio::awaitable<std::optional<PutResult>> shake_hands(Stream& stream);
  template <typename Stream>
  boost::asio::awaitable<PutResult> exchange(Stream& stream, const std::string& name,
                                             const Source& source);
  template <typename Stream>
  boost::asio::awaitable<std::optional<PutResult>> send(Stream& stream, const std::string& name,
                                                        const Source& source);
  template <typename Stream>
  boost::asio::awaitable<PutResult> receive(Stream& stream, const std::string& name);
  boost::asio::awaitable<bool> load(const Source& source, std::uint64_t offset,
                                    std::shared_ptr<std::string> piece);
  [[nodiscard]] PutResult failure(std::string_view what,
                                  const boost::system::error_code& error) const;
  [[nodiscard]] std::string server() const;
  void close();

  // Fixed after construction
  const UploadOptions& options_;
  std::function<void(std::uint64_t)> on_sent_;
  boost::asio::ssl::context tls_;

  // Network thread only
  Socket socket_;
  Deadline limit_;  // On the phase of the attempt
  FileThread files_;
  bool has_connected_ = false;
  bool is_interrupted_ = false;
};

}  // namespace hogwild::http
