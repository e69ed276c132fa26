#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/http/raw_socket.hpp"

namespace hogwild::http {

/// A server that treats its n-th connection as the n-th script says, on a port that the system
/// chose; the last script serves all further ones. Connections come one at a time.
class RawServer {
 public:
  using Script = std::function<void(RawSocket&)>;

  /// Port 0: one that the system chooses.
  explicit RawServer(std::vector<Script> scripts, std::uint16_t port = 0);
  /// Waits for the script under way.
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// "http://127.0.0.1:PORT" and `path`.
  [[nodiscard]] std::string url(const std::string& path = "") const;
  /// Messages that answer() has read so far.
  [[nodiscard]] std::vector<std::string> requests() const;

  /// A script that reads a request, keeps it for requests(), and sends `text`.
  [[nodiscard]] Script answer(std::string text);

 private:
  void serve(const std::vector<Script>& scripts);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;  // Under mutex_
  std::jthread thread_;                // Last: it uses all of the above
};

/// A whole answer with Content-Length.
std::string answer_text(const std::string& status, const std::string& body = "");

/// A port of this machine on which nobody listens.
std::uint16_t silent_port();

}  // namespace hogwild::http
