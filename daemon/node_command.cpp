#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <exception>

#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/initial_model.hpp"
#include "daemon/node.hpp"

namespace hogwild::daemon {
namespace {

/// A token is as secret as a password, but many are made by hand: told, not refused.
void check_token_file(const std::filesystem::path& path, Logging& log) {
  struct stat status {};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) return;
  if ((status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) == 0) return;
  log.warning("token_file_open", {{"file", path.string()},
                                  {"hint", "others can read or change the token: chmod 600"}});
}

}  // namespace

int run_node(const NodeOptions& options) {
  auto service = ServiceManager::from_environment();
  auto log = Logging::open(options.log);
  if (!log) {
    fmt::print(stderr, "hogwild node: {}\n", log.error());
    return kUsage;
  }
  KeyRing keys;
  if (!options.key_file.empty()) {
    auto read = read_key_file(options.key_file);
    if (!read) {
      fmt::print(stderr, "hogwild node: {}\n", read.error());
      return kUsage;
    }
    keys = std::move(*read);
  }
  check_token_file(options.http_token_file, **log);
  // Secrets are in this process: no core file, and no look into it by others of the same user.
  if (!options.key_file.empty() || !options.http_token_file.empty()) {
    static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  }
  auto initial = load_initial_model(options.learn.init);
  if (!initial) {
    fmt::print(stderr, "hogwild node: {}\n", initial.error().message);
    return initial.error().exit_code;
  }
  std::unique_ptr<Node> node;
  try {
    node = std::make_unique<Node>(options, std::move(keys), std::move(service), **log,
                                  std::move(*initial));
  } catch (const std::exception& error) {
    (*log)->drain();
    fmt::print(stderr, "hogwild node: {}\n", error.what());
    return kFailed;
  }
  return node->run();
}

}  // namespace hogwild::daemon
