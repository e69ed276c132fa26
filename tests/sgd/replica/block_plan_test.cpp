#include "sgd/replica/block_plan.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <tuple>
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
  for (BlockPlan* plan : {&ahead, &behind}) plan->members_gone(std::vector{std::pair(303UL, done)});
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

BOOST_AUTO_TEST_CASE(each_finished_block_is_told_once_with_its_place) {
  BlockPlan plan(kRows, kSeed, 1);
  const std::uint64_t blocks = plan.block_count();
  plan.start({3, 0}, std::vector<PeerId>{1});
  BOOST_TEST(plan.take_finished(0).empty());
  for (int i = 0; i < 5; ++i) static_cast<void>(plan.next());
  BOOST_TEST((plan.take_finished(2) ==
              std::vector<std::uint64_t>{3 * blocks, 3 * blocks + 1, 3 * blocks + 2}));
  BOOST_TEST(plan.take_finished(2).empty());
  static_cast<void>(plan.next());
  BOOST_TEST((plan.take_finished(0) ==
              std::vector<std::uint64_t>{3 * blocks + 3, 3 * blocks + 4, 3 * blocks + 5}));
}

// Whatever is handed over, to whom, and in which order the others hear of it: once heard, each
// block was done by exactly one of them.
BOOST_AUTO_TEST_CASE(handed_over_blocks_are_done_once_whatever_is_heard_first) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 draw(seed);
    const std::vector<PeerId> members = {101, 202, 303, 404};
    std::vector<BlockPlan> plans;
    for (const PeerId self : members) plans.emplace_back(kRows, kSeed, self);
    for (BlockPlan& plan : plans) plan.start({0, 0}, members);
    const std::uint64_t blocks = plans[0].block_count();
    std::map<std::uint64_t, int> times;
    const auto tell = [&] {
      for (BlockPlan& plan : plans) {
        for (const std::uint64_t index : plan.take_finished(0)) ++times[index];
      }
    };
    std::vector<std::tuple<std::size_t, std::size_t, Handover>> unheard;
    const auto hear = [&](std::size_t which) {
      const auto [to, from, handover] = unheard[which];
      plans[to].handed_over(members[from], handover);
      plans[to].handed_over(members[from], handover);  // and again
      if (draw() % 3 == 0) plans[to].take_up_handovers();
      unheard.erase(unheard.begin() + static_cast<std::ptrdiff_t>(which));
    };
    constexpr std::uint64_t kEpochs = 3;
    while (std::ranges::any_of(plans, [](const BlockPlan& p) { return p.epoch() < kEpochs; })) {
      const std::size_t who = draw() % plans.size();
      if (plans[who].epoch() >= kEpochs) continue;
      if (draw() % 8 == 0) {
        WalkProgress to = plans[who].place();
        to.position += 1 + draw() % (blocks / 4);
        to = {to.epoch + to.position / blocks, to.position % blocks};
        const std::size_t heir = (who + 1 + draw() % 3) % plans.size();
        plans[who].hand_over(to, members[heir]);
        for (std::size_t other = 0; other < plans.size(); ++other) {
          if (other != who) unheard.emplace_back(other, who, plans[who].own_handovers().back());
        }
      } else {
        static_cast<void>(plans[who].next());
      }
      if (!unheard.empty() && draw() % 2 == 0) hear(draw() % unheard.size());
    }
    while (!unheard.empty()) hear(draw() % unheard.size());
    for (BlockPlan& plan : plans) plan.take_up_handovers();
    for (BlockPlan& plan : plans) {  // what was inherited comes before the walk goes on
      for (std::uint64_t i = 0; i < kEpochs * blocks; ++i) static_cast<void>(plan.next());
    }
    tell();
    for (std::uint64_t index = 0; index < kEpochs * blocks; ++index) {
      BOOST_TEST_REQUIRE(times[index] == 1, "seed " << seed << " block " << index);
    }
  }
}

BOOST_AUTO_TEST_CASE(blocks_that_are_put_back_come_again_and_trained_ones_do_not) {
  BlockPlan plan(kRows, kSeed, 1);
  plan.start({0, 0}, std::vector<PeerId>{1});
  std::vector<RowRange> taken;
  for (int i = 0; i < 6; ++i) taken.push_back(*plan.next());
  BOOST_CHECK((plan.progress(0) == WalkProgress{0, 6}));
  // A worker took one of the last four meanwhile.
  plan.put_back(std::vector<RowRange>{taken[2], taken[3], taken[5]});
  BOOST_TEST(plan.take_finished(0).size() == 3U);
  BOOST_CHECK((plan.progress(0) == WalkProgress{0, 2}));  // what waits is not done
  for (const std::size_t i : {2U, 3U, 5U}) BOOST_CHECK((plan.next() == taken[i]));
  BOOST_CHECK((plan.progress(3) == WalkProgress{0, 2}));
  BOOST_CHECK((plan.progress(0) == WalkProgress{0, 6}));
  const auto next = plan.next();
  BOOST_CHECK(std::ranges::find(taken, *next) == taken.end());
}

BOOST_AUTO_TEST_CASE(a_joiner_shares_from_the_epoch_that_it_says) {
  const std::vector<PeerId> members = {1, 2};
  std::vector<BlockPlan> plans;
  for (const PeerId self : {1U, 2U, 3U}) plans.emplace_back(kRows, kSeed, self);
  for (BlockPlan* plan : {&plans[0], &plans[1]}) {
    plan->start({0, 0}, members);
    plan->member_walks(3, 2, {2, 0});
  }
  plans[2].start({2, 0}, std::vector<PeerId>{3});
  for (const PeerId id : members) plans[2].member_walks(id, 0, {0, 5});
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
    std::vector<int> counts(kRows);
    for (BlockPlan& plan : plans) {
      if (plan.epoch() > epoch) continue;
      walk_epoch(plan, epoch, counts);
    }
    // walk_epoch() takes the first block of the next epoch with it.
    const auto once = std::ranges::count(counts, 1);
    BOOST_TEST(once + 3 * BlockPlan::block_rows(kRows) >= kRows);
    BOOST_TEST(std::ranges::count_if(counts, [](int n) { return n > 1; }) == 0);
  }
}

BOOST_AUTO_TEST_CASE(by_rounds_a_joiner_shares_from_the_next_epoch_on) {
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
