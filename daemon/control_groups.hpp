#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace hogwild::daemon {

/// Directories of the control groups that this process is in, as far as they have to do with
/// `controller` (`cpu`, `memory`): those of the unified hierarchy (cgroup v2) and those of the
/// controller's own (v1), each from its root down. Some of them may not exist.
[[nodiscard]] std::vector<std::filesystem::path> control_groups(const std::filesystem::path& root,
                                                                std::string_view controller);

}  // namespace hogwild::daemon
