#include "daemon/cpu_allowance.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

namespace hogwild::daemon {
namespace {

constexpr std::size_t kMostCpus = 8192;  // what Linux can be built for

unsigned cpus_of_affinity() {
  cpu_set_t* const set = CPU_ALLOC(kMostCpus);
  if (set == nullptr) return 1;
  const auto bytes = CPU_ALLOC_SIZE(kMostCpus);
  CPU_ZERO_S(bytes, set);
  const bool is_known = sched_getaffinity(0, bytes, set) == 0;
  const auto count = is_known ? static_cast<unsigned>(CPU_COUNT_S(bytes, set)) : 0U;
  CPU_FREE(set);
  return std::max(count > 0 ? count : std::thread::hardware_concurrency(), 1U);
}

/// The quota of one `cpu.max` (`150000 100000`, or `max 100000`), in CPUs rounded down.
std::optional<unsigned> cpus_of_quota(const std::filesystem::path& cpu_max) {
  std::ifstream file(cpu_max);
  double quota = 0;
  double period = 0;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  const double cpus = std::min(quota / period, static_cast<double>(kMostCpus));
  return std::max(static_cast<unsigned>(cpus), 1U);
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

unsigned allowed_cpus(const std::filesystem::path& root) {
  const auto hierarchy = root / "sys/fs/cgroup";
  unsigned cpus = cpus_of_affinity();
  auto group = hierarchy;
  const auto limit_by = [&] {
    cpus = std::min(cpus, cpus_of_quota(group / "cpu.max").value_or(cpus));
  };
  limit_by();
  for (const auto& part : std::filesystem::path(cgroup_of_process(root)).relative_path()) {
    group /= part;
    limit_by();
  }
  return cpus;
}

}  // namespace hogwild::daemon
