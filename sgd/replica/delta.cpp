#include "sgd/replica/delta.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace hogwild::sgd {
namespace {

DeltaHeader read_header(ByteReader& reader) {
  static_cast<void>(reader.u8());
  DeltaHeader header;
  header.run = reader.u64();
  header.origin = reader.u64();
  header.seq = reader.counted();
  return header;
}

bool is_valid(const DeltaHeader& header) {
  return header.run != 0 && header.origin != 0 && header.seq != 0 && header.seq < (1ULL << 48U);
}

/// Cells and blocks together.
constexpr std::uint64_t kMostCells = std::uint64_t{1} << 32U;
constexpr std::uint32_t kGroupCells = 16;

std::size_t varint_bytes(std::uint64_t value) {
  return static_cast<std::size_t>(std::bit_width(value | 1U) + 6) / 7;
}

/// The entries of the group that the first one is of.
std::span<const CellDelta> first_group(std::span<const CellDelta> entries) {
  const std::uint32_t group = entries.front().cell / kGroupCells;
  std::size_t count = 1;
  while (count < entries.size() && entries[count].cell / kGroupCells == group) ++count;
  return entries.first(count);
}

/// Appends the entries of one group in the shorter form; returns the cell after them.
std::uint64_t write_group(std::span<const CellDelta> entries, std::uint64_t next,
                          ByteWriter& writer) {
  const std::uint64_t first = entries.front().cell;
  const std::uint64_t group = first / kGroupCells;
  const std::uint64_t cell_head = 2 * (first - next + 1);
  const std::uint64_t group_head = 2 * (group - next / kGroupCells + 1) + 1;
  if (varint_bytes(cell_head) + entries.size() - 1 <= varint_bytes(group_head) + 2) {
    for (const CellDelta& entry : entries) {
      writer.varint(2 * (entry.cell - next + 1));
      writer.zigzag(entry.value);
      next = std::uint64_t{entry.cell} + 1;
    }
    return next;
  }
  std::uint32_t present = 0;
  for (const CellDelta& entry : entries) present |= 1U << entry.cell % kGroupCells;
  writer.varint(group_head);
  writer.u16(static_cast<std::uint16_t>(present));
  for (const CellDelta& entry : entries) writer.zigzag(entry.value);
  return (group + 1) * kGroupCells;
}

/// A group whose values take a byte each: nearly all do, and such a value of a sum is in range.
/// False, and nothing read, where some take more.
bool append_small(ByteReader& reader, std::uint64_t first, std::uint32_t present,
                  std::vector<CellDelta>& entries) {
  static_assert(kLargestSumDelta >= 64);
  std::array<std::uint8_t, kGroupCells> values;
  const auto count = static_cast<unsigned>(std::popcount(present));
  if (!reader.small_varints(count, values)) return false;
  const std::size_t size = entries.size();
  entries.resize(size + count);
  CellDelta* out = entries.data() + size;
  for (const std::uint8_t* value = values.data(); present != 0; present &= present - 1, ++value) {
    *out++ = {
        static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(std::countr_zero(present)),
        (*value >> 1) ^ -(*value & 1)};
  }
  return true;
}

bool value_in_range(const SumsLayout& layout, CellDelta entry) {
  if (entry.cell >= layout.cell_count()) return entry.value > 0 && entry.value <= kMostBlockTimes;
  const std::int64_t most = largest_delta(layout, entry.cell);
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
  const std::size_t begin = out.size();
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(MessageType::kDelta));
  writer.u64(header.run);
  writer.u64(header.origin);
  writer.varint(header.seq);
  std::uint64_t next = 0;
  std::size_t count = 0;
  while (count < entries.size()) {
    const std::size_t before = writer.size();
    const auto group = first_group(entries.subspan(count));
    next = write_group(group, next, writer);
    if (writer.size() - begin > kLargestPayload) {
      out.resize(before);
      break;
    }
    count += group.size();
  }
  if (count < entries.size()) out.resize(begin + kLargestPayload);
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
    const std::uint64_t head = reader.varint();
    if (head == 0 && reader.ok() && !entries.empty()) {
      if (!reader.rest_is_zero()) return std::unexpected(DeltaError::kCellOutOfRange);
      break;
    }
    const std::uint64_t gap = head / 2;
    const bool is_group = head % 2 == 1;
    std::uint32_t present =
        is_group ? reader.u16() : 1;  // which cells from `first` on have a value
    if (!reader.ok()) return std::unexpected(DeltaError::kTruncated);
    if (gap == 0 || gap > kMostCells || present == 0) {
      return std::unexpected(DeltaError::kCellOutOfRange);
    }
    const std::uint64_t first =
        is_group ? (next / kGroupCells + gap - 1) * kGroupCells : next + gap - 1;
    const auto lowest = static_cast<unsigned>(std::countr_zero(present));
    const auto width = static_cast<unsigned>(std::bit_width(present));
    if (first + lowest < next || first + width > kMostCells) {
      return std::unexpected(DeltaError::kCellOutOfRange);
    }
    const bool is_of_sums = first >= layout.scalar_count() && first + width <= layout.cell_count();
    if (is_group && is_of_sums && append_small(reader, first, present, entries)) {
      next = first + kGroupCells;
      continue;
    }
    for (; present != 0; present &= present - 1) {
      const CellDelta entry{
          static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(std::countr_zero(present)),
          reader.zigzag()};
      if (!value_in_range(layout, entry)) {
        return std::unexpected(reader.ok() ? DeltaError::kValueOutOfRange : DeltaError::kTruncated);
      }
      entries.push_back(entry);
    }
    next = is_group ? first + kGroupCells : first + 1;
  }
  return header;
}

}  // namespace hogwild::sgd
