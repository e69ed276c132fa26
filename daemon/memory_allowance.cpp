#include "daemon/memory_allowance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>

#include "daemon/control_groups.hpp"

namespace hogwild::daemon {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// `MemAvailable:   12345 kB` of /proc/meminfo.
std::uint64_t available_on_machine(const std::filesystem::path& meminfo) {
  std::ifstream file(meminfo);
  std::string key;
  std::uint64_t kibibytes = 0;
  for (std::string unit; file >> key >> kibibytes; std::getline(file, unit)) {
    if (key == "MemAvailable:" && kibibytes < kUnlimited / 1024) return kibibytes * 1024;
  }
  return kUnlimited;
}

std::optional<std::uint64_t> number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

/// What a group leaves; pages of files count as used, though the kernel would drop them first.
std::uint64_t left_in_group(const std::filesystem::path& group) {
  auto most = number_in(group / "memory.max");  // "max" is no number
  auto used = number_in(group / "memory.current");
  if (!used) {  // cgroup v1
    most = number_in(group / "memory.limit_in_bytes");
    used = number_in(group / "memory.usage_in_bytes");
  }
  if (!most) return kUnlimited;
  std::uint64_t droppable = 0;
  std::ifstream stat(group / "memory.stat");
  std::uint64_t value = 0;
  for (std::string key; stat >> key >> value;) {
    if (key == "inactive_file" || key == "active_file") droppable += value;
  }
  const std::uint64_t in_use = used.value_or(0);
  return *most - std::min(*most, in_use - std::min(in_use, droppable));
}

}  // namespace

std::uint64_t available_bytes(const std::filesystem::path& root) {
  std::uint64_t available = available_on_machine(root / "proc/meminfo");
  for (const auto& group : control_groups(root, "memory")) {
    available = std::min(available, left_in_group(group));
  }
  return available;
}

std::string memory_complaint(const std::string& purpose, std::uint64_t needed,
                             std::uint64_t available) {
  if (needed <= available) return "";
  constexpr double kMebibyte = 1 << 20;
  return fmt::format("{} needs {:.0f} MiB of memory, and {:.0f} MiB are available", purpose,
                     static_cast<double>(needed) / kMebibyte,
                     static_cast<double>(available) / kMebibyte);
}

}  // namespace hogwild::daemon
