#include "sgd/replica/delta.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/sgd/replica/decoding.hpp"

namespace hogwild::sgd {
namespace {

constexpr SumsLayout kLayout(1'000, 1);

Bytes raw_delta(std::initializer_list<std::pair<std::uint64_t, std::int64_t>> gaps_and_values) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(1);
  writer.u64(5);
  writer.u64(6);
  writer.varint(7);
  for (const auto& [gap, value] : gaps_and_values) {
    writer.varint(gap);
    writer.zigzag(value);
  }
  return bytes;
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

BOOST_AUTO_TEST_CASE(many_entries_are_cut_into_datagrams_within_the_bound) {
  std::vector<CellDelta> entries;
  for (std::uint32_t i = 0; i < 1'000; ++i) entries.push_back({5 + i, i % 2 == 0 ? 300'000 : -1});
  std::vector<CellDelta> all;
  std::span<const CellDelta> left(entries);
  while (!left.empty()) {
    Bytes bytes;
    left = left.subspan(encode_delta({1, 2, 3}, left, bytes));
    // All but the last are as long as can be: the kernel sends equal ones in one call.
    BOOST_TEST(bytes.size() <= kLargestPayload);
    BOOST_TEST((left.empty() || bytes.size() == kLargestPayload));
    std::vector<CellDelta> part;
    BOOST_TEST_REQUIRE(decode_delta(bytes, kLayout, part).has_value());
    all.insert(all.end(), part.begin(), part.end());
  }
  BOOST_TEST((all == entries));
}

// Features by descending frequency: neighbours, small values. Two bytes an entry.
BOOST_AUTO_TEST_CASE(a_usual_entry_takes_two_bytes) {
  std::vector<CellDelta> entries;
  for (std::uint32_t i = 0; i < 500; ++i)
    entries.push_back({5 + i, static_cast<int>(i % 100) - 60});
  std::erase_if(entries, [](CellDelta entry) { return entry.value == 0; });
  Bytes bytes;
  BOOST_TEST(encode_delta({1, 2, 3}, entries, bytes) == entries.size());
  BOOST_TEST(bytes.size() < 24 + 2 * entries.size());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_right_is_refused_with_its_reason) {
  BOOST_CHECK(error_of(raw_delta({})) == DeltaError::kEmpty);
  BOOST_CHECK(error_of(raw_delta({{0, 1}})) == DeltaError::kCellOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{1'000, 1}, {0xffff'ffff, 1}})) == DeltaError::kCellOutOfRange);
  // Past the cells are blocks that were trained on, some times each.
  BOOST_CHECK(error_of(raw_delta({{1'006, -1}})) == DeltaError::kValueOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{1'006, 256}})) == DeltaError::kValueOutOfRange);
  BOOST_CHECK(error_of(raw_delta({{~std::uint64_t{0}, 1}})) == DeltaError::kCellOutOfRange);
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
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
