#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <random>
#include <string>

#include "tests/membership/sim_cluster.hpp"

namespace hogwild::membership::sim {

using namespace std::chrono_literals;

namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// A cluster to which everything happens that may happen, at times drawn from the seed.
class Chaos {
 public:
  explicit Chaos(std::uint64_t seed)
      : random_(seed * 7919),
        cluster_(
            {.seed = seed,
             .network = {.loss = 0.05, .duplicate = 0.05, .delay_min = 100us, .delay_max = 20ms},
             .config = {},
             .hosts_survive = draw(2) == 0,
             .has_icmp = draw(2) == 0}) {
    cluster_.start_many(3 + draw(8));
  }

  /// Faults for a minute, then none. Empty, or what was wrong.
  std::string run() {
    for (int i = 0; i < 40 && cluster_.violation().empty(); ++i) {
      cluster_.run_for(std::chrono::milliseconds(draw(3000)));
      do_something();
    }
    end_faults();
    const bool converged = cluster_.run_until([&] { return cluster_.is_converged(); }, 60s);
    if (!cluster_.violation().empty()) return cluster_.violation();
    return converged ? ""
                     : "views do not agree a minute after the last fault\n" + cluster_.describe();
  }

 private:
  std::size_t draw(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
  }

  void do_something() {
    const SimCluster::NodeIndex node = draw(cluster_.size());
    switch (draw(10)) {
      case 0:
      case 1:
        cluster_.kill(node);
        break;
      case 2:
      case 3:
        restart(node);
        break;
      case 4:
        cluster_.stall(node);
        break;
      case 5:
        cluster_.resume(node);
        break;
      case 6:
        cluster_.cut(node, draw(cluster_.size()));
        break;
      case 7:
        cluster_.split(draw(cluster_.size()) + 1);
        break;
      case 8:
        draw(2) == 0 ? cluster_.heal()
                     : cluster_.set_network({.loss = 0.1 * double(draw(5)),
                                             .duplicate = 0.1,
                                             .delay_min = 100us,
                                             .delay_max = 50ms});
        break;
      default:
        depart(node);
        break;
    }
  }

  /// A new process of a name that is gone, at the same address or another.
  void restart(SimCluster::NodeIndex node) {
    const Profile old = cluster_[node].members().self().profile;
    for (SimCluster::NodeIndex i = 0; i < cluster_.size(); ++i) {
      const bool is_gone = cluster_.life_of(i) == SimCluster::Life::kGone;
      if (!is_gone && cluster_[i].members().self().profile.name == old.name) return;
    }
    const auto address = static_cast<std::uint16_t>(
        draw(2) == 0 ? old.gossip.address[15] - 1 : 100 + static_cast<int>(cluster_.size()));
    const SimCluster::NodeIndex again = cluster_.start(old.name, address);
    cluster_.join(again, draw(again));
  }

  void depart(SimCluster::NodeIndex node) {
    if (cluster_.life_of(node) != SimCluster::Life::kRunning || draw(2) == 0) {
      cluster_.set_meta(node, {static_cast<std::byte>(draw(256))});
      return;
    }
    cluster_.leave(node);
    cluster_.run_until([&] { return cluster_[node].leave_complete(cluster_.now()); }, 2s);
    cluster_.kill(node);
  }

  void end_faults() {
    cluster_.heal();
    cluster_.set_network({});
    for (SimCluster::NodeIndex i = 0; i < cluster_.size(); ++i) cluster_.resume(i);
    // Islands that never met, because a newcomer's only peer was gone, need somebody who tells
    // them.
    const SimCluster::NodeIndex host = first_running();
    for (SimCluster::NodeIndex i = 0; i < cluster_.size(); ++i) {
      if (i != host && !cluster_.state_of(i, host)) cluster_.join(i, host);
    }
  }

  SimCluster::NodeIndex first_running() const {
    for (SimCluster::NodeIndex i = 0; i < cluster_.size(); ++i) {
      if (cluster_.life_of(i) == SimCluster::Life::kRunning) return i;
    }
    return 0;
  }

  std::mt19937_64 random_;
  SimCluster cluster_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(swim_sim)

// HOGWILD_SIM_SEEDS says how many seeds, HOGWILD_SIM_SEED which one alone.
BOOST_AUTO_TEST_CASE(after_any_faults_all_views_agree_again) {
  const std::uint64_t only = number_from_environment("HOGWILD_SIM_SEED", 0);
  const std::uint64_t seeds = number_from_environment("HOGWILD_SIM_SEEDS", 200);
  for (std::uint64_t seed = only > 0 ? only : 1; seed <= (only > 0 ? only : seeds); ++seed) {
    const std::string wrong = Chaos(seed).run();
    BOOST_TEST(wrong.empty(), wrong
                                  << "replay: HOGWILD_SIM_SEED=" << seed
                                  << " tests/membership/membership_test "
                                     "--run_test=swim_sim/after_any_faults_all_views_agree_again");
    if (!wrong.empty()) return;
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::membership::sim
