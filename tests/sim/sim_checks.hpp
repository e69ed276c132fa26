#pragma once

#include <chrono>

#include "tests/sim/sim_cluster.hpp"

namespace hogwild::sim {

/// All nodes of a run hold the same state, history included; there is one run, but where islands
/// that could not see each other each finished their own.
void check_all_equal(SimCluster& cluster, bool may_have_islands = false);

/// The run ends in that time, for every node that is up.
void require_done(SimCluster& cluster, std::chrono::seconds at_most);

}  // namespace hogwild::sim
