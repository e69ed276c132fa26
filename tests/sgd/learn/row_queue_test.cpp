#include "sgd/learn/row_queue.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

namespace hogwild::sgd {

BOOST_AUTO_TEST_SUITE(row_queue)

BOOST_AUTO_TEST_CASE(ranges_come_out_once_and_in_order) {
  RowQueue queue(4);
  for (std::uint64_t i = 0; i < 4; ++i) BOOST_TEST(queue.push({i * 100, 7}));
  BOOST_TEST(!queue.push({1, 1}));
  for (std::uint64_t i = 0; i < 4; ++i) BOOST_TEST((queue.pop() == RowRange{i * 100, 7}));
  BOOST_TEST(!queue.pop());
  BOOST_TEST(queue.push({5, 1}));
  BOOST_TEST((queue.pop() == RowRange{5, 1}));
}

BOOST_AUTO_TEST_CASE(a_closed_queue_is_drained_and_a_stopped_one_is_not) {
  RowQueue queue(4);
  BOOST_TEST(queue.push({1, 1}));
  queue.close();
  BOOST_TEST(queue.wait());
  BOOST_TEST(queue.pop().has_value());
  BOOST_TEST(!queue.wait());
  queue.reopen();
  BOOST_TEST(queue.push({1, 1}));
  queue.stop();
  BOOST_TEST(!queue.pop());
  BOOST_TEST(!queue.wait());
}

BOOST_AUTO_TEST_CASE(parked_consumers_wake_for_rows_and_for_the_end) {
  RowQueue queue(64);
  constexpr std::uint64_t kRanges = 20'000;
  std::vector<std::atomic<int>> seen(kRanges);
  {
    std::vector<std::jthread> consumers;
    for (int i = 0; i < 3; ++i) {
      consumers.emplace_back([&] {
        do {
          while (const auto range = queue.pop()) ++seen[range->first];
        } while (queue.wait());
      });
    }
    for (std::uint64_t i = 0; i < kRanges;) {
      if (queue.push({i, 1})) ++i;
    }
    queue.close();
  }
  for (const auto& count : seen) BOOST_TEST_REQUIRE(count == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
