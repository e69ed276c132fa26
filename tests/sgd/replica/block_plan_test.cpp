#include "sgd/replica/block_plan.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <vector>

namespace hogwild::sgd {
namespace {

constexpr std::uint64_t kRows = 20'000;
constexpr std::uint64_t kSeed = 5;

/// Walks one epoch of `plan` from its start; counts rows.
void walk_epoch(BlockPlan& plan, std::uint64_t epoch, std::vector<int>& counts) {
  while (true) {
    const auto range = plan.next();
    BOOST_TEST_REQUIRE(range.has_value());
    if (plan.epoch() != epoch) return;
    for (std::uint64_t i = 0; i < range->count; ++i) ++counts[range->first + i];
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(block_plan)

BOOST_AUTO_TEST_CASE(members_that_agree_share_each_epoch_without_overlap) {
  const std::vector<PeerId> members = {101, 202, 303};
  std::vector<int> counts(kRows);
  for (const PeerId self : members) {
    BlockPlan plan(kRows, kSeed, self);
    plan.start({0, 0}, members);
    walk_epoch(plan, 0, counts);
  }
  for (const int count : counts) BOOST_TEST_REQUIRE(count == 1);
}

BOOST_AUTO_TEST_CASE(epochs_have_different_orders_and_all_nodes_the_same) {
  BlockPlan a(kRows, kSeed, 1);
  BlockPlan b(kRows, kSeed, 1);
  BlockPlan c(kRows, kSeed + 1, 1);
  const std::vector<PeerId> members = {1};
  a.start({0, 0}, members);
  b.start({0, 0}, members);
  c.start({0, 0}, members);
  std::vector<std::uint64_t> first_a;
  std::vector<std::uint64_t> first_c;
  for (std::uint64_t i = 0; i < a.block_count(); ++i) {
    const auto range = a.next();
    BOOST_TEST((range == b.next()));
    first_a.push_back(range->first);
    first_c.push_back(c.next()->first);
  }
  std::vector<std::uint64_t> second_a;
  for (std::uint64_t i = 0; i < a.block_count(); ++i) second_a.push_back(a.next()->first);
  BOOST_TEST(first_a != second_a);
  BOOST_TEST(first_a != first_c);
  std::sort(first_a.begin(), first_a.end());
  std::sort(second_a.begin(), second_a.end());
  BOOST_TEST(first_a == second_a);
}

BOOST_AUTO_TEST_CASE(what_a_dead_member_had_left_is_done_by_the_others_in_the_same_epoch) {
  const std::vector<PeerId> members = {101, 202, 303};
  std::vector<int> counts(kRows);
  BlockPlan victim(kRows, kSeed, 303);
  victim.start({0, 0}, members);
  for (int i = 0; i < 20; ++i) {
    const auto range = *victim.next();
    for (std::uint64_t j = 0; j < range.count; ++j) ++counts[range.first + j];
  }
  const WalkProgress done = victim.progress(0);

  BlockPlan ahead(kRows, kSeed, 101);
  BlockPlan behind(kRows, kSeed, 202);
  ahead.start({0, 0}, members);
  behind.start({0, 0}, members);
  for (int i = 0; i < 60; ++i) {  // past where the dead one stopped: some of its blocks lie behind
    const auto range = *ahead.next();
    for (std::uint64_t j = 0; j < range.count; ++j) ++counts[range.first + j];
  }
  ahead.member_gone(303, done);
  behind.member_gone(303, done);
  walk_epoch(ahead, 0, counts);
  walk_epoch(behind, 0, counts);
  BOOST_TEST(ahead.inherited_total() > 0U);
  for (const int count : counts) BOOST_TEST_REQUIRE(count == 1);
}

BOOST_AUTO_TEST_CASE(unfinished_blocks_do_not_count_as_done) {
  BlockPlan plan(kRows, kSeed, 1);
  plan.start({3, 0}, std::vector<PeerId>{1});
  for (int i = 0; i < 10; ++i) static_cast<void>(plan.next());
  BOOST_CHECK((plan.progress(0) == WalkProgress{3, 10}));
  BOOST_CHECK((plan.progress(4) == WalkProgress{3, 6}));
}

BOOST_AUTO_TEST_CASE(a_joiner_shares_from_the_next_epoch_on) {
  BlockPlan plan(kRows, kSeed, 1);
  plan.start({0, 0}, std::vector<PeerId>{1});
  static_cast<void>(plan.next());
  plan.set_members(std::vector<PeerId>{1, 2});
  std::vector<int> counts(kRows);
  walk_epoch(plan, 0, counts);
  std::uint64_t rows = 0;
  for (const int count : counts) rows += static_cast<std::uint64_t>(count);
  BOOST_TEST(rows >= kRows - BlockPlan::block_rows(kRows));
  counts.assign(kRows, 0);
  walk_epoch(plan, 1, counts);
  rows = 0;
  for (const int count : counts) rows += static_cast<std::uint64_t>(count);
  BOOST_TEST(rows < kRows * 7 / 10);
}

BOOST_AUTO_TEST_CASE(members_that_begin_in_the_middle_share_what_is_left_of_the_epoch) {
  const std::vector<PeerId> members = {1, 2, 3};
  const std::uint64_t blocks = BlockPlan(kRows, kSeed, 1).block_count();
  std::vector<int> counts(kRows);
  for (const PeerId self : members) {
    BlockPlan plan(kRows, kSeed, self);
    plan.start({7, blocks / 2}, members);
    walk_epoch(plan, 7, counts);
  }
  std::uint64_t rows = 0;
  for (const int count : counts) {
    BOOST_TEST(count <= 1);
    rows += static_cast<std::uint64_t>(count);
  }
  BOOST_TEST(rows <= (blocks - blocks / 2) * BlockPlan::block_rows(kRows));
  BOOST_TEST(rows + 2 * BlockPlan::block_rows(kRows) >= kRows / 2);
}

BOOST_AUTO_TEST_CASE(more_members_than_blocks_leave_some_without_work_and_nobody_hangs) {
  std::vector<PeerId> members;
  for (PeerId id = 1; id <= 50; ++id) members.push_back(id);
  int idle = 0;
  for (const PeerId self : members) {
    BlockPlan plan(64, kSeed, self);  // one block
    plan.start({0, 0}, members);
    idle += plan.next() ? 0 : 1;
  }
  BOOST_TEST(idle > 30);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
