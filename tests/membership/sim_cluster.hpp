#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "membership/swim.hpp"

namespace hogwild::membership::sim {

/// What the network does to each datagram; streams suffer as TCP does, by delay.
struct Network {
  double loss = 0;
  double duplicate = 0;
  Duration delay_min = std::chrono::microseconds(50);
  Duration delay_max = std::chrono::microseconds(500);  // drawn anew for each datagram: reorders
};

struct SimOptions {
  std::uint64_t seed = 1;
  Network network{};
  SwimConfig config{};
  bool hosts_survive = true;  // the host of a killed process answers TCP with a reset; else silence
  bool has_icmp = false;      // ... and UDP with port unreachable
  bool checks_invariants = true;
};

/// N production Swims in one thread on a seeded network: a priority queue of (time, what happens).
///
/// Invariants are checked after every step of a node: nobody believes less than it has seen,
/// incarnations are their owners', packets fit, memory is bounded; and each second that nobody
/// holds a process dead for long that it could talk to. The first violation is kept in violation()
/// and stops the run. The same seed and calls give the same run.
class SimCluster {
 public:
  using NodeIndex = std::size_t;
  enum class Life { kRunning, kStalled, kSuspended, kGone };

  explicit SimCluster(SimOptions options);

  /// Starts a process. Address 0 is 10.0.0.1 and so on; two processes may share one, one after the
  /// other.
  NodeIndex start(const std::string& name, std::uint16_t address);
  /// start("n<i>", i) for `count` new addresses, each joining the first, all at once.
  void start_many(std::size_t count);
  void join(NodeIndex node, NodeIndex peer);
  void kill(NodeIndex node);
  /// SIGSTOP: packets wait in its sockets, timers do not run.
  void stall(NodeIndex node);
  /// SIGCONT: the overdue timer first, as in an event loop that was late, then what waits in the
  /// sockets.
  void resume(NodeIndex node);
  /// The host sleeps: its clock stands, and what is sent to it is lost. resume() wakes it.
  void suspend(NodeIndex node);
  /// Whether hosts notice that they slept, from now on.
  void set_notices_sleep(bool notices) { notices_sleep_ = notices; }
  /// What start() takes for the time of day is so far off, from now on.
  void set_wall_clock_error(Duration error) { wall_clock_error_ = error; }
  void leave(NodeIndex node);
  void set_meta(NodeIndex node, std::vector<std::byte> meta);
  /// Drops what goes from one to the other, UDP and TCP.
  void cut(NodeIndex from, NodeIndex to) { cuts_.insert({from, to}); }
  /// Cuts off both ways those below `first_of_other_side` from the others.
  void split(NodeIndex first_of_other_side);
  /// Cuts the link both ways and mends it again, in turns, until healed.
  void flap(NodeIndex a, NodeIndex b, Duration period);
  void heal() {
    cuts_.clear();
    ++heals_;
  }
  void set_network(Network network) { options_.network = network; }

  void run_for(Duration time);
  /// True as soon as `holds`, asked after every event; false after `at_most`.
  bool run_until(const std::function<bool()>& holds, Duration at_most);

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] const Swim& operator[](NodeIndex node) const { return *nodes_[node].swim; }
  [[nodiscard]] Life life_of(NodeIndex node) const { return nodes_[node].life; }
  [[nodiscard]] std::uint64_t id_of(NodeIndex node) const { return nodes_[node].id; }
  /// What `observer` believes; empty if it does not know the subject.
  [[nodiscard]] std::optional<MemberState> state_of(NodeIndex observer, NodeIndex subject) const;
  /// Every running node holds exactly the running ones, alive, with equal digests.
  [[nodiscard]] bool is_converged() const;
  /// Every running node but the subject holds it in this state.
  [[nodiscard]] bool all_hold(NodeIndex subject, MemberState state) const;
  /// Events of one type that a node reported about a subject (any subject without one).
  [[nodiscard]] std::size_t count_events(NodeIndex observer, MemberEventType type,
                                         std::optional<NodeIndex> subject = std::nullopt) const;
  /// Deaths and suspicions of processes that were running when they were reported by a running
  /// node.
  [[nodiscard]] std::size_t false_deaths() const { return false_deaths_; }
  [[nodiscard]] std::size_t false_suspicions() const { return false_suspicions_; }
  /// A digest of everything that happened, to compare runs.
  [[nodiscard]] std::uint64_t trace() const { return trace_; }
  [[nodiscard]] const std::string& violation() const { return violation_; }
  /// Each node's view in one line, for messages of failing tests.
  [[nodiscard]] std::string describe() const;

 private:
  struct Happening {
    Instant at;
    std::uint64_t order = 0;
    std::function<void()> what;
    bool operator>(const Happening& other) const {
      return std::pair(at, order) > std::pair(other.at, other.order);
    }
  };
  struct Node {
    std::unique_ptr<Swim> swim;
    std::string name;
    Endpoint endpoint;
    std::uint64_t id = 0;
    Life life = Life::kRunning;
    Duration slept{0};  // its clock is so far behind now_
    Instant asleep_since;
    std::deque<std::function<void()>> waiting;  // while stalled
    std::vector<std::pair<Instant, MemberEvent>> events;
    Instant timer = kNever;
    std::uint64_t timer_generation = 0;
    std::map<std::uint64_t, std::uint64_t> believed;  // strength by short id, dropped ones too
    std::map<std::uint64_t, std::uint64_t> seen;      // strongest claim by short id, of known ones
    std::map<NodeIndex, Instant> buried;  // since when it holds a reachable process dead
  };

  void at(Instant time, std::function<void()> what);
  /// Runs `step` on a node now, or once it is resumed, and then carries out its outbox.
  void step(NodeIndex node, const std::function<void(Swim&, Outbox&)>& step);
  void carry_out(NodeIndex node, Outbox& out);
  void send(NodeIndex from, const Datagram& datagram);
  void deliver(NodeIndex from, NodeIndex to, const std::vector<std::byte>& bytes);
  void open_stream(NodeIndex from, const StreamRequest& request);
  void serve_stream(NodeIndex from, NodeIndex to, const StreamRequest& request);
  void end_stream(NodeIndex client, StreamToken token,
                  std::expected<std::vector<std::byte>, StreamFailure> reply);
  void arm(NodeIndex node);
  void note(NodeIndex node, const MemberEvent& event);
  void note_claims(NodeIndex node, std::uint64_t sender, const std::vector<Claim>& claims);
  void check_burials();
  [[nodiscard]] bool may_reach(NodeIndex a, NodeIndex b) const;
  /// What the node's own clock says.
  [[nodiscard]] Instant local(NodeIndex node) const { return now_ - nodes_[node].slept; }
  void check(NodeIndex node);
  void fail(NodeIndex node, const std::string& what);
  [[nodiscard]] std::optional<NodeIndex> process_at(const Endpoint& endpoint) const;
  [[nodiscard]] std::optional<NodeIndex> process_with(std::uint64_t id) const;
  [[nodiscard]] bool is_cut(NodeIndex from, NodeIndex to) const {
    return cuts_.contains({from, to});
  }
  [[nodiscard]] bool draw(double probability);
  [[nodiscard]] Duration draw_delay();
  [[nodiscard]] Duration draw_stream_delay();

  SimOptions options_;
  std::mt19937_64 random_;
  Instant now_;
  std::uint64_t order_ = 0;
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
  std::vector<Node> nodes_;
  std::set<std::pair<NodeIndex, NodeIndex>> cuts_;
  std::uint64_t heals_ = 0;
  bool notices_sleep_ = true;
  Duration wall_clock_error_{0};
  Instant next_burial_check_;
  std::set<std::pair<NodeIndex, StreamToken>> open_streams_;
  std::size_t false_deaths_ = 0;
  std::size_t false_suspicions_ = 0;
  std::uint64_t trace_ = 0;
  std::string violation_;
};

}  // namespace hogwild::membership::sim
