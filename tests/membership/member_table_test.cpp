#include "membership/member_table.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/membership/test_members.hpp"

namespace hogwild::membership {

namespace {

Member row(std::uint64_t number) {
  Member member;
  member.profile = test_profile(number);
  member.since = kTestStart;
  return member;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(member_table)

BOOST_AUTO_TEST_CASE(digest_does_not_depend_on_the_order_of_arrival) {
  MemberTable a(test_profile(1), kTestStart);
  MemberTable b(test_profile(2), kTestStart);
  a.add(row(2));
  a.add(row(3));
  b.add(row(3));
  b.add(row(1));
  BOOST_TEST(a.view_digest() == b.view_digest());
}

BOOST_AUTO_TEST_CASE(digest_tells_states_and_incarnations_apart_and_forgets_the_dead) {
  MemberTable table(test_profile(1), kTestStart);
  const std::uint64_t alone = table.view_digest();
  Member& member = table.add(row(2));
  const std::uint64_t alive = table.view_digest();
  table.set(member, MemberState::kSuspect, 0, kTestStart);
  const std::uint64_t suspect = table.view_digest();
  table.set(member, MemberState::kAlive, 1, kTestStart);
  BOOST_TEST(alive != alone);
  BOOST_TEST(suspect != alive);
  BOOST_TEST(table.view_digest() != alive);
  table.set(member, MemberState::kDead, 1, kTestStart);
  BOOST_TEST(table.view_digest() == alone);
}

BOOST_AUTO_TEST_CASE(counts_follow_states_and_self_counts) {
  MemberTable table(test_profile(1), kTestStart);
  table.add(row(2));
  table.add(row(3));
  table.set(*table.find(3), MemberState::kSuspect, 0, kTestStart);
  BOOST_TEST(table.counts().alive == 2U);
  BOOST_TEST(table.counts().suspect == 1U);
  BOOST_TEST(table.counts().live() == 3U);
  table.set(*table.find(3), MemberState::kLeft, 0, kTestStart);
  BOOST_TEST(table.counts().left == 1U);
  table.remove(3);
  BOOST_TEST(table.counts().left == 0U);
  BOOST_TEST(table.size() == 2U);
}

BOOST_AUTO_TEST_CASE(removing_one_keeps_the_others_findable) {
  MemberTable table(test_profile(1), kTestStart);
  for (std::uint64_t i = 2; i < 10; ++i) table.add(row(i));
  for (const std::uint64_t gone : {4U, 9U, 2U}) {
    table.set(*table.find(gone), MemberState::kDead, 0, kTestStart);
    table.remove(gone);
  }
  for (std::uint64_t i = 1; i < 10; ++i) {
    const bool is_gone = i == 4 || i == 9 || i == 2;
    BOOST_TEST((table.find(i) == nullptr) == is_gone);
    if (!is_gone) BOOST_TEST(table.find(i)->short_id() == i);
  }
  BOOST_TEST(table.self().is_self);
}

BOOST_AUTO_TEST_CASE(since_moves_with_the_state_only) {
  MemberTable table(test_profile(1), kTestStart);
  Member& member = table.add(row(2));
  const Instant later = kTestStart + std::chrono::seconds(1);
  table.set(member, MemberState::kAlive, 1, later);
  BOOST_CHECK(member.since == kTestStart);
  table.set(member, MemberState::kSuspect, 1, later);
  BOOST_CHECK(member.since == later);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::membership
