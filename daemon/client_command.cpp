#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <expected>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/terminal.hpp"
#include "http/client.hpp"
#include "http/client_text.hpp"

namespace hogwild::daemon {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

/// A watched node that has been silent for so long is given up; one that is gone is at once.
constexpr std::chrono::seconds kLongestSilence{60};
/// Lines of the log that `top` asks for.
constexpr int kLogLines = 100;

/// Why a question has no result.
struct Failure {
  std::string text;  ///< A sentence.
  int exit_code = kFailed;
  bool is_gone = false;  ///< No node is there.
};

std::string_view word_of(ClientAction action) {
  switch (action) {
    case ClientAction::kStatus:
      return "status";
    case ClientAction::kMembers:
      return "members";
    case ClientAction::kTop:
      return "top";
    case ClientAction::kStop:
      return "stop";
    case ClientAction::kLeave:
      return "leave";
  }
  return "";
}

int complain(const ClientOptions& options, std::string_view text, int exit_code) {
  fmt::print(stderr, "hogwild {}: {}\n", word_of(options.action), text);
  return exit_code;
}

http::WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// The first line of a file without the blanks around it.
std::optional<std::string> read_token(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::string token;
  std::getline(in, token);
  const auto first = token.find_first_not_of(" \t\r");
  if (first == std::string::npos) return std::nullopt;
  return token.substr(first, token.find_last_not_of(" \t\r") + 1 - first);
}

/// What a refusal means, and what can be done about it.
Failure refusal(const ClientOptions& options, const http::ClientResponse& response) {
  std::string text = options.node.text() + ": " + http::problem_detail(response);
  if (response.status == 401) {
    text += options.http_token_file.empty()
                ? "; show it with --http-token-file FILE"
                : fmt::format(
                      "; --http-token-file {} must hold the token that the node was "
                      "started with",
                      options.http_token_file.string());
  }
  const bool is_denied = response.status == 401 || response.status == 403;
  return {std::move(text), is_denied ? kRefused : kFailed};
}

/// Questions to one node.
class NodeClient {
 public:
  NodeClient(const ClientOptions& options, std::optional<std::string> token) : options_(options) {
    base_.host = options.node.host;
    base_.port = std::to_string(options.node.port);
    base_.token = std::move(token);
  }

  [[nodiscard]] std::expected<std::string, Failure> get(std::string target,
                                                        std::string accept) const {
    http::ClientRequest request = base_;
    request.target = std::move(target);
    request.accept = std::move(accept);
    return ask(request);
  }

  [[nodiscard]] std::expected<json::value, Failure> get_json(std::string target) const {
    const auto body = get(std::move(target), "application/json");
    if (!body) return std::unexpected(body.error());
    boost::system::error_code error;
    json::value value = json::parse(*body, error);
    if (error || !value.is_object()) {
      return std::unexpected(Failure{options_.node.text() + " answers, but not as a hogwild node"});
    }
    return value;
  }

  [[nodiscard]] std::expected<std::string, Failure> post(std::string target,
                                                         std::string body) const {
    http::ClientRequest request = base_;
    request.method = "POST";
    request.target = std::move(target);
    request.accept = "application/json";
    request.body = std::move(body);
    return ask(request);
  }

 private:
  [[nodiscard]] std::expected<std::string, Failure> ask(const http::ClientRequest& request) const {
    auto answer = http::fetch(request);
    if (!answer) {
      std::string text = answer.error().text;
      if (answer.error().is_gone) {
        text += "; no node answers there (a node's log says where it does: event=started … http=)";
      }
      return std::unexpected(Failure{std::move(text), kFailed, answer.error().is_gone});
    }
    if (answer->status >= 300) return std::unexpected(refusal(options_, *answer));
    return std::move(answer->body);
  }

  const ClientOptions& options_;
  http::ClientRequest base_;
};

void print_line(std::string_view text) {
  fmt::print("{}", text);
  if (!text.ends_with('\n')) fmt::print("\n");
}

// ── Once ──

/// What the command shows of the node now, as a terminal of that size can show it.
std::expected<std::string, Failure> screen(const NodeClient& node, ClientAction action,
                                           TerminalSize size) {
  std::string text;
  if (action != ClientAction::kMembers) {
    const auto status = node.get_json("/v1/status");
    if (!status) return std::unexpected(status.error());
    text = http::status_summary(*status);
    if (action == ClientAction::kStatus) return text;
    text += '\n';
  }
  const auto members = node.get_json("/v1/members");
  if (!members) return std::unexpected(members.error());
  text += http::members_table(*members, size.columns, wall_now());
  return text;
}

std::string target_of(ClientAction action) {
  return action == ClientAction::kMembers ? "/v1/members" : "/v1/status";
}

int show_once(const NodeClient& node, const ClientOptions& options) {
  const auto terminal = terminal_size(STDOUT_FILENO);
  std::expected<std::string, Failure> text;
  if (options.format == OutputFormat::kJson) {
    text = node.get(target_of(options.action), "application/json");
  } else if (terminal || options.action == ClientAction::kTop) {
    text = screen(node, options.action, terminal.value_or(TerminalSize{}));
  } else {
    text = node.get(target_of(options.action), "text/plain");
  }
  if (!text) return complain(options, text.error().text, text.error().exit_code);
  print_line(*text);
  return kDone;
}

// ── Again and again ──

/// Ctrl-C ends the process at once; the prompt comes below what was drawn.
void end_on_interrupt(bool is_redrawn) {
  struct sigaction action {};
  if (is_redrawn) {
    action.sa_handler = [](int) {
      static_cast<void>(!::write(STDOUT_FILENO, "\n", 1));
      ::_exit(kInterrupted);
    };
  } else {
    action.sa_handler = [](int) { ::_exit(kInterrupted); };
  }
  ::sigaction(SIGINT, &action, nullptr);
}

/// Shows a node as it goes; show() is called once for each time that something is to be shown.
class Watch {
 public:
  Watch(const NodeClient& node, const ClientOptions& options)
      : node_(node), options_(options), terminal_(terminal_size(STDOUT_FILENO)) {}

  int run() {
    const bool is_redrawn = terminal_ && options_.format == OutputFormat::kText;
    if (is_redrawn) fmt::print("\x1b[2J");
    end_on_interrupt(is_redrawn);
    auto heard = Clock::now();
    for (;; std::this_thread::sleep_for(options_.interval)) {
      const auto shown = is_redrawn ? draw() : append();
      if (shown) {
        has_answered_ = true;
        heard = Clock::now();
        continue;
      }
      const Failure& failure = shown.error();
      if (has_answered_ && failure.is_gone) return node_has_ended(is_redrawn);
      if (!has_answered_ || Clock::now() - heard > kLongestSilence) {
        return complain(options_, failure.text, failure.exit_code);
      }
      if (is_redrawn) {
        redraw(frame_ + "\n" + failure.text + "; trying again\n", terminal_.value());
      } else {
        complain(options_, failure.text + "; trying again", kDone);
      }
    }
  }

 private:
  std::expected<void, Failure> draw() {
    terminal_ = terminal_size(STDOUT_FILENO).value_or(TerminalSize{});
    auto text = screen(node_, options_.action, *terminal_);
    if (!text) return std::unexpected(text.error());
    frame_ = std::move(*text);
    if (options_.action == ClientAction::kTop) frame_ += newest_logs();
    redraw(frame_, *terminal_);
    return {};
  }

  /// As much of the log's end as there is room for.
  [[nodiscard]] std::string newest_logs() const {
    const auto used = static_cast<std::size_t>(std::ranges::count(frame_, '\n')) + 2;
    if (used >= terminal_->rows) return {};
    const std::size_t room = std::min<std::size_t>(terminal_->rows - used, kLogLines);
    const auto logs = node_.get_json(fmt::format("/v1/logs?level=2&limit={}", room));
    return logs ? "\n" + http::log_lines(*logs) : std::string();
  }

  std::expected<void, Failure> append() {
    if (options_.format == OutputFormat::kJson) {
      const auto body = node_.get(target_of(options_.action), "application/json");
      if (!body) return std::unexpected(body.error());
      print_line(*body);
    } else {
      const auto answer = node_.get_json(target_of(options_.action));
      if (!answer) return std::unexpected(answer.error());
      if (options_.action == ClientAction::kMembers) {
        for (const auto& line : changes_.lines(*answer, wall_now())) print_line(line);
      } else {
        print_line(http::status_line(*answer, wall_now()));
      }
    }
    std::fflush(stdout);
    return {};
  }

  [[nodiscard]] int node_has_ended(bool is_redrawn) const {
    if (is_redrawn) fmt::print("\n");
    std::fflush(stdout);
    fmt::print(stderr, "hogwild {}: {} has ended\n", word_of(options_.action),
               options_.node.text());
    return kDone;
  }

  const NodeClient& node_;
  const ClientOptions& options_;
  std::optional<TerminalSize> terminal_;
  std::string frame_;
  http::MemberChanges changes_;
  bool has_answered_ = false;
};

// ── What changes something ──

int act(const NodeClient& node, const ClientOptions& options) {
  const bool is_stop = options.action == ClientAction::kStop;
  std::string body;
  if (!options.reason.empty()) body = json::serialize(json::object{{"reason", options.reason}});
  const auto answer = node.post(is_stop ? "/v1/stop" : "/v1/leave", std::move(body));
  if (!answer) return complain(options, answer.error().text, answer.error().exit_code);
  if (options.format == OutputFormat::kJson) {
    print_line(*answer);
  } else if (is_stop) {
    print_line("the run stops: its nodes write the result, and end unless they serve");
  } else {
    print_line(options.node.text() + " leaves its cluster and ends");
  }
  return kDone;
}

}  // namespace

int run_client(const ClientOptions& options) {
  std::optional<std::string> token;
  if (!options.http_token_file.empty()) {
    token = read_token(options.http_token_file);
    if (!token) {
      return complain(options,
                      fmt::format("--http-token-file {}: cannot read a token from its first line",
                                  options.http_token_file.string()),
                      kUsage);
    }
  }
  const NodeClient node(options, std::move(token));
  switch (options.action) {
    case ClientAction::kStop:
    case ClientAction::kLeave:
      return act(node, options);
    case ClientAction::kTop:
      if (terminal_size(STDOUT_FILENO)) return Watch(node, options).run();
      return show_once(node, options);
    case ClientAction::kStatus:
    case ClientAction::kMembers:
      break;
  }
  return options.watch ? Watch(node, options).run() : show_once(node, options);
}

}  // namespace hogwild::daemon
