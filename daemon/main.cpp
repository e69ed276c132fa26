#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <variant>
#include <vector>

#include "daemon/commands.hpp"
#include "daemon/cpu_allowance.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/options.hpp"

namespace hogwild::daemon {
namespace {

int run(const Answer& answer) {
  fmt::print("{}", answer.text);
  return kDone;
}
int run(const NodeOptions& options) { return run_node(options); }
int run(const TrainOptions& options) { return run_train(options); }
int run(const PredictOptions& options) { return run_predict(options); }
int run(const DataOptions& options) { return run_data(options); }
int run(const ClientOptions& options) { return run_client(options); }
int run(const KeygenOptions& options) { return run_keygen(options); }
int run(const ReportOptions& options) { return run_report(options); }

int run_command_line(int count, char** arguments) {
  const std::vector<std::string> given(arguments + 1, arguments + count);
  const auto invocation = parse_options(given, process_environment(), allowed_cpus());
  if (!invocation) {
    fmt::print(stderr, "{}", invocation.error().text());
    return kUsage;
  }
  const int code = std::visit([](const auto& options) { return run(options); }, *invocation);
  if (std::fflush(stdout) != 0 && code == kDone) {
    fmt::print(stderr, "hogwild: cannot write to standard output\n");
    return kFailed;
  }
  return code;
}

}  // namespace
}  // namespace hogwild::daemon

int main(int count, char** arguments) {
  try {
    return hogwild::daemon::run_command_line(count, arguments);
  } catch (const std::bad_alloc&) {
    std::fputs("hogwild: out of memory\n", stderr);
  } catch (const std::exception& error) {
    fmt::print(stderr, "hogwild: {}\n", error.what());
  }
  return hogwild::daemon::kFailed;
}
