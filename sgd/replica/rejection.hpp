#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sgd/replica/delta.hpp"

namespace hogwild::sgd {

/// Why something that a member sent was not used. Who sent it is charged, whoever made it.
enum class Rejection : std::uint8_t {
  kTruncated,        ///< a delta that ends within an entry
  kBadHeader,        ///< a delta of no origin or number
  kCellOutOfRange,   ///< a delta for a cell that the run has not
  kValueOutOfRange,  ///< a delta larger than any that a node makes
  kEmpty,            ///< a delta of nothing
  kTooManyOrigins,   ///< a delta of a new origin where there are as many as a run may have
  kMessage,          ///< no delta, and no other message of the run either
  kState,            ///< a snapshot or final state that is not what its record says
};
inline constexpr std::size_t kRejections = 8;

/// How often, by reason.
using RejectionCounts = std::array<std::uint64_t, kRejections>;

/// As in metrics: "cell_out_of_range".
[[nodiscard]] constexpr std::string_view to_string(Rejection reason) {
  constexpr std::array<std::string_view, kRejections> kNames = {
      "truncated", "bad_header",       "cell_out_of_range", "value_out_of_range",
      "empty",     "too_many_origins", "message",           "state"};
  return kNames[static_cast<std::size_t>(reason)];
}

[[nodiscard]] constexpr Rejection rejection_of(DeltaError error) {
  switch (error) {
    case DeltaError::kTruncated:
      return Rejection::kTruncated;
    case DeltaError::kBadHeader:
      return Rejection::kBadHeader;
    case DeltaError::kCellOutOfRange:
      return Rejection::kCellOutOfRange;
    case DeltaError::kValueOutOfRange:
      return Rejection::kValueOutOfRange;
    case DeltaError::kEmpty:
      break;
  }
  return Rejection::kEmpty;
}

}  // namespace hogwild::sgd
