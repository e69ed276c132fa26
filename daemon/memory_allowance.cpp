#include "daemon/memory_allowance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>

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

/// What a cgroup leaves; pages of files count as used, though the kernel would drop them first.
std::uint64_t left_in_group(const std::filesystem::path& group) {
  const auto most = number_in(group / "memory.max");  // "max" is no number
  if (!most) return kUnlimited;
  const std::uint64_t used = number_in(group / "memory.current").value_or(0);
  std::uint64_t droppable = 0;
  std::ifstream stat(group / "memory.stat");
  std::uint64_t value = 0;
  for (std::string key; stat >> key >> value;) {
    if (key == "inactive_file" || key == "active_file") droppable += value;
  }
  return *most - std::min(*most, used - std::min(used, droppable));
}

/// This process's cgroup in the unified hierarchy, such as `/system.slice/x.service`.
std::string cgroup_of_process(const std::filesystem::path& root) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return "/";
}

}  // namespace

std::uint64_t available_bytes(const std::filesystem::path& root) {
  auto group = root / "sys/fs/cgroup";
  std::uint64_t available =
      std::min(available_on_machine(root / "proc/meminfo"), left_in_group(group));
  for (const auto& part : std::filesystem::path(cgroup_of_process(root)).relative_path()) {
    group /= part;
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
