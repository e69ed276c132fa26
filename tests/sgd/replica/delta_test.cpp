#include "sgd/replica/delta.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "tests/sgd/replica/decoding.hpp"

namespace hogwild::sgd {
namespace {

constexpr SumsLayout kLayout(1'000, 1);

Bytes head_of_delta() {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(1);
  writer.u64(5);
  writer.u64(6);
  writer.varint(7);
  return bytes;
}

/// Cells one by one.
Bytes raw_delta(std::initializer_list<std::pair<std::uint64_t, std::int64_t>> gaps_and_values) {
  Bytes bytes = head_of_delta();
  ByteWriter writer(bytes);
  for (const auto& [gap, value] : gaps_and_values) {
    writer.varint(2 * gap);
    writer.zigzag(value);
  }
  return bytes;
}

/// A group after the cells of `before`.
Bytes raw_group(Bytes before, std::uint64_t gap, std::uint16_t present,
                std::initializer_list<std::int64_t> values) {
  ByteWriter writer(before);
  writer.varint(2 * gap + 1);
  writer.u16(present);
  for (const std::int64_t value : values) writer.zigzag(value);
  return before;
}

/// The entries after a way through datagrams, all but the last as long as can be: the kernel sends
/// equal ones in one call.
std::vector<CellDelta> sent_and_read(std::span<const CellDelta> left, const SumsLayout& layout) {
  std::vector<CellDelta> all;
  while (!left.empty()) {
    Bytes bytes;
    left = left.subspan(encode_delta({1, 2, 3}, left, bytes));
    BOOST_TEST_REQUIRE(bytes.size() <= kLargestPayload);
    BOOST_TEST_REQUIRE((left.empty() || bytes.size() == kLargestPayload));
    std::vector<CellDelta> part;
    BOOST_TEST_REQUIRE(decode_delta(bytes, layout, part).has_value());
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

DeltaError error_of(const Bytes& bytes) {
  std::vector<CellDelta> entries;
  const auto decoded = decode_delta(bytes, kLayout, entries);
  BOOST_TEST_REQUIRE(!decoded.has_value());
  return decoded.error();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(delta)

BOOST_AUTO_TEST_CASE(what_is_encoded_is_decoded) {
  const std::vector<CellDelta> entries = {
      {0, 64}, {1, 16'384}, {2, -9}, {5, 1}, {6, -kLargestSumDelta}, {1'004, kLargestSumDelta}};
  Bytes bytes;
  BOOST_TEST(encode_delta({11, 22, 33}, entries, bytes) == entries.size());
  std::vector<CellDelta> decoded;
  const auto header = decode_delta(bytes, kLayout, decoded);
  BOOST_TEST_REQUIRE(header.has_value());
  BOOST_TEST(header->run == 11U);
  BOOST_TEST(header->origin == 22U);
  BOOST_TEST(header->seq == 33U);
  BOOST_TEST((decoded == entries));
}

BOOST_AUTO_TEST_CASE(several_are_written_one_behind_the_other) {
  const std::vector<CellDelta> entries(1, {5, 1});
  Bytes bytes;
  static_cast<void>(encode_delta({1, 2, 3}, entries, bytes));
  const std::size_t size = bytes.size();
  static_cast<void>(encode_delta({1, 2, 4}, entries, bytes));
  std::vector<CellDelta> decoded;
  BOOST_TEST(decode_delta(std::span(bytes).first(size), kLayout, decoded)->seq == 3U);
  BOOST_TEST(decode_delta(std::span(bytes).subspan(size), kLayout, decoded)->seq == 4U);
}

BOOST_AUTO_TEST_CASE(many_entries_are_cut_into_datagrams_within_the_bound) {
  std::vector<CellDelta> entries;
  for (std::uint32_t i = 0; i < 1'000; ++i) entries.push_back({5 + i, i % 2 == 0 ? 300'000 : -1});
  BOOST_TEST((sent_and_read(entries, kLayout) == entries));
}

// Features by descending frequency: neighbours, small values. One byte each, three for 16 of them.
BOOST_AUTO_TEST_CASE(neighbours_take_a_byte_each_and_three_a_group) {
  std::vector<CellDelta> entries;
  for (std::uint32_t i = 0; i < 512; ++i) {
    entries.push_back({16 + i, static_cast<int>(i % 100) - 60});
  }
  std::erase_if(entries, [](CellDelta entry) { return entry.value == 0; });
  Bytes bytes;
  BOOST_TEST(encode_delta({1, 2, 3}, entries, bytes) == entries.size());
  BOOST_TEST(bytes.size() == head_of_delta().size() + 3 * 32 + entries.size());
}

BOOST_AUTO_TEST_CASE(each_group_takes_its_shorter_form) {
  const std::size_t head = head_of_delta().size();
  const auto bytes_of = [&](const std::vector<CellDelta>& entries) {
    Bytes bytes;
    BOOST_TEST(encode_delta({1, 2, 3}, entries, bytes) == entries.size());
    std::vector<CellDelta> decoded;
    BOOST_TEST_REQUIRE(decode_delta(bytes, SumsLayout(1 << 20, 1), decoded).has_value());
    BOOST_TEST((decoded == entries));
    return bytes.size() - head;
  };
  BOOST_TEST(bytes_of({{5, 1}}) == 2U);
  BOOST_TEST(bytes_of({{5, 1}, {9, 1}, {15, 1}}) == 6U);
  BOOST_TEST(bytes_of({{5, 1}, {9, 1}, {11, 1}, {15, 1}}) == 3U + 4U);
  // Far off three are enough: the number of a group takes fewer bytes than that of a cell.
  BOOST_TEST(bytes_of({{100, 1}, {101, 1}}) == 2U + 1U + 2U);
  BOOST_TEST(bytes_of({{100, 1}, {101, 1}, {102, 1}}) == 1U + 2U + 3U);
  BOOST_TEST(bytes_of({{100, 1}, {101, 1}, {102, 1}, {103, 1}}) == 1U + 2U + 4U);
  // Single cells before and after a group, the next group, and one far away.
  BOOST_TEST(
      bytes_of(
          {{5, 1}, {6, 1}, {16, 1}, {17, 1}, {18, 1}, {19, 1}, {31, 1}, {32, 1}, {1'000'000, 1}}) ==
      2 * 2U + 3U + 5U + 2U + 4U);
}

BOOST_AUTO_TEST_CASE(any_entries_come_back) {
  std::mt19937_64 random(3);
  const SumsLayout layout(1 << 16, 2);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<CellDelta> entries;
    const std::uint64_t sparseness = 1 + random() % (round % 2 == 0 ? 4 : 400);
    for (std::uint64_t cell = random() % 100; cell < layout.cell_count() + 9'000;
         cell += 1 + random() % sparseness) {
      const bool may_be_negative = cell >= layout.scalar_count() && cell < layout.cell_count();
      const auto size = static_cast<std::int64_t>(1 + random() % (random() % 8 == 0 ? 255 : 40));
      entries.push_back(
          {static_cast<std::uint32_t>(cell), may_be_negative && random() % 2 == 0 ? -size : size});
    }
    BOOST_TEST_REQUIRE((sent_and_read(entries, layout) == entries));
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_right_is_refused_with_its_reason) {
  BOOST_CHECK(error_of(raw_delta({})) == DeltaError::kEmpty);
  BOOST_CHECK(error_of(raw_delta({{0, 1}})) == DeltaError::kCellOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{1'000, 1}, {0xffff'ffff, 1}})) == DeltaError::kCellOutOfRange);
  // Past the cells are blocks that were trained on, some times each.
  BOOST_CHECK(error_of(raw_delta({{1'006, -1}})) == DeltaError::kValueOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{1'006, 256}})) == DeltaError::kValueOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{~std::uint64_t{0} / 2, 1}})) == DeltaError::kCellOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{6, 0}})) == DeltaError::kValueOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{6, kLargestSumDelta + 1}})) == DeltaError::kValueOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{6, INT64_MIN}})) == DeltaError::kValueOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{1, -64}})) == DeltaError::kValueOutOfRange);  // t never falls
  BOOST_CHECK(error_of(raw_delta({{2, -1}})) == DeltaError::kValueOutOfRange);   // nor does A
  std::vector<CellDelta> entries;
  BOOST_TEST(
      decode_delta(raw_delta({{3, -1}}), kLayout, entries).has_value());  // the intercept may
  BOOST_TEST(decode_delta(raw_delta({{1'005, 1}}), kLayout, entries).has_value());
  BOOST_CHECK(error_of({std::byte{1}, std::byte{2}}) == DeltaError::kTruncated);
  BOOST_CHECK(error_of(raw_delta({{1, kMostExamplesDelta + 1}})) == DeltaError::kValueOutOfRange);
  // Groups.
  const Bytes none = head_of_delta();
  BOOST_TEST(decode_delta(raw_group(none, 2, 0x8001, {5, -6}), kLayout, entries).has_value());
  BOOST_TEST((entries == std::vector<CellDelta>{{16, 5}, {31, -6}}));
  BOOST_CHECK(error_of(raw_group(none, 2, 0, {})) == DeltaError::kCellOutOfRange);
  BOOST_CHECK(error_of(raw_group(none, 0, 1, {5})) == DeltaError::kCellOutOfRange);
  BOOST_CHECK(error_of(raw_group(none, 1, 1, {-5})) == DeltaError::kValueOutOfRange);  // t
  BOOST_CHECK(error_of(raw_group(none, 2, 3, {5, 0})) == DeltaError::kValueOutOfRange);
  BOOST_CHECK(error_of(raw_group(none, 2, 3, {5})) == DeltaError::kTruncated);
  BOOST_CHECK(error_of(raw_group(none, 1ULL << 28U, 1, {-5})) == DeltaError::kValueOutOfRange);
  BOOST_CHECK(error_of(raw_group(none, (1ULL << 28U) + 1, 1, {5})) == DeltaError::kCellOutOfRange);
  BOOST_CHECK(error_of(raw_group(none, ~0ULL / 2, 1, {5})) == DeltaError::kCellOutOfRange);
  // A group that begins before the cell after the last one may not go back to it.
  const Bytes one = raw_delta({{21, 9}});  // cell 20, the fifth of its group
  BOOST_TEST(decode_delta(raw_group(one, 1, 0x20, {7}), kLayout, entries).has_value());
  BOOST_TEST((entries == std::vector<CellDelta>{{20, 9}, {21, 7}}));
  BOOST_CHECK(error_of(raw_group(one, 1, 0x10, {7})) == DeltaError::kCellOutOfRange);
  BOOST_CHECK(error_of(raw_group(one, 1, 0x21, {7, 7})) == DeltaError::kCellOutOfRange);
  // Fill is zeros to the end.
  Bytes filled = raw_delta({{3, -1}});
  filled.resize(filled.size() + 5);
  BOOST_TEST(decode_delta(filled, kLayout, entries).has_value());
  BOOST_TEST(entries.size() == 1U);
  filled.back() = std::byte{1};
  BOOST_CHECK(error_of(filled) == DeltaError::kCellOutOfRange);
}

BOOST_AUTO_TEST_CASE(any_bytes_are_taken_without_harm) {
  const Bytes message = raw_delta({{1, 64}, {1, 900}, {4, -5}, {200, 77}});
  std::vector<CellDelta> entries;
  const std::size_t accepted = count_accepted_truncations(
      message, [&](auto bytes) { return decode_delta(bytes, kLayout, entries).has_value(); });
  // Cut between two entries it is a shorter datagram; UDP never cuts there.
  BOOST_TEST(accepted == 3U);
  const Bytes group = raw_group(message, 1, 0xf000, {7, 7, -100, 7});
  BOOST_TEST(count_accepted_truncations(group, [&](auto bytes) {
               return decode_delta(bytes, kLayout, entries).has_value();
             }) == 4U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
