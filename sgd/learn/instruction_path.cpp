#include "sgd/learn/instruction_path.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace hogwild::sgd {
namespace {

/// Fastest first.
constexpr std::array<std::pair<InstructionPath, std::string_view>, 3> kPaths{{
    {InstructionPath::kAvx512, "avx512"},
    {InstructionPath::kAvx2, "avx2"},
    {InstructionPath::kPortable, "portable"},
}};

}  // namespace

std::string_view to_string(InstructionPath path) {
  return std::find_if(kPaths.begin(), kPaths.end(),
                      [&](auto& known) { return known.first == path; })
      ->second;
}

std::optional<InstructionPath> parse_instruction_path(std::string_view name) {
  for (const auto& [path, spelled] : kPaths) {
    if (spelled == name) return path;
  }
  return std::nullopt;
}

bool is_available(InstructionPath path) {
  if (path == InstructionPath::kPortable) return true;
// The vector paths read sums that the network thread writes with plain vector loads, which the
// thread sanitizer cannot tell from a race.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (path == InstructionPath::kAvx2) return has_avx2;
  return has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

InstructionPath best_instruction_path() {
  return std::find_if(kPaths.begin(), kPaths.end(),
                      [](auto& known) { return is_available(known.first); })
      ->first;
}

}  // namespace hogwild::sgd
