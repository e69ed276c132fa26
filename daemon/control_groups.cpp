#include "daemon/control_groups.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace hogwild::daemon {
namespace {

void add_chain(std::filesystem::path hierarchy, std::string_view group,
               std::vector<std::filesystem::path>& out) {
  out.push_back(hierarchy);
  for (const auto& part : std::filesystem::path(group).relative_path()) {
    hierarchy /= part;
    out.push_back(hierarchy);
  }
}

bool names(std::string_view controllers, std::string_view controller) {
  while (!controllers.empty()) {
    const auto end = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, end) == controller) return true;
    controllers.remove_prefix(std::min(end + 1, controllers.size()));
  }
  return false;
}

}  // namespace

std::vector<std::filesystem::path> control_groups(const std::filesystem::path& root,
                                                  std::string_view controller) {
  const auto mounts = root / "sys/fs/cgroup";
  std::vector<std::filesystem::path> groups;
  std::ifstream file(root / "proc/self/cgroup");
  bool has_unified = false;
  // NUMBER:CONTROLLERS:/GROUP; without number and controllers that of the unified hierarchy.
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (line.starts_with("0::")) {
      has_unified = true;
      add_chain(mounts, group, groups);
    } else if (names(controllers, controller)) {
      add_chain(mounts / controllers, group, groups);
    }
  }
  if (!has_unified) groups.push_back(mounts);
  return groups;
}

}  // namespace hogwild::daemon
