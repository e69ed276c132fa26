#include "sgd/replica/block_tally.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/sgd/replica/decoding.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::uint64_t kBlocks = 10;

void add_epoch(BlockTally& tally, std::uint64_t epoch, std::uint64_t without = kBlocks) {
  for (std::uint64_t i = 0; i < kBlocks; ++i) {
    if (i != without) tally.add(epoch * kBlocks + i, 1);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(block_tally)

BOOST_AUTO_TEST_CASE(only_epochs_that_are_over_are_judged) {
  BlockTally tally(kBlocks);
  add_epoch(tally, 0, 3);
  tally.add(0 * kBlocks + 7, 1);
  tally.add(1 * kBlocks + 7, 2);
  BOOST_TEST(tally.missed() == 0U);
  BOOST_TEST(tally.repeated() == 0U);
  tally.close_before(1);
  BOOST_TEST(tally.closed_epochs() == 1U);
  BOOST_TEST(tally.missed() == 1U);
  BOOST_TEST(tally.repeated() == 1U);
  tally.close_before(2);
  BOOST_TEST(tally.missed() == 1U + 9U);
  BOOST_TEST(tally.repeated() == 2U);
  // An epoch of which nobody did anything was missed whole.
  tally.close_before(3);
  BOOST_TEST(tally.missed() == 1U + 9U + 10U);
}

BOOST_AUTO_TEST_CASE(what_comes_late_corrects_an_epoch_that_is_over) {
  BlockTally tally(kBlocks);
  add_epoch(tally, 0, 3);
  tally.close_before(1);
  BOOST_TEST(tally.missed() == 1U);
  tally.add(3, 1);
  BOOST_TEST(tally.missed() == 0U);
  tally.add(3, 1);
  BOOST_TEST(tally.repeated() == 1U);
}

BOOST_AUTO_TEST_CASE(epochs_that_are_not_kept_any_more_stay_counted) {
  BlockTally tally(kBlocks);
  for (std::uint64_t epoch = 0; epoch < 1'000; ++epoch) {
    add_epoch(tally, epoch, epoch % 100 == 0 ? 5 : kBlocks);
    tally.close_before(epoch + 1);
  }
  BOOST_TEST(tally.closed_epochs() == 1'000U);
  BOOST_TEST(tally.missed() == 10U);
  // One that is far ahead of all others ends their epochs.
  add_epoch(tally, 1'100);
  BOOST_TEST(tally.closed_epochs() > 1'000U);
}

BOOST_AUTO_TEST_CASE(counting_begins_with_the_first_epoch_that_is_trained_whole) {
  BlockTally tally(kBlocks, 7);
  add_epoch(tally, 6, 1);
  add_epoch(tally, 7);
  tally.close_before(8);
  BOOST_TEST(tally.closed_epochs() == 1U);
  BOOST_TEST(tally.missed() == 0U);
}

BOOST_AUTO_TEST_CASE(places_that_nobody_can_be_at_change_nothing) {
  BlockTally tally(kBlocks);
  tally.add(~std::uint64_t{0}, 1);
  tally.add(kBlocks * 1'000'000, 1);
  add_epoch(tally, 0);
  tally.close_before(1);
  BOOST_TEST(tally.closed_epochs() == 1U);
  BOOST_TEST(tally.missed() == 0U);
  BlockTally none;
  none.add(5, 1);
  none.close_before(3);
  BOOST_TEST(none.closed_epochs() == 0U);
}

BOOST_AUTO_TEST_CASE(a_tally_travels_whole_and_nothing_malformed_is_taken) {
  BlockTally tally(kBlocks, 2);
  for (std::uint64_t epoch = 2; epoch < 30; ++epoch) {
    add_epoch(tally, epoch, epoch);
    tally.close_before(epoch);
  }
  tally.add(29 * kBlocks, 3);
  Bytes bytes;
  ByteWriter writer(bytes);
  tally.write(writer);
  const auto read = [](std::span<const std::byte> from) {
    ByteReader reader(from);
    BlockTally one = BlockTally::read(reader);
    return reader.done() ? std::optional(std::move(one)) : std::nullopt;
  };
  auto copy = read(bytes);
  BOOST_TEST_REQUIRE(copy.has_value());
  for (BlockTally* each : {&tally, &*copy}) each->close_before(30);
  BOOST_TEST(copy->closed_epochs() == 28U);
  BOOST_TEST(copy->missed() == tally.missed());
  BOOST_TEST(copy->repeated() == tally.repeated());
  BOOST_TEST(copy->repeated() == 1U);
  BOOST_TEST(count_accepted_truncations(bytes, [&](auto part) { return read(part).has_value(); }) ==
             0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
