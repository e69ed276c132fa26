#include "sgd/learn/round_board.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>

#include "sgd/learn/worker.hpp"
#include "tests/sgd/learn/toy_rows.hpp"

namespace hogwild::sgd {
namespace {

std::uint64_t sum_of(const std::vector<RowRange>& rows) {
  std::uint64_t sum = 0;
  for (const RowRange& range : rows) sum += range.count;
  return sum;
}

/// Everything that worker i is given.
std::vector<RowRange> take_all(RoundBoard& board, std::uint32_t i) {
  std::vector<RowRange> all;
  while (const auto piece = board.next(i)) all.push_back(*piece);
  return all;
}

/// A node's learner by rounds of `rows_a_round`, alone in its run; what it makes is added at each
/// round's end, as a commit does.
std::uint64_t digest_after(const TrainingRows& rows, unsigned threads, std::uint32_t rows_a_round) {
  const Rule rule{.loss = Loss::kHinge,
                  .has_bias = true,
                  .lambda = {1e-4},
                  .metric = std::vector<float>(rows.feature_count(), 0.02F)};
  PublishedSums published({rows.feature_count(), rows.column_count()});
  OwnWork own(published.layout());
  RowQueue queue(2);
  Pace pace;
  std::atomic<unsigned> finished{0};
  RoundBoard board(threads, [&finished] {
    ++finished;
    finished.notify_all();
  });
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < threads; ++i) {
    workers.push_back(
        std::make_unique<Worker>(Workplace{rows, rule, published, own, queue, pace,
                                           kernels_of(best_instruction_path()), threads, &board},
                                 i));
  }
  {
    std::vector<std::jthread> running;
    for (auto& worker : workers) running.emplace_back([&worker] { worker->run(); });
    for (std::uint64_t first = 0; first < rows.row_count(); first += rows_a_round) {
      const auto count = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(rows_a_round, rows.row_count() - first));
      const unsigned before = finished.load();
      const RowRange range{first, count};
      board.open(std::span(&range, 1));
      finished.wait(before);
      BOOST_TEST_REQUIRE(!board.is_running());
      BOOST_TEST(board.left_over().empty());
      std::vector<CellDelta> fresh;
      own.take(fresh);
      for (const CellDelta& delta : fresh) published.add(delta);
    }
    board.stop();
  }
  BOOST_TEST(published.examples() == rows.row_count());
  return published.digest();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(round_board)

BOOST_AUTO_TEST_CASE(rows_are_shared_out_alike_and_each_once) {
  for (const std::uint32_t workers : {1U, 2U, 3U, 7U}) {
    RoundBoard board(workers, [] {});
    const std::vector<RowRange> rows = {{1000, 300}, {0, 1}, {5000, 700}};
    board.open(rows);
    std::vector<int> seen(10'000);
    for (std::uint32_t i = 0; i < workers; ++i) {
      BOOST_TEST(board.await(i));
      const auto part = take_all(board, i);
      BOOST_TEST(sum_of(part) >= 1001 / workers);
      BOOST_TEST(sum_of(part) <= 1001 / workers + 1);
      for (const RowRange& range : part) {
        BOOST_TEST(range.count <= RoundBoard::kPiece);
        for (std::uint32_t row = 0; row < range.count; ++row) ++seen[range.first + row];
      }
      BOOST_TEST(board.is_running());
      board.finish(i);
    }
    BOOST_TEST(!board.is_running());
    BOOST_TEST(board.left_over().empty());
    for (const RowRange& range : rows) {
      for (std::uint32_t row = 0; row < range.count; ++row)
        BOOST_TEST(seen[range.first + row] == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_comes_after_the_close_is_left_over) {
  RoundBoard board(2, [] {});
  const std::vector<RowRange> rows = {{0, 1000}, {4000, 1000}};
  board.open(rows);
  BOOST_TEST(board.next(0)->count == 256U);
  board.close();
  BOOST_TEST(!board.next(0).has_value());
  BOOST_TEST(!board.next(1).has_value());
  board.finish(0);
  board.finish(1);
  const auto left = board.left_over();
  BOOST_TEST(sum_of(left) == 2000U - 256U);
  BOOST_TEST(left.front().first == 256U);
  BOOST_TEST(left.back().first == 4000U);
}

BOOST_AUTO_TEST_CASE(the_last_worker_ends_the_round_and_stop_sends_all_home) {
  int ended = 0;
  RoundBoard board(2, [&ended] { ++ended; });
  board.open({});
  board.finish(1);
  BOOST_TEST(ended == 0);
  board.finish(0);
  BOOST_TEST(ended == 1);
  board.stop();
  BOOST_TEST(!board.await(0));
}

// What a worker does is a function of the committed state and its rows, whatever the others'
// timing.
BOOST_AUTO_TEST_CASE(workers_by_rounds_repeat_every_bit) {
  const TrainingRows rows = toy_rows(8'000, 6'000, 0.1);
  for (const unsigned threads : {1U, 2U, 3U}) {
    const std::uint64_t first = digest_after(rows, threads, 700);
    for (int again = 0; again < 3; ++again) BOOST_TEST(digest_after(rows, threads, 700) == first);
  }
  BOOST_TEST(digest_after(rows, 2, 700) != digest_after(rows, 2, 600));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
