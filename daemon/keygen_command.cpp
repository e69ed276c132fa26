#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/cluster_key.hpp"
#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"

namespace hogwild::daemon {

int run_keygen() {
  struct stat out {};
  if (::fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(out.st_mode) && (out.st_mode & 077U) != 0) {
    fmt::print(stderr,
               "hogwild keygen: others can read the file that this goes to (mode {:04o}); chmod it "
               "to 0600, or write it with (umask 077; hogwild keygen > FILE)\n",
               static_cast<unsigned>(out.st_mode & 07777U));
  }
  fmt::print("{}", new_key_text());
  return kDone;
}

}  // namespace hogwild::daemon
