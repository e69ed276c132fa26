#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>

namespace hogwild::http {

/// One request to a node, for the thin commands.
struct ClientRequest {
  std::string host;
  std::string port;
  std::string method = "GET";
  std::string target = "/";
  std::string accept = "text/plain";
  std::string body{};  ///< JSON; sent where it is not empty.
  std::optional<std::string> token{};
};

struct ClientLimits {
  std::chrono::milliseconds resolve{5'000};
  std::chrono::milliseconds connect{5'000};  ///< For each address.
  std::chrono::milliseconds exchange{30'000};
  std::size_t answer_bytes_max = 64 * 1024 * 1024;
};

struct ClientResponse {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};

/// Why there is no answer.
struct FetchFailure {
  std::string text;      ///< A sentence with host and port.
  bool is_gone = false;  ///< Nobody listens there, or the connection was reset: no node is there.
};

/// Sends one request and waits for its answer; blocks the caller. An answer with any status is an
/// answer, not a failure.
[[nodiscard]] std::expected<ClientResponse, FetchFailure> fetch(const ClientRequest& request,
                                                                const ClientLimits& limits = {});

/// What an answer that is an error says to people: the `detail` of its problem+json, else its
/// status.
[[nodiscard]] std::string problem_detail(const ClientResponse& response);

}  // namespace hogwild::http
