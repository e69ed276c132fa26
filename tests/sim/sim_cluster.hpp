#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/node_core.hpp"
#include "sgd/learn/own_work.hpp"
#include "sgd/learn/round_board.hpp"
#include "sgd/learn/row_queue.hpp"

namespace hogwild::sim {

using daemon::Bytes;
using daemon::Endpoint;
using daemon::Instant;
using daemon::NodeCore;
using daemon::NodeOutbox;

/// What the network and the processes of a simulated cluster do. Shares are of datagrams.
struct SimOptions {
  std::uint64_t seed = 1;
  double drop = 0;
  double duplicate = 0;
  double reorder = 0;                    ///< share that is delayed by up to `reorder_by` more
  std::chrono::microseconds delay{200};  ///< one way, plus up to as much again
  std::chrono::milliseconds reorder_by{20};
  std::uint64_t rows = 20'000;
  std::uint32_t features = 300;
  double epochs = 2;
  double updates_per_second = 40'000;  ///< of each node
  std::size_t slow_nodes = 0;          ///< of those started first, a quarter as fast
  std::uint32_t expect = 1;
  std::size_t retained_bytes = std::size_t{64} << 20U;
  double best_epoch = 0;  ///< at which the test loss is lowest; 0: it never changes
  std::uint64_t early_stopping = 0;
  /// Of the training data, which nodes without any fetch from the others; 0: they go without.
  std::uint64_t data_bytes = 0;
  double donor_bytes_per_second = 0;
  std::size_t bad_donors = 0;  ///< nodes before this one give other data; who gets it asks again
  bool is_sealed = false;      ///< all nodes have one cluster key
  bool is_sync = false;
  bool needs_majority = false;                 ///< sync: `--quorum majority`
  std::uint64_t round_updates = 0;             ///< sync: a round's length in updates; 0: 20 ms
  std::uint64_t run_seed = 0;                  ///< `--seed`
  bool is_sharded = false;                     ///< `rows` are those of each node's private part
  std::map<std::string, std::string> given{};  ///< what the user gave to nodes that start now
  std::chrono::milliseconds loss_interval{200};
  std::chrono::milliseconds evaluation{3};        ///< how long one takes
  std::chrono::milliseconds final_evaluation{3};  ///< the same, of all rows
  std::chrono::milliseconds transfer{0};          ///< how long an answer of 1 kB or more takes
  std::size_t tested = 1000;                      ///< nodes from this one on have no test data
};

/// Production NodeCores in one thread, on a seeded network with faults, under simulated time.
///
/// Workers are simulated: they take rows from the production queue at a given rate and add random
/// integers to the production OwnWork. Everything else is what the daemon runs. The same options
/// and calls give the same events, byte by byte.
class SimCluster {
 public:
  explicit SimCluster(SimOptions options);
  ~SimCluster();

  /// Starts a process; its name is node-<index>. `seeds` are indices of nodes to join through.
  /// `checkpoint` is what an earlier process left in its --state.
  std::size_t start(std::vector<std::size_t> seeds, bool has_data = true,
                    std::optional<sgd::Checkpoint> checkpoint = {});
  /// What `node` would write into its --state now. REQUIRES: it has a run.
  [[nodiscard]] sgd::Checkpoint checkpoint(std::size_t node);
  /// POST /v1/join: `node` joins through `seed`.
  void join(std::size_t node, std::size_t seed);
  /// kill -9.
  void crash(std::size_t node);
  /// A power cut, some time after the members wrote their checkpoints, each at another moment. One
  /// that had no run, or that of another island, lost its disk. As many start again, all with data.
  void restart_everybody(std::mt19937_64& draw);
  /// SIGSTOP for a time, then SIGCONT: it takes no turn; what comes meanwhile waits for it.
  void stall(std::size_t node, std::chrono::nanoseconds time);
  /// A process that was started without data has loaded it now.
  void load_data(std::size_t node);
  /// SIGTERM.
  void leave(std::size_t node);
  /// A message of the run, as if `from` had sealed it.
  void tell(std::size_t to, std::size_t from, std::span<const std::byte> payload);
  /// From now on nothing goes from one to the other (one way).
  void cut(std::size_t from, std::size_t to);
  void heal();
  /// Changes the network from now on.
  SimOptions& network() { return options_; }

  void run_for(std::chrono::nanoseconds time);
  /// Runs until `done` holds after some event; false when it does not within `at_most`.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, std::chrono::nanoseconds at_most);

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool is_up(std::size_t node) const;
  [[nodiscard]] NodeCore& core(std::size_t node);
  [[nodiscard]] const sgd::Run& run(std::size_t node) { return core(node).run(); }
  [[nodiscard]] std::vector<std::size_t> up() const;
  /// True when every node that is up holds and has confirmed the final state.
  [[nodiscard]] bool all_done();
  /// How often nodes told of such an event.
  [[nodiscard]] std::size_t told(sgd::RunEventType event) const;
  /// How often what a node fetched was not the run's data.
  [[nodiscard]] std::size_t fetched_badly(std::size_t node) const;
  /// Private rows that are gone, as nodes have told.
  [[nodiscard]] std::uint64_t parts_gone() const { return parts_gone_; }
  /// Examples that a node's workers trained on, published or not.
  [[nodiscard]] std::uint64_t trained(std::size_t node) const;
  /// How often each row was trained on, by anybody.
  [[nodiscard]] const std::vector<std::uint32_t>& row_counts() const { return row_counts_; }
  [[nodiscard]] Instant now() const { return now_; }
  /// Violations of what must hold after every event; empty when all is well.
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  /// One line a node, for a failed test's message.
  [[nodiscard]] std::string describe();

 private:
  struct Node;
  struct Event {
    Instant at;
    std::uint64_t order;
    std::function<void()> action;
    bool operator>(const Event& other) const {
      return std::pair(at, order) > std::pair(other.at, other.order);
    }
  };

  void schedule(std::chrono::nanoseconds in, std::function<void()> action);
  void step();
  void tick(std::size_t node, std::uint64_t life);
  void train(Node& node, std::chrono::nanoseconds time);
  void train_round(Node& node, std::chrono::nanoseconds time);
  void learn(Node& node, sgd::RowRange rows);
  void check_rounds(std::size_t index);
  void carry_out(std::size_t node, NodeOutbox& out);
  void on_run_event(std::size_t node, sgd::RunEvent& event);
  void deliver(std::size_t from, const daemon::OutDatagrams& datagrams,
               std::span<const std::byte> content);
  void open_stream(std::size_t from, const daemon::OutStream& stream);
  [[nodiscard]] std::chrono::nanoseconds latency();
  [[nodiscard]] bool chance(double share);
  [[nodiscard]] std::optional<std::size_t> node_at(Endpoint endpoint) const;
  [[nodiscard]] bool is_cut(std::size_t from, std::size_t to) const;
  void check(std::size_t node);
  void store(std::size_t node, const daemon::FetchedPiece& piece, NodeOutbox& out);
  [[nodiscard]] double loss_of(const sgd::SumsImage& image) const;

  SimOptions options_;
  std::mt19937_64 random_;
  Instant now_{};
  std::uint64_t order_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;
  std::vector<std::uint32_t> row_counts_;
  std::vector<std::string> violations_;
  std::uint64_t parts_gone_ = 0;
  std::map<sgd::RunEventType, std::size_t> told_;
  // What all nodes together have said of rounds.
  std::map<std::tuple<sgd::RunId, sgd::Epoch, std::uint64_t>, std::uint64_t> state_of_round_;
  std::map<std::pair<sgd::RunId, sgd::Ballot>, sgd::PeerId> coordinator_of_ballot_;
};

}  // namespace hogwild::sim
