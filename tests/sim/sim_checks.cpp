#include "tests/sim/sim_checks.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <utility>

namespace hogwild::sim {

void check_all_equal(SimCluster& cluster, bool may_have_islands) {
  BOOST_TEST_CONTEXT(cluster.describe()) {
    for (const std::string& violation : cluster.violations()) BOOST_ERROR(violation);
    std::map<std::pair<sgd::RunId, std::uint64_t>, std::size_t> first_of_run;
    for (const std::size_t node : cluster.up()) {
      const sgd::Run& run = cluster.run(node);
      BOOST_TEST_REQUIRE(run.replica() != nullptr);
      const std::size_t first =
          first_of_run
              .try_emplace({run.info()->id, may_have_islands ? run.final_record()->id() : 0}, node)
              .first->second;
      const sgd::Replica& other = *cluster.run(first).replica();
      BOOST_TEST(run.replica()->digest() == other.digest());
      BOOST_TEST(run.replica()->applied_hash() == other.applied_hash());
      const auto own = run.replica()->sums().image();
      const auto image = other.sums().image();
      BOOST_TEST((own.sums == image.sums && own.scalars == image.scalars));
      BOOST_TEST(image.examples() > 0U);
      BOOST_TEST(run.history().size() == cluster.run(first).history().size());
      BOOST_TEST(run.history().back().updates == image.examples());
      BOOST_TEST(run.final_record()->id() == cluster.run(first).final_record()->id());
      const auto model = run.model_image();
      const auto other_model = cluster.run(first).model_image();
      BOOST_TEST((model.sums == other_model.sums && model.scalars == other_model.scalars));
      const std::uint64_t row = run.final_record()->model_row();
      BOOST_TEST(run.history().at(row).updates == model.examples());
    }
    // Of one run there is one state, but where somebody says whom it could not reach.
    std::map<sgd::RunId, std::map<std::uint64_t, bool>> is_partial_by_digest;
    for (const std::size_t node : cluster.up()) {
      const sgd::Run& run = cluster.run(node);
      is_partial_by_digest[run.info()->id][run.replica()->digest()] |= !run.unreached().empty();
    }
    for (const auto& [run, by_digest] : is_partial_by_digest) {
      if (by_digest.size() < 2) continue;
      for (const auto& [digest, is_partial] : by_digest) BOOST_TEST(is_partial);
    }
    BOOST_TEST(!first_of_run.empty());
    BOOST_TEST((may_have_islands || first_of_run.size() == 1));
  }
}

void require_done(SimCluster& cluster, std::chrono::seconds at_most) {
  const bool done = cluster.run_until([&] { return cluster.all_done(); }, at_most);
  BOOST_TEST_REQUIRE(done, "not finished" + cluster.describe());
}

}  // namespace hogwild::sim
