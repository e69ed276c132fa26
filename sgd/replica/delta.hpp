#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <vector>

#include "sgd/learn/published_sums.hpp"
#include "sgd/replica/ids.hpp"
#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

/// One datagram of deltas: "add these integers", by itself, in any order, once.
///
///     u8       1 (kDelta)
///     u64      run
///     u64      origin: the process that learned it, whoever sends the datagram
///     varint   seq: the origin's number of this datagram, from 1
///     items    ascending, each of one of two forms, in which `next` is the cell after the item
///              before, 0 at first:
///              one cell: varint 2·(cell − next + 1), zigzag varint value
///              a group, cells 16g to 16g + 15: varint 2·(g − ⌊next / 16⌋ + 1) + 1, u16 with the
///              bit of each that has a value, then their values as zigzag varints
///     fill     zero bytes until the end: a datagram that is full has kLargestPayload bytes, so
///              that the kernel can send many in one call
///
/// A value is never 0. The sender picks the shorter form of a group (bench/README.md has what that
/// saves).
///
/// Cells are those of SumsLayout. An entry past them is no part of the state: "trained value times
/// on the block" cell − cell count of the run's walk (sgd/replica/block_tally.hpp). Features are
/// numbered by descending document frequency, so that gaps take one byte. Whether a datagram is
/// acceptable depends on it and on the run's layout alone, never on what arrived before: so all
/// nodes judge alike.
struct DeltaHeader {
  RunId run = 0;
  OriginId origin = 0;
  std::uint64_t seq = 0;
};

/// Why a datagram of deltas was refused; the state is unchanged then.
enum class DeltaError : std::uint8_t {
  kTruncated,
  kBadHeader,
  kCellOutOfRange,
  kValueOutOfRange,
  kEmpty
};

/// Largest magnitude of an entry for a feature (2²⁴ units), for an intercept or a sum of losses
/// (2⁵⁰), and for the examples (2²⁴): a run has 2⁴⁷ at most.
inline constexpr std::int64_t kLargestSumDelta = std::int64_t{1} << 24;
inline constexpr std::int64_t kLargestScalarDelta = std::int64_t{1} << 50;
inline constexpr std::int64_t kMostExamplesDelta = std::int64_t{1} << 24;
/// That of a cell of the state.
[[nodiscard]] constexpr std::int64_t largest_delta(const SumsLayout& layout, std::uint32_t cell) {
  if (cell == SumsLayout::kExamples) return kMostExamplesDelta;
  return cell < layout.scalar_count() ? kLargestScalarDelta : kLargestSumDelta;
}
/// Largest value of an entry for a block.
inline constexpr std::int64_t kMostBlockTimes = 255;

/// Appends one datagram to `out`, with as many of `entries` as fit into kLargestPayload, groups of
/// 16 whole; returns how many did. REQUIRES: entries not empty, ascending by cell, values within
/// the bounds and not 0.
std::size_t encode_delta(const DeltaHeader& header, std::span<const CellDelta> entries, Bytes& out);

/// Reads run, origin and seq only. The type byte was checked by the caller.
[[nodiscard]] std::expected<DeltaHeader, DeltaError> decode_delta_header(
    std::span<const std::byte> datagram);

/// Reads and checks a whole datagram; `entries` is overwritten, and of no use after an error.
[[nodiscard]] std::expected<DeltaHeader, DeltaError> decode_delta(
    std::span<const std::byte> datagram, const SumsLayout& layout, std::vector<CellDelta>& entries);

}  // namespace hogwild::sgd
