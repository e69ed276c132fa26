#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hogwild::sgd {

/// The instruction sets that the learner's kernels are built for. One binary holds all of its
/// architecture's and chooses when it starts.
///
/// Paths differ in the order in which they add floats, so a run repeats bit for bit on one path
/// only. What nodes exchange are integers: nodes on different paths agree on them all the same.
enum class InstructionPath : std::uint8_t {
  kPortable,  ///< any CPU; the one that the thread sanitizer understands
  kAvx2,      ///< AVX2 and FMA (x86-64-v3)
  kAvx512,    ///< AVX-512 F, VL, BW, DQ (x86-64-v4)
};

/// `portable`, `avx2`, `avx512`.
[[nodiscard]] std::string_view to_string(InstructionPath path);
/// The path that `name` spells, or nothing.
[[nodiscard]] std::optional<InstructionPath> parse_instruction_path(std::string_view name);

/// Whether this CPU and system can run `path`.
[[nodiscard]] bool is_available(InstructionPath path);
/// The fastest available one.
[[nodiscard]] InstructionPath best_instruction_path();

}  // namespace hogwild::sgd
