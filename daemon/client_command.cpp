#include <fmt/format.h>

#include <fstream>

#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "http/client.hpp"

namespace hogwild::daemon {

int run_client(const ClientOptions& options) {
  http::ClientRequest request;
  request.host = options.node.host;
  request.port = std::to_string(options.node.port);
  request.accept = options.json ? "application/json" : "text/plain";
  switch (options.action) {
    case ClientAction::kStatus:
      request.target = "/v1/status";
      break;
    case ClientAction::kMembers:
      request.target = "/v1/members";
      break;
    case ClientAction::kStop:
      request.method = "POST";
      request.target = "/v1/stop";
      break;
    case ClientAction::kLeave:
      request.method = "POST";
      request.target = "/v1/leave";
      break;
  }
  if (!options.http_token_file.empty()) {
    std::ifstream in(options.http_token_file);
    std::string token;
    if (!std::getline(in, token)) {
      fmt::print(stderr, "hogwild: --http-token-file {}: cannot read a token from its first line\n",
                 options.http_token_file.string());
      return kUsage;
    }
    request.token = token;
  }
  const auto answer = http::fetch(request);
  if (!answer) {
    fmt::print(stderr, "hogwild: {}\n", answer.error());
    return kFailed;
  }
  if (answer->status >= 300) {
    fmt::print(stderr, "hogwild: {}\n", http::problem_detail(*answer));
    return kFailed;
  }
  fmt::print("{}", answer->body);
  if (!answer->body.empty() && answer->body.back() != '\n') fmt::print("\n");
  return kDone;
}

}  // namespace hogwild::daemon
