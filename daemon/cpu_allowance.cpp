#include "daemon/cpu_allowance.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <thread>

#include "daemon/control_groups.hpp"

namespace hogwild::daemon {
namespace {

constexpr std::size_t kMostCpus = 8192;  // what Linux can be built for

/// The CPUs that this process may run on; none where the system does not say.
std::vector<unsigned> cpus_of_affinity() {
  std::vector<unsigned> cpus;
  cpu_set_t* const set = CPU_ALLOC(kMostCpus);
  if (set == nullptr) return cpus;
  const auto bytes = CPU_ALLOC_SIZE(kMostCpus);
  CPU_ZERO_S(bytes, set);
  if (sched_getaffinity(::getpid(), bytes, set) == 0) {
    for (unsigned cpu = 0; cpu < kMostCpus; ++cpu) {
      if (CPU_ISSET_S(cpu, bytes, set)) cpus.push_back(cpu);
    }
  }
  CPU_FREE(set);
  return cpus;
}

/// Quota and period, which may come from one stream, in CPUs rounded down.
std::optional<unsigned> cpus_in(std::istream& quota_file, std::istream& period_file) {
  double quota = 0;
  double period = 0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) {
    return std::nullopt;
  }
  const double cpus = std::min(quota / period, static_cast<double>(kMostCpus));
  return std::max(static_cast<unsigned>(cpus), 1U);
}

/// The quota of one `cpu.max` (`150000 100000`, or `max 100000`).
std::optional<unsigned> cpus_of_quota(const std::filesystem::path& cpu_max) {
  std::ifstream file(cpu_max);
  return cpus_in(file, file);
}

/// The quota of a group in CPUs, rounded down: v1 has it in two files, and -1 for none.
std::optional<unsigned> cpus_of_group(const std::filesystem::path& group) {
  if (const auto cpus = cpus_of_quota(group / "cpu.max")) return cpus;
  std::ifstream quota(group / "cpu.cfs_quota_us");
  std::ifstream period(group / "cpu.cfs_period_us");
  return cpus_in(quota, period);
}

}  // namespace

unsigned allowed_cpus(const std::filesystem::path& root) {
  const auto of_affinity = static_cast<unsigned>(cpus_of_affinity().size());
  unsigned cpus = std::max(of_affinity > 0 ? of_affinity : std::thread::hardware_concurrency(), 1U);
  for (const auto& group : control_groups(root, "cpu")) {
    cpus = std::min(cpus, cpus_of_group(group).value_or(cpus));
  }
  return cpus;
}

std::vector<unsigned> cpus_to_keep(Pinning pinning, unsigned workers) {
  if (pinning == Pinning::kOff) return {};
  std::vector<unsigned> cpus = cpus_of_affinity();
  if (pinning == Pinning::kAuto && (workers < 2 || workers != cpus.size())) return {};
  return cpus;
}

void keep_to_cpu(unsigned cpu) {
  cpu_set_t* const set = CPU_ALLOC(kMostCpus);
  if (set == nullptr) return;
  const auto bytes = CPU_ALLOC_SIZE(kMostCpus);
  CPU_ZERO_S(bytes, set);
  CPU_SET_S(cpu, bytes, set);
  static_cast<void>(sched_setaffinity(0, bytes, set));  // of the calling thread
  CPU_FREE(set);
}

}  // namespace hogwild::daemon
