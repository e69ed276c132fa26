#include "sgd/replica/delta.hpp"

#include <cassert>

namespace hogwild::sgd {
namespace {

DeltaHeader read_header(ByteReader& reader) {
  static_cast<void>(reader.u8());
  DeltaHeader header;
  header.run = reader.u64();
  header.origin = reader.u64();
  header.seq = reader.varint();
  return header;
}

bool is_valid(const DeltaHeader& header) {
  return header.run != 0 && header.origin != 0 && header.seq != 0 && header.seq < (1ULL << 48U);
}

/// Cells and blocks together.
constexpr std::uint64_t kMostCells = std::uint64_t{1} << 32U;

bool value_in_range(const SumsLayout& layout, CellDelta entry) {
  if (entry.cell >= layout.cell_count()) return entry.value > 0 && entry.value <= kMostBlockTimes;
  const std::int64_t most =
      entry.cell < layout.scalar_count() ? kLargestScalarDelta : kLargestSumDelta;
  if (entry.value == 0 || entry.value > most || entry.value < -most) return false;
  // Counters only grow; the intercept (2 + 4c) goes both ways, as the sums do.
  const bool is_counter =
      entry.cell < layout.scalar_count() && (entry.cell == SumsLayout::kExamples ||
                                             (entry.cell - 1) % SumsLayout::kScalarsPerColumn != 1);
  return !is_counter || entry.value > 0;
}

}  // namespace

std::size_t encode_delta(const DeltaHeader& header, std::span<const CellDelta> entries,
                         Bytes& out) {
  assert(!entries.empty());
  out.clear();
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(MessageType::kDelta));
  writer.u64(header.run);
  writer.u64(header.origin);
  writer.varint(header.seq);
  std::int64_t previous = -1;
  std::size_t count = 0;
  for (const CellDelta& entry : entries) {
    const std::size_t before = writer.size();
    writer.varint(static_cast<std::uint64_t>(std::int64_t{entry.cell} - previous));
    writer.zigzag(entry.value);
    if (writer.size() > kLargestPayload) {
      out.resize(before);
      break;
    }
    previous = entry.cell;
    ++count;
  }
  if (count < entries.size()) out.resize(kLargestPayload);
  return count;
}

std::expected<DeltaHeader, DeltaError> decode_delta_header(std::span<const std::byte> datagram) {
  ByteReader reader(datagram);
  const DeltaHeader header = read_header(reader);
  if (!reader.ok()) return std::unexpected(DeltaError::kTruncated);
  if (!is_valid(header)) return std::unexpected(DeltaError::kBadHeader);
  return header;
}

std::expected<DeltaHeader, DeltaError> decode_delta(std::span<const std::byte> datagram,
                                                    const SumsLayout& layout,
                                                    std::vector<CellDelta>& entries) {
  entries.clear();
  ByteReader reader(datagram);
  const DeltaHeader header = read_header(reader);
  if (!reader.ok()) return std::unexpected(DeltaError::kTruncated);
  if (!is_valid(header)) return std::unexpected(DeltaError::kBadHeader);
  if (reader.left() == 0) return std::unexpected(DeltaError::kEmpty);
  std::uint64_t next = 0;  // the smallest cell that may come
  while (reader.left() > 0) {
    const std::uint64_t gap = reader.varint();
    if (gap == 0 && reader.ok() && !entries.empty()) {
      if (!reader.rest_is_zero()) return std::unexpected(DeltaError::kCellOutOfRange);
      break;
    }
    const std::int64_t value = reader.zigzag();
    if (!reader.ok()) return std::unexpected(DeltaError::kTruncated);
    if (gap == 0 || gap > kMostCells - next) {
      return std::unexpected(DeltaError::kCellOutOfRange);
    }
    const CellDelta entry{static_cast<std::uint32_t>(next + gap - 1), value};
    if (!value_in_range(layout, entry)) return std::unexpected(DeltaError::kValueOutOfRange);
    entries.push_back(entry);
    next += gap;
  }
  return header;
}

}  // namespace hogwild::sgd
