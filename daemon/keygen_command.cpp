#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "daemon/cluster_key.hpp"
#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/key_rotation.hpp"

namespace hogwild::daemon {
namespace {

void print_new_key() {
  struct stat out {};
  if (::fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(out.st_mode) && (out.st_mode & 077U) != 0) {
    fmt::print(stderr,
               "hogwild keygen: others can read the file that this goes to (mode {:04o}); chmod it "
               "to 0600, or write it with (umask 077; hogwild keygen > FILE)\n",
               static_cast<unsigned>(out.st_mode & 07777U));
  }
  fmt::print("{}", new_key_text());
}

}  // namespace

int run_keygen(const KeygenOptions& options) {
  const std::pair<const std::filesystem::path&, RotationStep> steps[] = {
      {options.add_to, RotationStep::kAdd},
      {options.promote_in, RotationStep::kPromote},
      {options.retire_in, RotationStep::kRetire}};
  bool has_step = false;
  for (const auto& [file, step] : steps) {
    if (file.empty()) continue;
    if (std::exchange(has_step, true)) {
      fmt::print(stderr,
                 "hogwild keygen: expected one of --add-to, --promote-in and --retire-in: all "
                 "nodes must have done a step before the next\n");
      return kUsage;
    }
  }
  for (const auto& [file, step] : steps) {
    if (file.empty()) continue;
    const auto changed = rotate_key_file(file, step);
    if (!changed) {
      fmt::print(stderr, "hogwild keygen: {}\n", changed.error());
      return kFailed;
    }
    fmt::print("{}\n", *changed);
    return kDone;
  }
  print_new_key();
  return kDone;
}

}  // namespace hogwild::daemon
