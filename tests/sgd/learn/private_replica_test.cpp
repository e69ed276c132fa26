#include "sgd/learn/private_replica.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <optional>

namespace hogwild::sgd {
namespace {

const Kernels& kernels() { return kernels_of(best_instruction_path()); }

/// One worker's replica with all that it exchanges with.
struct Node {
  explicit Node(std::uint32_t features, std::uint32_t columns = 1)
      : rule{.metric = std::vector<float>(features, 0.1F)},
        layout(features, columns),
        own(layout),
        published(layout),
        replica(rule, layout, kernels()) {
    factors.metric_factor.assign(columns, 2.0F);
  }

  std::uint32_t exchange(Extent extent = Extent::kWhole) {
    return replica.exchange(own, published, factors, extent, 0);
  }

  /// Learns `amount` at a position, as training does: in u, with a flag where one is wanted.
  void learn(std::uint32_t position, float amount) {
    const ReplicaView view = replica.view();
    view.u[position] += factors.lookahead * amount * view.inverse_metric[position];
    if (view.is_dirty != nullptr) view.is_dirty[position / kBlock] = 1;
  }

  std::int32_t published_after_collect(std::uint32_t position) {
    std::vector<CellDelta> fresh;
    own.collect(published, fresh);
    return published.sum(position);
  }

  float weight(std::uint32_t position) { return replica.view().u[position]; }

  Rule rule;
  SumsLayout layout;
  OwnWork own;
  PublishedSums published;
  ReplicaFactors factors;
  PrivateReplica replica;
};

constexpr std::uint32_t kNarrowFeatures = 10'000;
constexpr std::uint32_t kWideFeatures = 200'000;

}  // namespace

BOOST_AUTO_TEST_SUITE(private_replica)

BOOST_AUTO_TEST_CASE(what_is_learned_is_merged_as_whole_units_and_no_unit_is_lost) {
  for (const std::uint32_t features : {kNarrowFeatures, kWideFeatures}) {
    Node node(features);
    BOOST_TEST((node.replica.view().is_dirty == nullptr) == (features == kNarrowFeatures));
    node.exchange();
    for (int i = 0; i < 10; ++i) {
      node.learn(features - 1, 0.71F / 64.0F);  // never a whole unit at once
      node.exchange();
    }
    BOOST_TEST(node.published_after_collect(features - 1) == 7);
    BOOST_TEST(!node.replica.has_unmerged());
  }
}

BOOST_AUTO_TEST_CASE(what_others_published_is_seen_at_the_next_exchange) {
  for (const std::uint32_t features : {kNarrowFeatures, kWideFeatures}) {
    Node node(features);
    node.exchange();
    node.published.add({node.layout.scalar_count() + 77, 640});
    BOOST_TEST(node.weight(77) == 0.0F);
    node.exchange();
    BOOST_TEST(std::abs(node.weight(77) - 10.0F / 1.2F) < 1e-5F);
  }
}

BOOST_AUTO_TEST_CASE(work_of_another_worker_of_the_node_is_seen_and_counts_as_the_cluster_does) {
  Node node(kWideFeatures);
  node.factors.cluster = 4.0F;
  PrivateReplica other(node.rule, node.layout, kernels());
  node.exchange();
  other.exchange(node.own, node.published, node.factors, Extent::kWhole, 0);
  node.learn(5, 1.0F);
  node.exchange();
  other.exchange(node.own, node.published, node.factors, Extent::kWhole, 0);
  BOOST_TEST(std::abs(other.view().u[5] - 4.0F / 1.2F) < 1e-5F);
}

BOOST_AUTO_TEST_CASE(a_busy_stripe_is_passed_over_and_its_work_is_merged_later) {
  for (const std::uint32_t features : {kNarrowFeatures, kWideFeatures}) {
    Node node(features);
    node.exchange();
    node.learn(5, 3.0F);
    {
      const auto held = node.own.try_claim(0);
      BOOST_TEST(node.exchange() == 1U);
      BOOST_TEST(node.replica.has_unmerged());
    }
    BOOST_TEST(node.published_after_collect(5) == 0);
    BOOST_TEST(node.exchange() == 0U);
    BOOST_TEST(!node.replica.has_unmerged());
    BOOST_TEST(node.published_after_collect(5) == 192);
  }
}

BOOST_AUTO_TEST_CASE(a_new_lookahead_reaches_a_stripe_that_is_passed_over) {
  for (const std::uint32_t features : {kNarrowFeatures, kWideFeatures}) {
    Node node(features);
    node.factors.lookahead = 2.0F;
    node.exchange();
    node.learn(5, 3.0F);
    node.factors.lookahead = 8.0F;
    {
      const auto held = node.own.try_claim(0);
      BOOST_TEST(node.exchange() == 1U);
    }
    BOOST_TEST(std::abs(node.weight(5) - 8.0F * 3.0F / 1.2F) < 1e-4F);
    node.learn(5, 1.0F);
    node.exchange();
    BOOST_TEST(node.published_after_collect(5) == 256);
  }
}

BOOST_AUTO_TEST_CASE(a_block_that_lies_still_follows_the_metric_within_two_percent) {
  Node node(kWideFeatures);
  node.published.add({node.layout.scalar_count() + 5, 640});
  node.exchange();
  float largest_error = 0.0F;
  bool was_left = false;
  for (int i = 0; i < 300; ++i) {
    node.factors.metric_factor[0] *= 1.01F;
    const float before = node.weight(5);
    node.exchange();
    was_left = was_left || node.weight(5) == before;
    const float wanted = 10.0F / (1.0F + node.factors.metric_factor[0] * 0.1F);
    largest_error = std::max(largest_error, std::abs(node.weight(5) / wanted - 1.0F));
  }
  BOOST_TEST(was_left);
  BOOST_TEST(largest_error < 0.02F);
}

BOOST_AUTO_TEST_CASE(an_exchange_of_the_hot_part_leaves_the_rest_as_it_is) {
  Node node(kWideFeatures);
  constexpr std::uint32_t kRare = kWideFeatures - 1;
  node.exchange();
  node.learn(0, 2.0F);
  node.learn(kRare, 3.0F);
  const float rare = node.weight(kRare);
  node.exchange(Extent::kHot);
  BOOST_TEST(node.replica.has_unmerged());
  BOOST_TEST(node.published_after_collect(0) == 128);
  BOOST_TEST(node.published_after_collect(kRare) == 0);
  BOOST_TEST(node.weight(kRare) == rare);
  node.exchange();
  BOOST_TEST(!node.replica.has_unmerged());
  BOOST_TEST(node.published_after_collect(0) == 128);
  BOOST_TEST(node.published_after_collect(kRare) == 192);
}

BOOST_AUTO_TEST_CASE(a_new_lookahead_takes_the_whole_though_the_hot_part_was_asked_for) {
  Node node(kWideFeatures);
  constexpr std::uint32_t kRare = kWideFeatures - 1;
  node.exchange();
  node.learn(kRare, 3.0F);
  node.factors.lookahead = 4.0F;
  node.exchange(Extent::kHot);
  BOOST_TEST(!node.replica.has_unmerged());
  BOOST_TEST(node.published_after_collect(kRare) == 192);
}

BOOST_AUTO_TEST_CASE(a_narrow_replica_is_always_taken_whole) {
  Node node(kNarrowFeatures);
  node.exchange();
  node.learn(kNarrowFeatures - 1, 3.0F);
  node.exchange(Extent::kHot);
  BOOST_TEST(!node.replica.has_unmerged());
  BOOST_TEST(node.published_after_collect(kNarrowFeatures - 1) == 192);
}

BOOST_AUTO_TEST_CASE(each_column_has_its_own_metric_factor) {
  Node node(4'001, 3);
  node.factors.metric_factor = {0.0F, 10.0F, 90.0F};
  for (std::uint32_t c = 0; c < 3; ++c) {
    node.published.add({node.layout.scalar_count() + 4'000 * 3 + c, 640});
  }
  node.exchange();
  BOOST_TEST(std::abs(node.weight(4'000 * 3) - 10.0F) < 1e-5F);
  BOOST_TEST(std::abs(node.weight(4'000 * 3 + 1) - 5.0F) < 1e-5F);
  BOOST_TEST(std::abs(node.weight(4'000 * 3 + 2) - 1.0F) < 1e-5F);
}

BOOST_AUTO_TEST_CASE(a_value_too_large_for_one_merge_goes_out_in_several) {
  Node node(kWideFeatures);
  node.exchange();
  node.learn(5, 100'000.0F);
  node.exchange();
  BOOST_TEST(node.replica.has_unmerged());
  node.exchange();
  BOOST_TEST(!node.replica.has_unmerged());
  BOOST_TEST(node.published_after_collect(5) == 6'400'000);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
