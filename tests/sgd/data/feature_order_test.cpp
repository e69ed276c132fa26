#include "sgd/data/feature_order.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/synthetic_rows.hpp"

namespace hogwild::sgd {
namespace {

/// Rows are trained in the order in which they stand, or in the opposite one.
FeatureOrder order_of(const Dataset& dataset, unsigned threads = 1, bool is_reverse = false) {
  // In two parts, as any number of them.
  const auto rows = static_cast<std::uint32_t>(dataset.rows.row_count());
  const std::uint32_t middle = rows / 3;
  std::vector<CountedRows> parts;
  for (const auto& [first, last] : {std::pair{middle, rows}, std::pair{0U, middle}}) {
    const std::uint64_t begin = dataset.rows.starts()[first];
    CountedRows& part = parts.emplace_back(
        dataset.rows.feature().subspan(begin, dataset.rows.starts()[last] - begin));
    for (std::uint32_t row = first; row < last; ++row) {
      part.rows.push_back(
          {.place = is_reverse ? rows - row : row,
           .entries = static_cast<std::uint32_t>(dataset.rows.features(row).size())});
    }
  }
  return FeatureOrder::by_frequency(parts, dataset.feature_count, threads);
}

std::vector<std::uint32_t> ids(const FeatureOrder& order) {
  std::vector<std::uint32_t> ids(order.features().begin(), order.features().end());
  for (std::uint32_t& id : ids) ++id;
  return ids;
}

BOOST_AUTO_TEST_SUITE(feature_order)

BOOST_AUTO_TEST_CASE(frequent_features_come_first_and_ties_go_by_the_first_row_then_by_id) {
  const Dataset dataset = parse_valid("1 2:1 5:1 9:1\n-1 9:1 4:1\n1 9:1 5:1 2:1\n1 9:1 7:0\n");
  const FeatureOrder order = order_of(dataset);
  BOOST_TEST((ids(order) == std::vector<std::uint32_t>{9, 2, 5, 4, 7}));
  BOOST_TEST(order.rank_of(8) == 0U);
  BOOST_TEST(order.rank_of(6) == 4U);
  // From the last row on, 7 comes before 4.
  BOOST_TEST((ids(order_of(dataset, 1, true)) == std::vector<std::uint32_t>{9, 2, 5, 7, 4}));
}

BOOST_AUTO_TEST_CASE(feature_that_no_row_has_gets_no_rank) {
  const FeatureOrder order = order_of(parse_valid("1 3:1\n"));
  BOOST_TEST(order.size() == 1U);
  BOOST_TEST(order.rank_of(0) == FeatureOrder::kNoRank);
  BOOST_TEST(order.rank_of(3) == FeatureOrder::kNoRank);
  BOOST_TEST(order.rank_of(4'000'000'000U) == FeatureOrder::kNoRank);
  BOOST_TEST(FeatureOrder().rank_of(0) == FeatureOrder::kNoRank);
}

BOOST_AUTO_TEST_CASE(ids_so_wide_that_no_table_holds_them_are_ordered_alike) {
  // The same rows with ids far apart, so that the other way of counting is taken.
  const std::string near = "1 2:1 5:1 9:1\n-1 9:1 4:1\n1 9:1 5:1 2:1\n1 9:1 7:0\n";
  const std::string far =
      "1 200000000:1 500000000:1 2147483647:1\n-1 2147483647:1 400000000:1\n"
      "1 2147483647:1 500000000:1 200000000:1\n1 2147483647:1 700000000:0\n";
  const FeatureOrder order = order_of(parse_valid(far));
  BOOST_TEST((ids(order) == std::vector<std::uint32_t>{2147483647U, 200000000U, 500000000U,
                                                       400000000U, 700000000U}));
  for (std::uint32_t rank = 0; rank < order.size(); ++rank) {
    BOOST_TEST(order.rank_of(order.feature_of(rank)) == rank);
  }
  BOOST_TEST(order.rank_of(3) == FeatureOrder::kNoRank);
  BOOST_TEST(order.rank_of(2147483645U) == FeatureOrder::kNoRank);
  BOOST_TEST(order_of(parse_valid(near)).size() == order.size());
  BOOST_TEST(
      (ids(order_of(parse_valid(far), 1, true)) ==
       std::vector<std::uint32_t>{2147483647U, 200000000U, 500000000U, 700000000U, 400000000U}));
}

BOOST_AUTO_TEST_CASE(order_agrees_with_a_plain_count_for_any_number_of_threads) {
  const Dataset& dataset = synthetic_rows(20'000);
  std::map<std::uint32_t, std::uint32_t> frequency;
  std::map<std::uint32_t, std::size_t> first;
  for (std::size_t row = 0; row < dataset.rows.row_count(); ++row) {
    for (const std::uint32_t feature : dataset.rows.features(row)) {
      ++frequency[feature];
      first.try_emplace(feature, row);
    }
  }
  std::vector<std::uint32_t> expected;
  for (const auto& [feature, count] : frequency) expected.push_back(feature);
  std::stable_sort(expected.begin(), expected.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(frequency.at(b), first.at(a)) < std::pair(frequency.at(a), first.at(b));
  });
  for (const unsigned threads : {1U, 2U, 3U, 7U}) {
    const FeatureOrder order = order_of(dataset, threads);
    BOOST_TEST(
        (std::vector<std::uint32_t>(order.features().begin(), order.features().end()) == expected));
    for (std::uint32_t rank = 0; rank < order.size(); rank += 13) {
      BOOST_TEST_REQUIRE(order.rank_of(order.feature_of(rank)) == rank);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
