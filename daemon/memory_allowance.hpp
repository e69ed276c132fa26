#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hogwild::daemon {

/// How many bytes of memory this process may still take: MemAvailable of the machine, and what the
/// tightest `memory.max` of its cgroup (v2) and of those above it leaves; 2⁶⁴ − 1 where nobody
/// says. Linux gives more than that and kills later, so what is known to be needed is compared
/// first. `root` is where /proc and /sys are looked for.
[[nodiscard]] std::uint64_t available_bytes(const std::filesystem::path& root = "/");

/// Why `needed` bytes for `purpose` are too many; empty where they are not.
[[nodiscard]] std::string memory_complaint(const std::string& purpose, std::uint64_t needed,
                                           std::uint64_t available);

}  // namespace hogwild::daemon
