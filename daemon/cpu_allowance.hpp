#pragma once

#include <filesystem>

namespace hogwild::daemon {

/// How many CPUs this process may keep busy: its affinity mask, and the tightest `cpu.max` of its
/// cgroup (v2) and of those above it, rounded down; at least 1. More workers than that ruin
/// convergence, since a worker that waits for a CPU holds its examples back.
/// `root` is where /proc and /sys are looked for.
[[nodiscard]] unsigned allowed_cpus(const std::filesystem::path& root = "/");

}  // namespace hogwild::daemon
