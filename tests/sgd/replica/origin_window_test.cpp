#include "sgd/replica/origin_window.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

namespace hogwild::sgd {

using Verdict = OriginWindow::Verdict;

BOOST_AUTO_TEST_SUITE(origin_window)

BOOST_AUTO_TEST_CASE(gaps_are_told_and_closed) {
  OriginWindow window;
  for (const std::uint64_t seq : {1U, 2U, 5U, 6U, 9U}) window.insert(seq);
  BOOST_TEST(window.contiguous() == 2U);
  BOOST_TEST((window.beyond(10) == std::vector<SeqRange>{{5, 6}, {9, 9}}));
  BOOST_TEST((window.missing(10, 10) == std::vector<SeqRange>{{3, 4}, {7, 8}, {10, 10}}));
  BOOST_TEST((window.missing(10, 1) == std::vector<SeqRange>{{3, 4}}));
  BOOST_TEST(window.missing_count(10) == 5U);
  window.insert(4);
  window.insert(3);
  BOOST_TEST(window.contiguous() == 6U);
  BOOST_TEST((window.beyond(10) == std::vector<SeqRange>{{9, 9}}));
}

BOOST_AUTO_TEST_CASE(duplicates_and_numbers_past_the_window_are_known_as_such) {
  OriginWindow window;
  window.insert(1);
  window.insert(3);
  BOOST_CHECK(window.judge(1) == Verdict::kDuplicate);
  BOOST_CHECK(window.judge(3) == Verdict::kDuplicate);
  BOOST_CHECK(window.judge(2) == Verdict::kNew);
  BOOST_CHECK(window.judge(1 + OriginWindow::kWindow) == Verdict::kNew);
  BOOST_CHECK(window.judge(2 + OriginWindow::kWindow) == Verdict::kBeyondWindow);
}

BOOST_AUTO_TEST_CASE(it_agrees_with_a_set_over_many_windows) {
  OriginWindow window;
  std::set<std::uint64_t> naive;
  std::mt19937_64 random(3);
  for (int i = 0; i < 60'000; ++i) {
    const std::uint64_t seq = window.contiguous() + 1 + random() % 64;
    BOOST_TEST_REQUIRE((window.judge(seq) == Verdict::kDuplicate) == naive.contains(seq));
    if (naive.insert(seq).second) window.insert(seq);
  }
  std::uint64_t contiguous = 0;
  while (naive.contains(contiguous + 1)) ++contiguous;
  BOOST_TEST(window.contiguous() == contiguous);
  BOOST_TEST(contiguous > 2 * OriginWindow::kWindow);
  BOOST_TEST(window.highest() == *naive.rbegin());
  BOOST_TEST(window.missing_count(*naive.rbegin()) == *naive.rbegin() - naive.size());
}

BOOST_AUTO_TEST_CASE(one_built_from_what_another_tells_is_the_same) {
  OriginWindow window;
  for (const std::uint64_t seq : {1U, 2U, 5U, 6U, 9U, 4000U}) window.insert(seq);
  const OriginWindow copy(window.contiguous(), window.beyond(100));
  BOOST_TEST(copy.contiguous() == window.contiguous());
  BOOST_TEST((copy.beyond(100) == window.beyond(100)));
  BOOST_TEST(copy.highest() == window.highest());
  // From the network: ranges that are absurd are cut to the window.
  const OriginWindow absurd(10, {{5, 20}, {12, 12}, {9'000'000, 9'000'001}});
  BOOST_TEST(absurd.contiguous() == 20U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
