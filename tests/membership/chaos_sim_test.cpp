#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/membership/sim_cluster.hpp"
#include "tests/seeds.hpp"

namespace hogwild::membership::sim {

using namespace std::chrono_literals;

namespace {

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

  /// Faults for a minute or so, then none. Empty, or what was wrong.
  std::string run() {
    for (int i = 0; i < 40 && cluster_.violation().empty(); ++i) {
      cluster_.run_for(std::chrono::milliseconds(draw(3000)));
      do_something();
    }
    end_faults();
    bool converged = false;
    for (int i = 0; i < 30 && !converged && cluster_.violation().empty(); ++i) {
      join_the_lonely();
      converged = cluster_.run_until([&] { return cluster_.is_converged(); }, 2s);
    }
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
    switch (draw(16)) {
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
      case 9:
        depart(node);
        break;
      case 10:
        cut_one_way(node);
        break;
      case 11:
        cluster_.flap(node, draw(cluster_.size()), std::chrono::milliseconds(100 + draw(3000)));
        break;
      case 12:
        cluster_.set_notices_sleep(draw(2) == 0);
        cluster_.suspend(node);
        break;
      case 13:
        // Restarted hosts may have forgotten the time of day.
        cluster_.set_wall_clock_error(std::chrono::seconds(draw(7200)) - 1h);
        restart(node);
        break;
      case 14:
        join_many();
        break;
      default:
        leave_many();
        break;
    }
  }

  /// One that hears nobody, or that nobody hears.
  void cut_one_way(SimCluster::NodeIndex node) {
    const bool is_deaf = draw(2) == 0;
    for (SimCluster::NodeIndex i = 0; i < cluster_.size(); ++i) {
      if (i != node) is_deaf ? cluster_.cut(i, node) : cluster_.cut(node, i);
    }
  }

  void join_many() {
    if (cluster_.size() > 30) return;
    for (auto count = draw(6) + 2; count > 0; --count) {
      const auto number = cluster_.size();
      const auto fresh =
          cluster_.start("m" + std::to_string(number), static_cast<std::uint16_t>(100 + number));
      cluster_.join(fresh, draw(fresh));
    }
  }

  void leave_many() {
    std::vector<SimCluster::NodeIndex> leavers;
    for (SimCluster::NodeIndex i = 0; i < cluster_.size(); ++i) {
      if (cluster_.life_of(i) == SimCluster::Life::kRunning && draw(4) == 0) leavers.push_back(i);
    }
    for (const SimCluster::NodeIndex leaver : leavers) cluster_.leave(leaver);
    cluster_.run_for(1s);
    for (const SimCluster::NodeIndex leaver : leavers) cluster_.kill(leaver);
  }

  /// A new process of a name that is gone, at the same address, a fresh one, or one that another
  /// had.
  void restart(SimCluster::NodeIndex node) {
    const Profile old = cluster_[node].members().self().profile;
    for (SimCluster::NodeIndex i = 0; i < cluster_.size(); ++i) {
      const bool is_gone = cluster_.life_of(i) == SimCluster::Life::kGone;
      if (!is_gone && cluster_[i].members().self().profile.name == old.name) return;
    }
    const SimCluster::NodeIndex again = cluster_.start(old.name, draw_address(old));
    cluster_.join(again, draw(again));
  }

  std::uint16_t draw_address(const Profile& old) {
    const auto fresh = static_cast<std::uint16_t>(100 + cluster_.size());
    const Profile& other = cluster_[draw(cluster_.size())].members().self().profile;
    const Endpoint wanted = draw(2) == 0 ? old.gossip : other.gossip;
    for (SimCluster::NodeIndex i = 0; i < cluster_.size(); ++i) {
      const bool is_taken = cluster_.life_of(i) != SimCluster::Life::kGone &&
                            cluster_[i].members().self().profile.gossip == wanted;
      if (is_taken) return fresh;
    }
    return draw(3) == 0 ? fresh : static_cast<std::uint16_t>(wanted.address[15] - 1);
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
  }

  /// Islands that never met, because a newcomer's only peer was gone, need somebody who tells them,
  /// as a daemon tells its core of its seeds until it has met one.
  void join_the_lonely() {
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
  for (const std::uint64_t seed : seeds_to_run(200)) {
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
