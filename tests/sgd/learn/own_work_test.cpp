#include "sgd/learn/own_work.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

namespace hogwild::sgd {
namespace {

constexpr SumsLayout kLayout(10'000, 1);

void add(OwnWork& own, std::uint32_t index, std::int32_t value) {
  const std::uint32_t stripe = index / OwnWork::kStripe;
  const auto claim = own.try_claim(stripe);
  BOOST_TEST_REQUIRE(static_cast<bool>(claim));
  std::int32_t& cell = own.made(stripe)[index - own.stripe_begin(stripe)];
  cell = static_cast<std::int32_t>(static_cast<std::uint32_t>(cell) +
                                   static_cast<std::uint32_t>(value));  // wraps, as a worker does
  ++own.versions(stripe)[(index - own.stripe_begin(stripe)) / kBlock];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(own_work)

BOOST_AUTO_TEST_CASE(what_is_collected_is_published_once_and_in_order) {
  OwnWork own(kLayout);
  PublishedSums published(kLayout);
  add(own, 9'999, -3);
  add(own, 5, 7);
  own.add_scalar(SumsLayout::kExamples, 64);
  std::vector<CellDelta> fresh;
  own.collect(published, fresh);
  const std::uint32_t first = kLayout.scalar_count();
  const std::vector<CellDelta> expected = {{0, 64}, {first + 5, 7}, {first + 9'999, -3}};
  BOOST_TEST((fresh == expected));
  BOOST_TEST(published.sum(5) == 7);
  BOOST_TEST(published.examples() == 64U);
  BOOST_TEST(own.unsent_scalar(SumsLayout::kExamples) == 0);
  fresh.clear();
  own.collect(published, fresh);
  BOOST_TEST(fresh.empty());
  add(own, 5, 1);
  own.collect(published, fresh);
  BOOST_TEST((fresh == std::vector<CellDelta>{{first + 5, 1}}));
  BOOST_TEST(published.sum(5) == 8);
}

BOOST_AUTO_TEST_CASE(a_busy_stripe_is_left_for_the_next_time) {
  OwnWork own(kLayout);
  PublishedSums published(kLayout);
  add(own, 5, 7);
  add(own, 9'999, 1);
  std::vector<CellDelta> fresh;
  {
    const auto held = own.try_claim(0);
    BOOST_TEST(!own.try_claim(0));
    own.collect(published, fresh);
    BOOST_TEST(fresh.size() == 1U);
    BOOST_TEST(published.sum(5) == 0);
  }
  own.collect(published, fresh);
  BOOST_TEST(fresh.size() == 2U);
  BOOST_TEST(published.sum(5) == 7);
}

BOOST_AUTO_TEST_CASE(sums_wrap_instead_of_overflowing) {
  OwnWork own(kLayout);
  PublishedSums published(kLayout);
  std::vector<CellDelta> fresh;
  for (int i = 0; i < 3; ++i) {
    add(own, 5, 1 << 30);
    own.collect(published, fresh);
  }
  BOOST_TEST(published.overflowed() == 5);
  BOOST_TEST(fresh.size() == 3U);
  for (const CellDelta& delta : fresh) BOOST_TEST(delta.value == 1 << 30);
}

BOOST_AUTO_TEST_CASE(publishing_without_a_list_adds_what_the_list_would_say) {
  OwnWork listed(kLayout);
  OwnWork silent(kLayout);
  PublishedSums by_list(kLayout);
  PublishedSums by_silence(kLayout);
  std::vector<CellDelta> fresh;
  for (OwnWork* own : {&listed, &silent}) {
    add(*own, 5, 7);
    add(*own, 4'999, -3);
    own->add_scalar(SumsLayout::kExamples, 9);
  }
  listed.collect(by_list, fresh);
  silent.publish_to(by_silence);
  BOOST_TEST(by_silence.examples() == 9U);
  BOOST_TEST(by_silence.digest() == by_list.digest());
  silent.publish_to(by_silence);  // nothing is published twice
  BOOST_TEST(by_silence.digest() == by_list.digest());
}

BOOST_AUTO_TEST_CASE(workers_and_a_flusher_lose_nothing_between_them) {
  OwnWork own(kLayout);
  PublishedSums published(kLayout);
  constexpr int kRounds = 3'000;
  constexpr int kWorkers = 3;
  std::vector<CellDelta> fresh;
  {
    std::vector<std::jthread> workers;
    std::atomic<int> running{kWorkers};
    for (int w = 0; w < kWorkers; ++w) {
      workers.emplace_back([&own, &running] {
        for (int done = 0; done < kRounds;) {
          for (std::uint32_t stripe = 0; stripe < own.stripe_count() && done < kRounds; ++stripe) {
            const auto claim = own.try_claim(stripe);
            if (!claim) continue;
            for (std::int32_t& cell : own.made(stripe)) ++cell;
            for (std::uint32_t& version : own.versions(stripe)) ++version;
            own.add_scalar(SumsLayout::kExamples, 1);
            ++done;
          }
        }
        --running;
      });
    }
    while (running > 0) own.collect(published, fresh);
  }
  own.collect(published, fresh);
  std::int64_t stripes_touched = 0;
  for (std::uint32_t stripe = 0; stripe < own.stripe_count(); ++stripe) {
    stripes_touched += published.sum(own.stripe_begin(stripe));
  }
  BOOST_TEST(stripes_touched == kRounds * kWorkers);
  BOOST_TEST(published.examples() == static_cast<std::uint64_t>(kRounds * kWorkers));
}

BOOST_AUTO_TEST_CASE(the_digest_is_that_of_the_cells_whatever_the_order) {
  PublishedSums forward(kLayout);
  PublishedSums backward(kLayout);
  const std::vector<CellDelta> deltas = {{0, 10}, {2, -5}, {7, 3}, {100, -8}, {100, 2}, {9'000, 1}};
  for (auto it = deltas.begin(); it != deltas.end(); ++it) forward.add(*it);
  for (auto it = deltas.rbegin(); it != deltas.rend(); ++it) backward.add(*it);
  BOOST_TEST(forward.digest() == backward.digest());
  PublishedSums installed(kLayout);
  installed.add({50, 50});
  installed.install(forward.image());
  BOOST_TEST(installed.digest() == forward.digest());
  forward.add({100, 1});
  BOOST_TEST(forward.digest() != backward.digest());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
