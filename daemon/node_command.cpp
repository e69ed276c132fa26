#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <csignal>
#include <exception>
#include <expected>
#include <optional>
#include <string>

#include "daemon/checkpoint_file.hpp"
#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/initial_model.hpp"
#include "daemon/node.hpp"
#include "daemon/training_data.hpp"

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

struct CheckpointFailure {
  int exit_code;
  std::string reason;
};

/// What --state has of a run.
std::expected<std::optional<sgd::Checkpoint>, CheckpointFailure> find_checkpoint(
    const NodeOptions& options) {
  if (options.state.empty()) return std::nullopt;
  const auto path = checkpoint_path(options.state);
  auto file = read_checkpoint(path);
  if (!file) return std::unexpected(CheckpointFailure{kBadData, file.error()});
  if (!*file) return std::nullopt;
  if ((*file)->cluster != options.cluster) {
    return std::unexpected(CheckpointFailure{
        kRefused, fmt::format("{} is of cluster {}, and --cluster is {}: give another --state",
                              path.string(), (*file)->cluster, options.cluster)});
  }
  auto checkpoint = sgd::decode_checkpoint((*file)->content);
  if (!checkpoint) {
    return std::unexpected(CheckpointFailure{
        kBadData, path.string() + ": not the state of a run as this version of the program saves "
                                  "it; remove it to begin anew"});
  }
  return checkpoint;
}

}  // namespace

int run_node(const NodeOptions& given) {
  NodeOptions options = given;
  // A limit on the size of files is then an error of a write, as a full disk is, and not the end.
  static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
  auto service = ServiceManager::from_environment();
  auto log = Logging::open(options.log);
  if (!log) {
    fmt::print(stderr, "hogwild node: {}\n", log.error());
    return kUsage;
  }
  auto recipe = read_recipe(options.learn.recipe);
  if (!recipe) {
    fmt::print(stderr, "hogwild node: {}\n", recipe.error().message());
    return kBadData;
  }
  options.learn.recipe_text = std::move(*recipe);
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
  auto checkpoint = find_checkpoint(options);
  if (!checkpoint) {
    fmt::print(stderr, "hogwild node: --state {}\n", checkpoint.error().reason);
    return checkpoint.error().exit_code;
  }
  std::unique_ptr<Node> node;
  try {
    node = std::make_unique<Node>(options, std::move(keys), std::move(*checkpoint),
                                  std::move(service), **log, std::move(*initial));
  } catch (const std::exception& error) {
    (*log)->drain();
    fmt::print(stderr, "hogwild node: {}\n", error.what());
    return kFailed;
  }
  return node->run();
}

}  // namespace hogwild::daemon
