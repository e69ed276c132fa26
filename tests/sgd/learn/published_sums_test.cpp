#include "sgd/learn/published_sums.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

namespace hogwild::sgd {
namespace {

const SumsLayout kLayout(1'000, 1);

}  // namespace

BOOST_AUTO_TEST_SUITE(published_sums)

BOOST_AUTO_TEST_CASE(many_additions_at_once_are_the_same_as_one_by_one) {
  std::mt19937_64 random(7);
  PublishedSums one(kLayout);
  PublishedSums many(kLayout);
  for (int round = 0; round < 200; ++round) {
    std::vector<CellDelta> deltas;
    for (std::uint32_t cell = 0; cell < kLayout.cell_count(); ++cell) {
      if (random() % 5 != 0) continue;
      deltas.push_back({cell, static_cast<std::int64_t>(random() % 200'001) - 100'000});
    }
    std::vector<std::uint32_t> before;
    for (std::uint32_t b = 0; b < kLayout.block_count(); ++b) before.push_back(many.version(b));
    for (const CellDelta& delta : deltas) one.add(delta);
    many.add(deltas);
    BOOST_TEST(one.digest() == many.digest());
    BOOST_TEST(many.digest() == digest_of(many.image()));
    BOOST_TEST((one.image().sums == many.image().sums));
    BOOST_TEST((one.image().scalars == many.image().scalars));
    // Who has built on a block sees that it changed, exactly where it did.
    std::vector<bool> has_changed(kLayout.block_count());
    for (const CellDelta& delta : deltas) {
      if (delta.cell < kLayout.scalar_count()) continue;
      has_changed[(delta.cell - kLayout.scalar_count()) / kBlock] = true;
    }
    for (std::uint32_t b = 0; b < kLayout.block_count(); ++b) {
      BOOST_TEST((many.version(b) != before[b]) == has_changed[b]);
    }
  }
  many.add(std::vector<CellDelta>{});
  BOOST_TEST(one.digest() == many.digest());
}

BOOST_AUTO_TEST_CASE(a_sum_that_leaves_its_range_is_named) {
  PublishedSums sums(kLayout);
  const std::uint32_t cell = kLayout.scalar_count() + 5;
  sums.add(std::vector<CellDelta>{{cell, PublishedSums::kLargestSum}});
  BOOST_TEST(sums.overflowed() == -1);
  sums.add(std::vector<CellDelta>{{cell, 1}});
  BOOST_TEST(sums.overflowed() == 5);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
