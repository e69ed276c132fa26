#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace hogwild::daemon {

/// How many CPUs this process may keep busy: its affinity mask, and the tightest `cpu.max` of its
/// cgroup (v2) and of those above it, rounded down; at least 1. More workers than that ruin
/// convergence, since a worker that waits for a CPU holds its examples back.
/// `root` is where /proc and /sys are looked for.
[[nodiscard]] unsigned allowed_cpus(const std::filesystem::path& root = "/");

/// Whether each worker keeps to a CPU of its own; kAuto: where there are as many workers as CPUs
/// that the process may use, and more than one. (With fewer, another process could choose the
/// same.)
enum class Pinning : std::uint8_t { kAuto, kOn, kOff };

/// The CPUs that `workers` workers keep to, the i-th to the i-th of them in turn; empty: the system
/// moves them as it likes.
[[nodiscard]] std::vector<unsigned> cpus_to_keep(Pinning pinning, unsigned workers);
/// From now on the calling thread runs on this CPU alone, where the system lets it.
void keep_to_cpu(unsigned cpu);

}  // namespace hogwild::daemon
