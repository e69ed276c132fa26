#include "tests/membership/sim_cluster.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

namespace hogwild::membership::sim {

namespace {

std::uint64_t mix(std::uint64_t trace, std::uint64_t value) {
  return (trace ^ value) * 0x9e3779b97f4a7c15U + (trace >> 29U);
}

/// Since the start of the simulation, which is an hour after the clock's epoch.
double seconds(Instant time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count() - 3600;
}

/// With the daemon's envelope around it, sealed.
constexpr std::size_t kEnvelopeBytes = 40;
constexpr std::size_t kMostPacketBytes = 1400;
/// A live process that can be reached is held dead no longer: the dead are asked in turns, four
/// each 7.5 to 12.5 s, and under loss some questions are in vain.
constexpr Duration kBuriedAtMost = std::chrono::seconds(60);
constexpr double kMostLossToReach = 0.25;
constexpr std::size_t kSocketPackets = 1000;

Endpoint endpoint_of(std::uint16_t address) {
  return Endpoint::v4({10, 0, static_cast<std::uint8_t>(address >> 8U),
                       static_cast<std::uint8_t>((address & 0xffU) + 1)},
                      7420);
}

}  // namespace

SimCluster::SimCluster(SimOptions options)
    : options_(options),
      random_(options.seed),
      now_(Instant{} + std::chrono::hours(1)),
      next_burial_check_(now_) {}

SimCluster::NodeIndex SimCluster::start(const std::string& name, std::uint16_t address) {
  Node node;
  node.name = name;
  node.endpoint = endpoint_of(address);
  Profile self;
  self.id = NodeId::from_words(random_(), random_());
  self.name = name;
  self.gossip = node.endpoint;
  self.start_time_unix_ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     now_.time_since_epoch() + wall_clock_error_)
                                     .count());
  node.id = self.id.short_id();
  node.swim = std::make_unique<Swim>(options_.config, self, random_(), now_);
  nodes_.push_back(std::move(node));
  arm(nodes_.size() - 1);
  return nodes_.size() - 1;
}

void SimCluster::start_many(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto address = static_cast<std::uint16_t>(nodes_.size());
    const NodeIndex node = start(std::string("n").append(std::to_string(address)), address);
    if (node > 0) join(node, 0);
  }
}

void SimCluster::join(NodeIndex node, NodeIndex peer) {
  const Endpoint seed = nodes_[peer].endpoint;
  step(node, [this, node, seed](Swim& swim, Outbox& out) { swim.join(seed, local(node), out); });
}

void SimCluster::kill(NodeIndex node) {
  nodes_[node].life = Life::kGone;
  nodes_[node].waiting.clear();
}

void SimCluster::stall(NodeIndex node) {
  if (nodes_[node].life == Life::kRunning) nodes_[node].life = Life::kStalled;
}

void SimCluster::suspend(NodeIndex node) {
  if (nodes_[node].life != Life::kRunning) return;
  nodes_[node].life = Life::kSuspended;
  nodes_[node].asleep_since = now_;
}

void SimCluster::resume(NodeIndex node) {
  Node& woken = nodes_[node];
  if (woken.life != Life::kStalled && woken.life != Life::kSuspended) return;
  if (woken.life == Life::kSuspended) woken.slept += now_ - woken.asleep_since;
  const bool notices = woken.life == Life::kSuspended && notices_sleep_;
  woken.life = Life::kRunning;
  woken.timer = kNever;
  if (notices) step(node, [this, node](Swim& swim, Outbox& out) { swim.woke(local(node), out); });
  if (woken.swim->next_deadline() <= local(node)) {
    step(node, [this, node](Swim& swim, Outbox& out) { swim.on_tick(local(node), out); });
  }
  while (!woken.waiting.empty()) {
    const auto what = std::move(woken.waiting.front());
    woken.waiting.pop_front();
    what();
  }
  arm(node);
}

void SimCluster::leave(NodeIndex node) {
  step(node, [this, node](Swim& swim, Outbox& out) { swim.leave(local(node), out); });
}

void SimCluster::set_meta(NodeIndex node, std::vector<std::byte> meta) {
  step(node,
       [this, node, meta](Swim& swim, Outbox& out) { swim.set_meta(meta, local(node), out); });
}

void SimCluster::split(NodeIndex first_of_other_side) {
  for (NodeIndex a = 0; a < first_of_other_side; ++a) {
    for (NodeIndex b = first_of_other_side; b < nodes_.size(); ++b) {
      cut(a, b);
      cut(b, a);
    }
  }
}

void SimCluster::flap(NodeIndex a, NodeIndex b, Duration period) {
  const bool is_cut_now = is_cut(a, b);
  if (is_cut_now) {
    cuts_.erase({a, b});
    cuts_.erase({b, a});
  } else {
    cut(a, b);
    cut(b, a);
  }
  at(now_ + period, [this, a, b, period, heals = heals_] {
    if (heals == heals_) flap(a, b, period);
  });
}

void SimCluster::run_for(Duration time) {
  run_until([] { return false; }, time);
}

bool SimCluster::run_until(const std::function<bool()>& holds, Duration at_most) {
  const Instant end = now_ + at_most;
  while (violation_.empty()) {
    if (holds()) return true;
    if (queue_.empty() || queue_.top().at > end) break;
    const Happening next = queue_.top();
    queue_.pop();
    now_ = next.at;
    next.what();
    if (options_.checks_invariants && next_burial_check_ <= now_) check_burials();
  }
  if (violation_.empty()) now_ = end;
  return false;
}

void SimCluster::at(Instant time, std::function<void()> what) {
  queue_.push({time, ++order_, std::move(what)});
}

void SimCluster::step(NodeIndex node, const std::function<void(Swim&, Outbox&)>& step) {
  Node& stepped = nodes_[node];
  if (stepped.life == Life::kGone) return;
  if (stepped.life != Life::kRunning) {
    stepped.waiting.push_back([this, node, step] { this->step(node, step); });
    return;
  }
  Outbox out;
  step(*stepped.swim, out);
  carry_out(node, out);
  if (options_.checks_invariants) check(node);
  arm(node);
}

void SimCluster::carry_out(NodeIndex node, Outbox& out) {
  for (const MemberEvent& event : out.events) note(node, event);
  for (const Datagram& datagram : out.datagrams) {
    if (datagram.bytes.size() > options_.config.max_payload_bytes ||
        datagram.bytes.size() + kEnvelopeBytes > kMostPacketBytes) {
      fail(node, "packet too long");
    }
    send(node, datagram);
  }
  for (const StreamRequest& request : out.streams) open_stream(node, request);
}

void SimCluster::send(NodeIndex from, const Datagram& datagram) {
  const int copies = draw(options_.network.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (draw(options_.network.loss)) continue;
    const Duration delay = draw_delay();
    at(now_ + delay, [this, from, datagram] {
      const auto to = process_at(datagram.to);
      if (to) {
        if (!is_cut(from, *to)) deliver(from, *to, datagram.bytes);
      } else if (options_.has_icmp) {
        const Endpoint unreachable = datagram.to;
        step(from, [this, from, unreachable](Swim& swim, Outbox& out) {
          swim.on_port_unreachable(unreachable, local(from), out);
        });
      }
    });
  }
}

void SimCluster::deliver(NodeIndex from, NodeIndex to, const std::vector<std::byte>& bytes) {
  const bool is_lost =  // asleep, or its socket is full
      nodes_[to].life == Life::kSuspended || nodes_[to].waiting.size() >= kSocketPackets;
  if (is_lost) return;
  const Endpoint source = nodes_[from].endpoint;
  const std::uint64_t sender = nodes_[from].id;
  step(to, [this, to, source, sender, bytes](Swim& swim, Outbox& out) {
    const auto packet = decode_packet(bytes);
    if (packet) note_claims(to, sender, packet->claims);
    if (!packet) fail(to, "received what it cannot decode");
    swim.on_packet(source, sender, bytes, local(to), out);
    trace_ = mix(trace_, bytes.size() + to * 4096);
  });
}

void SimCluster::open_stream(NodeIndex from, const StreamRequest& request) {
  open_streams_.insert({from, request.token});
  at(now_ + request.timeout, [this, from, request] {
    end_stream(from, request.token, std::unexpected(StreamFailure::kTimeout));
  });
  at(now_ + draw_stream_delay(), [this, from, request] {
    const auto to = process_at(request.to);
    if (!to && options_.hosts_survive) {
      at(now_ + draw_delay(), [this, from, request] {
        end_stream(from, request.token, std::unexpected(StreamFailure::kRefused));
      });
    }
    if (to && !is_cut(from, *to) && !is_cut(*to, from)) serve_stream(from, *to, request);
  });
}

void SimCluster::serve_stream(NodeIndex from, NodeIndex to, const StreamRequest& request) {
  const Endpoint source{.address = nodes_[from].endpoint.address, .port = 50000};
  const std::uint64_t sender = nodes_[from].id;
  step(to, [this, from, to, source, sender, request](Swim& swim, Outbox& out) {
    const auto message = decode_stream(request.bytes, options_.config.max_stream_bytes);
    if (message) note_claims(to, sender, message->claims);
    auto reply = swim.on_stream_request(source, sender, request.bytes, local(to), out);
    if (is_cut(to, from) || is_cut(from, to)) return;
    at(now_ + draw_stream_delay(), [this, from, request, reply] {
      if (reply.empty()) {
        end_stream(from, request.token, std::unexpected(StreamFailure::kClosed));
      } else {
        end_stream(from, request.token, reply);
      }
    });
  });
}

void SimCluster::end_stream(NodeIndex client, StreamToken token,
                            std::expected<std::vector<std::byte>, StreamFailure> reply) {
  if (open_streams_.erase({client, token}) == 0) return;
  step(client, [this, client, token, reply](Swim& swim, Outbox& out) {
    if (reply) {
      swim.on_stream_reply(token, std::span<const std::byte>(*reply), local(client), out);
    } else {
      swim.on_stream_reply(token, std::unexpected(reply.error()), local(client), out);
    }
  });
}

void SimCluster::arm(NodeIndex index) {
  Node& node = nodes_[index];
  const Instant deadline = node.swim->next_deadline();
  if (node.life != Life::kRunning || deadline == node.timer) return;
  node.timer = deadline;
  const std::uint64_t generation = ++node.timer_generation;
  if (deadline == kNever) return;
  at(std::max(deadline + node.slept, now_), [this, index, generation] {
    if (nodes_[index].timer_generation != generation || nodes_[index].life != Life::kRunning) {
      return;
    }
    nodes_[index].timer = kNever;
    step(index, [this, index](Swim& swim, Outbox& out) { swim.on_tick(local(index), out); });
    if (nodes_[index].swim->next_deadline() <= local(index))
      fail(index, "a tick left something due");
  });
}

void SimCluster::note(NodeIndex node, const MemberEvent& event) {
  trace_ = mix(trace_, static_cast<std::uint64_t>(event.type) + event.member.short_id());
  nodes_[node].events.emplace_back(now_, event);
  const auto subject = process_with(event.member.short_id());
  if (!subject || nodes_[*subject].life == Life::kGone ||
      nodes_[*subject].swim->members().self().state == MemberState::kLeft)
    return;
  if (event.type == MemberEventType::kFailed) ++false_deaths_;
  if (event.type == MemberEventType::kSuspected) ++false_suspicions_;
}

void SimCluster::note_claims(NodeIndex node, std::uint64_t sender,
                             const std::vector<Claim>& claims) {
  // Who has left believes nothing any more, and nobody believes doubt of a suspect's.
  const bool has_left = nodes_[node].swim->members().self().state == MemberState::kLeft;
  if (!options_.checks_invariants || has_left || sender == nodes_[node].id) return;
  const Member* source = nodes_[node].swim->members().find(sender);
  const Instant trusted = local(node) - View::kTrustAfter;
  const bool may_accuse =
      nodes_[node].swim->members().self().since > trusted ||
      (source != nullptr && source->state == MemberState::kAlive && source->since <= trusted);
  for (const Claim& claim : claims) {
    if (nodes_[node].swim->members().find(claim.subject) == nullptr) continue;
    const bool is_doubt = claim.state == MemberState::kSuspect || claim.state == MemberState::kDead;
    if (is_doubt && !may_accuse) continue;
    if (claim.subject == nodes_[node].id) continue;
    std::uint64_t& seen = nodes_[node].seen[claim.subject];
    seen = std::max(seen, strength(claim.state, claim.incarnation));
  }
}

void SimCluster::check(NodeIndex index) {
  Node& node = nodes_[index];
  const MemberTable& table = node.swim->members();
  MemberCounts counts;
  for (const Member& member : table.all()) {
    const std::uint64_t id = member.short_id();
    const std::uint64_t now_believed = strength(member.state, member.incarnation);
    std::uint64_t& before = node.believed[id];
    const std::string about = " about " + member.profile.name;
    if (now_believed < before) fail(index, "belief fell" + about);
    before = now_believed;
    const auto seen = node.seen.find(id);
    if (seen != node.seen.end() && now_believed < seen->second) {
      fail(index, "a stronger claim was not believed" + about + ": " +
                      std::to_string(now_believed) + " < " + std::to_string(seen->second));
    }
    const bool is_suspect = member.state == MemberState::kSuspect;
    if (is_suspect == member.suspected_by.empty()) fail(index, "accusers do not fit state" + about);
    if (member.is_self != (id == node.id)) fail(index, "self is somebody else");
    const auto owner = process_with(id);
    if (owner && member.incarnation > nodes_[*owner].swim->members().self().incarnation) {
      fail(index, "an incarnation that its owner never had" + about);
    }
    counts.alive += member.state == MemberState::kAlive ? 1 : 0;
    counts.suspect += is_suspect ? 1 : 0;
  }
  if (counts.alive != table.counts().alive || counts.suspect != table.counts().suspect) {
    fail(index, "counts do not fit rows");
  }
  const Swim::Load load = node.swim->load();
  const bool is_bounded =
      load.rumors <= table.size() + load.burials + 1 && load.streams <= 4 * table.size() + 64 &&
      load.burials <= Burials::kMaxBurials && table.size() <= options_.config.max_members;
  if (!is_bounded) fail(index, "more is kept than is allowed");
}

bool SimCluster::may_reach(NodeIndex a, NodeIndex b) const {
  const auto is_there = [&](NodeIndex node) {
    return nodes_[node].life == Life::kRunning &&
           nodes_[node].swim->members().self().state != MemberState::kLeft;
  };
  return options_.network.loss <= kMostLossToReach && is_there(a) && is_there(b) && !is_cut(a, b) &&
         !is_cut(b, a);
}

void SimCluster::check_burials() {
  next_burial_check_ = now_ + std::chrono::seconds(1);
  for (NodeIndex observer = 0; observer < nodes_.size(); ++observer) {
    for (NodeIndex subject = 0; subject < nodes_.size(); ++subject) {
      std::map<NodeIndex, Instant>& buried = nodes_[observer].buried;
      if (!may_reach(observer, subject) || state_of(observer, subject) != MemberState::kDead) {
        buried.erase(subject);
        continue;
      }
      const Instant since = buried.try_emplace(subject, now_).first->second;
      if (now_ - since > kBuriedAtMost) {
        fail(observer, "holds a live process dead for too long: " + nodes_[subject].name);
      }
    }
  }
}

void SimCluster::fail(NodeIndex node, const std::string& what) {
  if (violation_.empty()) violation_ = nodes_[node].name + ": " + what + "\n" + describe();
}

std::optional<MemberState> SimCluster::state_of(NodeIndex observer, NodeIndex subject) const {
  const Member* member = nodes_[observer].swim->members().find(nodes_[subject].id);
  return member == nullptr ? std::nullopt : std::optional(member->state);
}

bool SimCluster::is_converged() const {
  std::optional<std::uint64_t> digest;
  const auto running =
      static_cast<std::size_t>(std::ranges::count(nodes_, Life::kRunning, &Node::life));
  for (const Node& node : nodes_) {
    if (node.life != Life::kRunning) continue;
    const MemberTable& table = node.swim->members();
    if (table.counts().alive != running || table.counts().suspect != 0) return false;
    if (digest.value_or(table.view_digest()) != table.view_digest()) return false;
    digest = table.view_digest();
  }
  return true;
}

bool SimCluster::all_hold(NodeIndex subject, MemberState state) const {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    if (i != subject && nodes_[i].life == Life::kRunning && state_of(i, subject) != state)
      return false;
  }
  return true;
}

std::size_t SimCluster::count_events(NodeIndex observer, MemberEventType type,
                                     std::optional<NodeIndex> subject) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(nodes_[observer].events, [&](const auto& entry) {
        const MemberEvent& event = entry.second;
        return event.type == type && (!subject || event.member.short_id() == nodes_[*subject].id);
      }));
}

std::optional<SimCluster::NodeIndex> SimCluster::process_at(const Endpoint& endpoint) const {
  for (NodeIndex i = nodes_.size(); i > 0; --i) {
    if (nodes_[i - 1].endpoint == endpoint && nodes_[i - 1].life != Life::kGone) return i - 1;
  }
  return std::nullopt;
}

std::optional<SimCluster::NodeIndex> SimCluster::process_with(std::uint64_t id) const {
  const auto found = std::ranges::find(nodes_, id, &Node::id);
  if (found == nodes_.end()) return std::nullopt;
  return static_cast<NodeIndex>(found - nodes_.begin());
}

bool SimCluster::draw(double probability) {
  return probability > 0 && std::uniform_real_distribution<>(0, 1)(random_) < probability;
}

Duration SimCluster::draw_delay() {
  const Network& network = options_.network;
  std::uniform_int_distribution<Duration::rep> delay(network.delay_min.count(),
                                                     network.delay_max.count());
  return Duration(delay(random_));
}

/// Three one-way trips, connect and data, each lost segment made up for by TCP after a second (SYN)
/// or 200 ms.
Duration SimCluster::draw_stream_delay() {
  Duration delay = 3 * draw_delay();
  if (draw(2 * options_.network.loss)) delay += std::chrono::seconds(1);
  if (draw(options_.network.loss)) delay += std::chrono::milliseconds(200);
  return delay;
}

std::string SimCluster::describe() const {
  std::ostringstream text;
  text << "seed " << options_.seed << " at " << seconds(now_) << " s\n";
  for (const Node& node : nodes_) {
    constexpr std::array kLife{"", " (stalled)", " (suspended)", " (gone)"};
    text << "  " << node.name << " at " << to_string(node.endpoint)
         << kLife[static_cast<std::size_t>(node.life)] << " sees";
    for (const Member& member : node.swim->members().all()) {
      text << ' ' << member.profile.name << '=' << to_string(member.state) << '/'
           << member.incarnation;
    }
    text << "; health " << node.swim->counters().health_score << '\n';
    for (const auto& [at, event] : node.events) {
      text << "    " << seconds(at) << ' ' << to_string(event.type) << ' '
           << event.member.profile.name << ": " << event.evidence << '\n';
    }
  }
  return text.str();
}

}  // namespace hogwild::membership::sim
