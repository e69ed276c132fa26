#include "tests/sim/sim_cluster.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace hogwild::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::uint16_t kGossipPort = 7420;
constexpr std::uint16_t kDataPort = 7422;
constexpr milliseconds kFlushInterval{5};
/// Longest datagram that may leave a node, envelope included.
constexpr std::size_t kLargestDatagram = 1400;

Endpoint endpoint_of(std::size_t node, std::uint16_t port) {
  return Endpoint::v4(
      {10, 0, static_cast<std::uint8_t>(node >> 8U), static_cast<std::uint8_t>(node & 0xffU)},
      port);
}

/// Of the data that nodes fetch from each other.
std::byte data_byte(std::uint64_t offset) {
  return static_cast<std::byte>(offset * 0x9e3779b97f4a7c15U >> 56U);
}

/// Node `index` has every other feature, from this one on; all together have all.
std::shared_ptr<const sgd::PartSummary> part_of(const SimOptions& options, std::size_t index) {
  sgd::PartSummary part{
      .rows = options.rows, .fingerprint = 100 + index, .test_fingerprint = 78, .labels = {-1, 1}};
  for (std::uint32_t j = index % 2; j < options.features; j += 2) part.features.push_back(j);
  part.frequency.assign(part.features.size(), 5);
  part.mean_square.assign(part.features.size(), 0.5);
  return std::make_shared<const sgd::PartSummary>(std::move(part));
}

sgd::LocalData local_data(const SimOptions& options, bool has_data) {
  sgd::LocalData data{.has_train = has_data, .has_test = has_data, .constants = {}};
  if (!has_data) return data;
  sgd::RunConstants constants;
  constants.rows = options.rows;
  constants.positives = {options.rows / 2};
  constants.train_fingerprint = 77;
  constants.test_fingerprint = 78;
  constants.metric.assign(options.features, 1.0F);
  constants.file_index.resize(options.features);
  for (std::uint32_t j = 0; j < options.features; ++j) constants.file_index[j] = j;
  data.test_fingerprint = 78;
  data.constants = std::move(constants);
  return data;
}

}  // namespace

struct SimCluster::Node {
  Node(daemon::NodeCoreOptions core_options, Instant now) : core(std::move(core_options), now) {}

  NodeCore core;
  std::unique_ptr<sgd::OwnWork> own;
  std::unique_ptr<sgd::RowQueue> queue;
  std::unique_ptr<sgd::RoundBoard> board;
  bool has_begun_round = false;
  Instant stalled_until{};
  sgd::RoundKey last_committed;
  sgd::Ballot last_ballot;
  bool is_up = true;
  bool is_training = false;
  std::uint64_t life = 0;
  double allowance = 0;
  double speed = 1;
  std::uint64_t trained = 0;
  sgd::Phase last_phase = sgd::Phase::kNoRun;
  sgd::RunId last_run = 0;
  bool has_data = false;
  Bytes fetched;
  std::size_t fetched_badly = 0;
};

SimCluster::SimCluster(SimOptions options)
    : options_(options), random_(options.seed), now_(seconds(1000)), row_counts_(options.rows) {}

SimCluster::~SimCluster() = default;

std::size_t SimCluster::start(std::vector<std::size_t> seeds, bool has_data,
                              std::optional<sgd::Checkpoint> checkpoint) {
  const std::size_t index = nodes_.size();
  daemon::NodeCoreOptions core;
  core.self.id = membership::NodeId::from_words(random_(), random_());
  core.self.name = "node-" + std::to_string(index);
  core.self.gossip = endpoint_of(index, kGossipPort);
  core.self.start_time_unix_ms =
      1 + static_cast<std::uint64_t>(
              std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()).count());
  core.self.meta = daemon::encode_meta({kDataPort, "127.0.0.1:7421", "sim"});
  if (options_.is_sealed) {
    core.keys.emplace_back();
    core.keys.front().id = 1;
  }
  core.run.settings.epochs = options_.epochs;
  core.run.settings.expect = options_.expect;
  core.run.settings.loss_interval = {false,
                                     static_cast<std::uint64_t>(options_.loss_interval.count())};
  core.run.given = options_.given;
  core.run.settings.early_stopping = options_.early_stopping;
  core.run.settings.is_sharded = options_.is_sharded;
  if (options_.is_sync) {
    core.run.settings.mode = "sync";
    core.run.settings.broadcast_interval = options_.round_updates > 0
                                               ? sgd::Interval{true, options_.round_updates}
                                               : sgd::Interval{false, 20};
    core.run.settings.seed = options_.run_seed;
    core.run.needs_majority = options_.needs_majority;
  }
  core.run.must_meet_peer = !seeds.empty();
  core.run.retained_bytes = options_.retained_bytes;
  core.donor_bytes_per_second = options_.donor_bytes_per_second;
  core.random_seed = random_();
  nodes_.push_back(std::make_unique<Node>(std::move(core), now_));
  nodes_[index]->has_data = has_data;
  if (index < options_.slow_nodes) nodes_[index]->speed = 0.25;
  if (checkpoint) nodes_[index]->core.run().offer_checkpoint(std::move(*checkpoint));
  NodeOutbox out;
  for (const std::size_t seed : seeds) {
    nodes_[index]->core.join(endpoint_of(seed, kGossipPort), now_, out);
  }
  nodes_[index]->core.with_run(now_, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    sgd::LocalData data = local_data(options_, has_data);
    data.has_test = data.has_test && index < options_.tested;
    if (options_.is_sharded && has_data) data.part = part_of(options_, index);
    run.data_loaded(std::move(data), now_, wanted);
  });
  carry_out(index, out);
  // A daemon asks its seeds again until it knows somebody.
  for (const std::size_t seed : seeds) {
    for (int again = 1; again <= 20; ++again) {
      schedule(seconds(again), [this, index, seed, life = nodes_[index]->life] {
        Node& node = *nodes_[index];
        if (!node.is_up || node.life != life || node.core.swim().members().counts().live() > 1)
          return;
        join(index, seed);
      });
    }
  }
  tick(index, nodes_[index]->life);
  return index;
}

sgd::Checkpoint SimCluster::checkpoint(std::size_t node) {
  const sgd::Run& of = run(node);
  return sgd::decode_checkpoint(sgd::encode_checkpoint(*of.info(), of.state(now_))).value();
}

void SimCluster::restart_everybody(std::mt19937_64& draw) {
  std::vector<sgd::Checkpoint> saved;
  const auto before = up();
  for (const std::size_t node : before) {
    run_for(milliseconds(draw() % 200));
    if (!is_up(node)) continue;
    if (run(node).info() == nullptr || run(node).phase() == sgd::Phase::kDone) {
      continue;
    }
    saved.push_back(checkpoint(node));
  }
  run_for(milliseconds(draw() % 300));
  if (all_done()) return;
  for (const std::size_t node : up()) crash(node);
  const auto newest = std::ranges::max_element(
      saved, {}, [](const sgd::Checkpoint& one) { return one.state.sums.examples(); });
  const sgd::RunId line = saved.empty() ? 0 : newest->info.line();
  std::erase_if(saved, [&](const sgd::Checkpoint& one) { return one.info.line() != line; });
  std::size_t first = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    std::vector<std::size_t> seeds;
    if (i > 0) seeds.push_back(first);
    std::optional<sgd::Checkpoint> own;
    if (i < saved.size()) own = saved[i];
    const std::size_t node = start(seeds, true, std::move(own));
    if (i == 0) first = node;
    // Those that have not met who has a checkpoint would begin anew without it.
    const auto has_met = [&] { return core(node).swim().members().counts().live() > 1; };
    if (i > 0) static_cast<void>(run_until(has_met, seconds(2)));
    run_for(milliseconds(draw() % 500));
  }
}

void SimCluster::join(std::size_t node, std::size_t seed) {
  NodeOutbox out;
  nodes_[node]->core.join(endpoint_of(seed, kGossipPort), now_, out);
  carry_out(node, out);
}

void SimCluster::crash(std::size_t node) {
  nodes_[node]->is_up = false;
  ++nodes_[node]->life;
}

void SimCluster::stall(std::size_t node, nanoseconds time) {
  nodes_[node]->stalled_until = now_ + time;
}

void SimCluster::leave(std::size_t node) {
  NodeOutbox out;
  nodes_[node]->core.leave(now_, out);
  carry_out(node, out);
}

void SimCluster::tell(std::size_t to, std::size_t from, std::span<const std::byte> payload) {
  const sgd::PeerId sender = core(from).swim().members().self().short_id();
  NodeOutbox out;
  core(to).with_run(now_, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.on_datagram(sender, payload, now_, wanted);
  });
  carry_out(to, out);
}

void SimCluster::load_data(std::size_t node) {
  nodes_[node]->has_data = true;
  NodeOutbox out;
  core(node).with_run(now_, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.data_loaded(local_data(options_, true), now_, wanted);
  });
  carry_out(node, out);
}

void SimCluster::cut(std::size_t from, std::size_t to) { cuts_.emplace(from, to); }
std::size_t SimCluster::fetched_badly(std::size_t node) const {
  return nodes_[node]->fetched_badly;
}

std::size_t SimCluster::told(sgd::RunEventType event) const {
  const auto at = told_.find(event);
  return at == told_.end() ? 0 : at->second;
}

void SimCluster::heal() { cuts_.clear(); }

void SimCluster::schedule(nanoseconds in, std::function<void()> action) {
  events_.push({now_ + in, ++order_, std::move(action)});
}

void SimCluster::step() {
  Event event = events_.top();
  events_.pop();
  now_ = event.at;
  event.action();
}

void SimCluster::run_for(nanoseconds time) {
  const Instant end = now_ + time;
  while (!events_.empty() && events_.top().at <= end) step();
  now_ = end;
}

bool SimCluster::run_until(const std::function<bool()>& done, nanoseconds at_most) {
  const Instant end = now_ + at_most;
  while (!done()) {
    if (events_.empty() || events_.top().at > end) return false;
    step();
  }
  return true;
}

// A node's turn, as the daemon does it: train, flush each 5 ms, step the cores, feed the workers.
void SimCluster::tick(std::size_t index, std::uint64_t life) {
  Node& node = *nodes_[index];
  if (!node.is_up || node.life != life) return;
  if (now_ < node.stalled_until) {
    schedule(node.stalled_until - now_, [this, index, life] { tick(index, life); });
    return;
  }
  NodeOutbox out;
  if (node.is_training && node.board) {
    for (const bool is_first : {true, false}) {
      node.core.with_run(now_, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
        run.work_round(*node.own, *node.board, true, now_, wanted);
      });
      if (is_first) train_round(node, kFlushInterval);
    }
  } else if (node.is_training) {
    train(node, kFlushInterval);
    node.core.with_run(now_, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
      run.flush(*node.own, now_, wanted);
      static_cast<void>(run.feed(*node.queue, now_));
    });
  }
  node.core.on_tick(now_, out);
  carry_out(index, out);
  check(index);
  if (node.core.has_left(now_)) {
    node.is_up = false;
    ++node.life;
    return;
  }
  schedule(kFlushInterval, [this, index, life] { tick(index, life); });
}

void SimCluster::train(Node& node, nanoseconds time) {
  node.allowance +=
      node.speed * options_.updates_per_second * std::chrono::duration<double>(time).count();
  while (node.allowance > 0) {
    const auto range = node.queue->pop();
    if (!range) {
      node.allowance = 0;
      return;
    }
    node.allowance -= range->count;
    learn(node, *range);
  }
}

// The one worker of a node in a round: as far as the time goes, and it merges when the part is done
// or closed.
void SimCluster::train_round(Node& node, nanoseconds time) {
  node.allowance = std::min(
      node.allowance + options_.updates_per_second * std::chrono::duration<double>(time).count(),
      options_.updates_per_second);
  if (!node.board->is_running()) return;
  if (!node.has_begun_round) {
    static_cast<void>(node.board->await(0));
    node.has_begun_round = true;
  }
  while (node.allowance > 0) {
    const auto range = node.board->next(0);
    if (!range) {
      node.allowance = 0;
      node.has_begun_round = false;
      return node.board->finish(0);
    }
    node.allowance -= range->count;
    learn(node, *range);
  }
}

void SimCluster::learn(Node& node, sgd::RowRange rows) {
  const sgd::RowRange* range = &rows;
  {
    node.trained += range->count;
    for (std::uint32_t i = 0; i < range->count; ++i) ++row_counts_[range->first + i];
    node.own->add_scalar(sgd::SumsLayout::kExamples, range->count);
    node.own->add_scalar(sgd::SumsLayout::curvature(0), range->count * 100);
    for (std::uint32_t i = 0; i < range->count / 4; ++i) {
      const auto index = static_cast<std::uint32_t>(random_() % options_.features);
      const auto stripe = index / sgd::OwnWork::kStripe;
      const auto claim = node.own->try_claim(stripe);
      node.own->made(stripe)[index - node.own->stripe_begin(stripe)] +=
          static_cast<std::int32_t>(random_() % 41) - 20;
      ++node.own->versions(stripe)[(index - node.own->stripe_begin(stripe)) / sgd::kBlock];
    }
  }
}

void SimCluster::carry_out(std::size_t index, NodeOutbox& out) {
  // Steps taken here may want more done.
  while (!out.datagrams.empty() || !out.streams.empty() || !out.run_events.empty() ||
         !out.pieces.empty()) {
    NodeOutbox now_wanted = std::move(out);
    out = {};
    for (const auto& datagrams : now_wanted.datagrams) {
      auto left = now_wanted.bytes_of(datagrams);
      while (!left.empty()) {
        const auto one = left.first(std::min(left.size(), datagrams.segment));
        deliver(index, datagrams, one);
        left = left.subspan(one.size());
      }
    }
    for (const auto& stream : now_wanted.streams) open_stream(index, stream);
    for (auto& event : now_wanted.run_events) on_run_event(index, event);
    for (const auto& piece : now_wanted.pieces) store(index, piece, out);
  }
}

void SimCluster::on_run_event(std::size_t index, sgd::RunEvent& event) {
  ++told_[event.type];
  Node& node = *nodes_[index];
  const auto later = [this, index, life = node.life](nanoseconds in, auto action) {
    schedule(in, [this, index, life, action] {
      Node& at = *nodes_[index];
      if (!at.is_up || at.life != life) return;
      NodeOutbox wanted;
      at.core.with_run(now_, wanted,
                       [&](sgd::Run& run, sgd::RunOutbox& out) { action(at, run, out); });
      carry_out(index, wanted);
    });
  };
  switch (event.type) {
    case sgd::RunEventType::kPartGone:
      parts_gone_ += std::stoull(event.detail);
      break;
    case sgd::RunEventType::kJoined:
      if (options_.is_sharded && node.has_data) {
        later(milliseconds(5), [this, index](Node&, sgd::Run& run, sgd::RunOutbox& out) {
          sgd::LocalData data = local_data(options_, true);
          data.part = part_of(options_, index);
          data.laid_out_for = run.info()->id;
          run.data_loaded(std::move(data), now_, out);
        });
      }
      if (options_.data_bytes == 0) break;
      if (node.has_data) {
        node.core.offer_data(sgd::DataPart::kTrain,
                             {1, options_.data_bytes,
                              [is_bad = index < options_.bad_donors](std::uint64_t offset,
                                                                     std::span<std::byte> bytes) {
                                for (std::byte& byte : bytes)
                                  byte = data_byte(is_bad ? ~offset++ : offset++);
                              }});
      } else {
        node.fetched.clear();
        node.core.fetch_data(sgd::DataPart::kTrain, 0, 0);
      }
      break;
    case sgd::RunEventType::kStartTraining:
      node.own = std::make_unique<sgd::OwnWork>(node.core.run().info()->layout());
      node.queue = std::make_unique<sgd::RowQueue>(1024);
      if (options_.is_sync) node.board = std::make_unique<sgd::RoundBoard>(1, [] {});
      node.has_begun_round = false;
      node.is_training = true;
      break;
    case sgd::RunEventType::kStopTraining:
      later(microseconds(random_() % 3000), [this](Node& at, sgd::Run& run, sgd::RunOutbox& out) {
        at.is_training = false;
        at.board.reset();
        run.workers_stopped(at.own.get(), now_, out);
      });
      break;
    case sgd::RunEventType::kEvaluate:
      later(event.evaluation->is_final ? options_.final_evaluation : options_.evaluation,
            [this, number = event.evaluation->number,
             loss = index < options_.tested ? loss_of(event.evaluation->image) : sgd::kUnknown](
                Node&, sgd::Run& run, sgd::RunOutbox& out) {
              run.evaluated(
                  {.number = number, .test_loss = loss, .test_accuracy = 0.94, .objective = 0.3},
                  now_, out);
            });
      break;
    case sgd::RunEventType::kDone:
      if (node.core.run().uploader() == node.core.swim().members().self().short_id()) {
        later(milliseconds(10), [this](Node&, sgd::Run& run, sgd::RunOutbox& out) {
          run.set_links({{"report.json", "http://x/report.json"}}, now_, out);
        });
      }
      break;
    case sgd::RunEventType::kDigestMismatch:
      violations_.push_back("digest mismatch at node " + std::to_string(index));
      break;
    case sgd::RunEventType::kRefused:
      violations_.push_back("refused: " + event.detail);
      break;
    default:
      break;
  }
}

// What came from others is what was offered, to the byte; then the node has data, too.
void SimCluster::store(std::size_t index, const daemon::FetchedPiece& piece, NodeOutbox& out) {
  Node& node = *nodes_[index];
  if (piece.begins_anew) node.fetched.clear();
  if (piece.offset != node.fetched.size()) violations_.push_back("a piece out of order");
  node.fetched.insert(node.fetched.end(), piece.bytes.begin(), piece.bytes.end());
  if (!piece.is_last) return;
  for (std::uint64_t i = 0; i < node.fetched.size(); ++i) {
    if (node.fetched[i] == data_byte(i)) continue;
    if (options_.bad_donors == 0) return violations_.push_back("data fetched wrongly");
    ++node.fetched_badly;
    node.fetched.clear();
    node.core.fetched_badly();
    return node.core.fetch_data(sgd::DataPart::kTrain, 0, 0);
  }
  if (node.fetched.size() != options_.data_bytes) violations_.push_back("data cut short");
  node.has_data = true;
  node.core.with_run(now_, out, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.data_loaded(local_data(options_, true), now_, wanted);
  });
}

double SimCluster::loss_of(const sgd::SumsImage& image) const {
  if (options_.best_epoch == 0) return 0.25;
  const double epoch = static_cast<double>(image.examples()) / static_cast<double>(options_.rows);
  return 0.25 + 0.1 * std::abs(epoch - options_.best_epoch);
}

nanoseconds SimCluster::latency() {
  nanoseconds time =
      options_.delay + nanoseconds(options_.delay) * static_cast<int>(random_() % 100) / 100;
  if (chance(options_.reorder)) {
    time += microseconds(random_() % static_cast<std::uint64_t>(std::max<std::int64_t>(
                                         1, microseconds(options_.reorder_by).count())));
  }
  return time;
}

bool SimCluster::chance(double share) {
  return share > 0 && static_cast<double>(random_() >> 11U) * 0x1p-53 < share;
}

std::optional<std::size_t> SimCluster::node_at(Endpoint endpoint) const {
  const std::size_t index = std::size_t{endpoint.address[14]} << 8U | endpoint.address[15];
  if (index >= nodes_.size() || endpoint_of(index, endpoint.port) != endpoint) return std::nullopt;
  return index;
}

bool SimCluster::is_cut(std::size_t from, std::size_t to) const {
  return cuts_.contains({from, to});
}

void SimCluster::deliver(std::size_t from, const daemon::OutDatagrams& datagrams,
                         std::span<const std::byte> content) {
  if (content.size() > kLargestDatagram) {
    violations_.push_back("a datagram of " + std::to_string(content.size()) + " bytes");
  }
  const auto to = node_at(datagrams.to);
  if (!to || is_cut(from, *to)) return;
  const int copies = chance(options_.duplicate) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    if (chance(options_.drop)) continue;
    schedule(latency(), [this, from, to = *to, is_data = datagrams.is_data,
                         bytes = Bytes(content.begin(), content.end())] {
      Node& node = *nodes_[to];
      if (!node.is_up || is_cut(from, to)) return;
      // A stopped process finds in its sockets what fits into them; the newest is lost.
      if (now_ < node.stalled_until && now_ + milliseconds(200) < node.stalled_until) return;
      NodeOutbox out;
      node.core.on_datagram(endpoint_of(from, is_data ? kDataPort : kGossipPort), bytes, now_, out);
      carry_out(to, out);
      check(to);
    });
  }
}

// A stream is a request and a reply; it fails where the other side is down or cut off.
void SimCluster::open_stream(std::size_t from, const daemon::OutStream& stream) {
  using membership::StreamFailure;
  const auto answer = [this, from, token = stream.token, life = nodes_[from]->life](
                          std::optional<Bytes> reply, StreamFailure failure) {
    Node& node = *nodes_[from];
    if (!node.is_up || node.life != life) return;
    NodeOutbox out;
    if (reply) {
      node.core.on_stream_reply(token, std::span<const std::byte>(*reply), now_, out);
    } else {
      node.core.on_stream_reply(token, std::unexpected(failure), now_, out);
    }
    carry_out(from, out);
    check(from);
  };
  const auto to = node_at(stream.to);
  if (!to || is_cut(from, *to) || is_cut(*to, from)) {
    schedule(std::min<nanoseconds>(stream.timeout, seconds(2)),
             [answer] { answer(std::nullopt, StreamFailure::kTimeout); });
    return;
  }
  schedule(latency() * 3,
           [this, answer, from, to = *to, bytes = stream.bytes, timeout = stream.timeout] {
             Node& node = *nodes_[to];
             if (!node.is_up) {
               schedule(latency(), [answer] { answer(std::nullopt, StreamFailure::kRefused); });
               return;
             }
             if (now_ < node.stalled_until) {
               schedule(seconds(2), [answer] { answer(std::nullopt, StreamFailure::kTimeout); });
               return;
             }
             NodeOutbox out;
             Bytes reply = node.core.on_stream_request(endpoint_of(from, 50000), bytes, now_, out);
             carry_out(to, out);
             const bool is_large = reply.size() >= 1'000;
             if (is_large && options_.transfer > timeout) {
               schedule(timeout, [answer] { answer(std::nullopt, StreamFailure::kTimeout); });
               return;
             }
             const nanoseconds time = latency() + (is_large ? options_.transfer : milliseconds(0));
             schedule(time, [this, answer, from, to, reply = std::move(reply)]() mutable {
               if (reply.empty() || !nodes_[to]->is_up || is_cut(to, from)) {
                 answer(std::nullopt, StreamFailure::kClosed);
               } else {
                 answer(std::move(reply), StreamFailure::kClosed);
               }
             });
           });
}

// Within a run the phase only grows, but for a final record replaced by a smaller one.
void SimCluster::check(std::size_t index) {
  Node& node = *nodes_[index];
  const sgd::Run& run = node.core.run();
  const sgd::RunId id = run.info() == nullptr ? 0 : run.info()->id;
  const bool fell =
      id == node.last_run && run.phase() < node.last_phase &&
      !(node.last_phase == sgd::Phase::kConfirmed && run.phase() == sgd::Phase::kStopped);
  if (fell) violations_.push_back("the phase of node " + std::to_string(index) + " fell");
  node.last_phase = run.phase();
  if (run.rounds() != nullptr) {
    if (id != node.last_run) {
      node.last_committed = {};
      node.last_ballot = {};
    }
    check_rounds(index);
  }
  node.last_run = id;
}

// What must hold of rounds after every event (sgd/replica/rounds.hpp, "Invariants").
void SimCluster::check_rounds(std::size_t index) {
  Node& node = *nodes_[index];
  const sgd::Run& run = node.core.run();
  const sgd::Rounds& rounds = *run.rounds();
  const auto say = [&](const std::string& what) {
    violations_.push_back(what + " at node " + std::to_string(index));
  };
  const sgd::RoundKey& key = rounds.committed().key;
  const bool is_same_epoch = key.ballot.epoch == node.last_committed.ballot.epoch;
  if (is_same_epoch && key < node.last_committed) say("the committed round fell");
  if (rounds.ballot().epoch == node.last_ballot.epoch && rounds.ballot() < node.last_ballot) {
    say("the term fell");
  }
  node.last_committed = key;
  node.last_ballot = rounds.ballot();
  if (run.replica()->applied_hash() != rounds.committed().applied_hash && !run.final_record()) {
    say("the state is not that of the committed round");
  }
  const sgd::RunId id = run.info()->id;
  const auto state = state_of_round_.try_emplace({id, key.ballot.epoch, key.round},
                                                 rounds.committed().applied_hash);
  if (state.first->second != rounds.committed().applied_hash) say("two states of one round");
  if (!rounds.is_coordinator()) return;
  const sgd::PeerId self = node.core.swim().members().self().short_id();
  if (coordinator_of_ballot_.try_emplace({id, rounds.ballot()}, self).first->second != self) {
    say("two coordinators of one ballot");
  }
}

std::size_t SimCluster::size() const { return nodes_.size(); }
bool SimCluster::is_up(std::size_t node) const { return nodes_[node]->is_up; }
NodeCore& SimCluster::core(std::size_t node) { return nodes_[node]->core; }
std::uint64_t SimCluster::trained(std::size_t node) const { return nodes_[node]->trained; }

std::vector<std::size_t> SimCluster::up() const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->is_up) found.push_back(i);
  }
  return found;
}

bool SimCluster::all_done() {
  const auto nodes = up();
  return !nodes.empty() && std::all_of(nodes.begin(), nodes.end(), [&](std::size_t i) {
    return run(i).phase() == sgd::Phase::kDone;
  });
}

std::string SimCluster::describe() {
  std::ostringstream text;
  for (const std::size_t i : up()) {
    const sgd::Run& at = run(i);
    text << "\n  node " << i << " phase " << static_cast<int>(at.phase()) << " live "
         << core(i).swim().members().counts().live() << " of " << options_.expect << " expected";
    if (at.info() != nullptr) {
      text << " run " << at.info()->id << " digest " << at.replica()->digest() << " hash "
           << at.replica()->applied_hash() << " t " << at.replica()->sums().examples()
           << " missing " << at.divergence() << " training " << at.is_training() << " stop "
           << (at.stop_order() ? at.stop_order()->reason : "-") << " final "
           << (at.final_record() ? at.final_record()->id() : 0) << " nominee "
           << core(i).name_of(at.nominee());
    }
    if (const sgd::Rounds* rounds = at.rounds()) {
      text << " epoch " << rounds->ballot().epoch.number << " term " << rounds->ballot().term
           << " round " << rounds->committed().key.round << " stored " << rounds->stored().key.round
           << " of " << rounds->committed().roster.size()
           << (rounds->is_member() ? " member" : " outside") << " coordinator "
           << core(i).name_of(rounds->coordinator()) << " roster";
      for (const sgd::RosterEntry& entry : rounds->stored().roster) {
        text << ' ' << core(i).name_of(entry.peer) << '=' << entry.origin
             << (entry.is_old ? "o" : "") << (entry.is_new ? "n" : "");
      }
    }
  }
  return text.str();
}

}  // namespace hogwild::sim
