#include "daemon/node.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdio>
#include <random>

#include "daemon/exit_code.hpp"
#include "daemon/live_line.hpp"
#include "daemon/load_display.hpp"
#include "daemon/node_backend.hpp"
#include "daemon/node_background.hpp"
#include "daemon/socket_address.hpp"
#include "daemon/terminal.hpp"
#include "daemon/version.hpp"
#include "sgd/data/source.hpp"

namespace hogwild::daemon {
namespace {

namespace asio = boost::asio;
namespace ip = asio::ip;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Holds 2,900 datagrams: what 32 nodes send while this one is busy for a turn.
constexpr int kReceiveBufferBytes = 8 << 20;
/// Of ports that the system chooses.
constexpr int kMostPortsTried = 50;
/// A flush that may not be sent yet is looked at again so soon.
constexpr milliseconds kSoon{1};
/// When rows that a rate held back are released.
constexpr milliseconds kShortSupply{20};
/// A host that was suspended for longer has missed what was said to it.
constexpr seconds kSleep{1};
constexpr std::uint64_t kRoundMs = 20;   // of a synchronous run, unless the user says
constexpr seconds kKeysLook{5};          // between looks at the key file
constexpr milliseconds kLivePause{250};  // between two looks of the line on a terminal

std::uint64_t random_word() {
  static std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

std::uint64_t unix_ms() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

/// How long this host was suspended since it started: what the boot clock counts and the monotonic
/// clock does not.
std::chrono::nanoseconds time_asleep() {
  const auto read = [](clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto boot = read(CLOCK_BOOTTIME);  // first: a pause in between must not look like sleep
  return boot - read(CLOCK_MONOTONIC);
}

/// The first address that a name has; throws with the flag and the value.
ip::address resolve(asio::io_context& context, const HostPort& at, std::string_view flag) {
  boost::system::error_code error;
  ip::udp::resolver resolver(context);
  const auto found = resolver.resolve(at.host, std::to_string(at.port), error);
  if (error || found.empty()) {
    throw std::runtime_error(
        fmt::format("--{} {}: the host cannot be resolved: {}", flag, at.text(), error.message()));
  }
  return found.begin()->endpoint().address();
}

/// The address that others would see: that of the interface which the route to `toward` takes.
std::optional<ip::address> outgoing_address(asio::io_context& context, const ip::address& toward) {
  boost::system::error_code error;
  const ip::udp::endpoint there(toward, 9);
  ip::udp::socket socket(context);
  socket.open(there.protocol(), error);
  if (!error) socket.connect(there, error);  // sends nothing
  const auto local = error ? ip::udp::endpoint() : socket.local_endpoint(error);
  if (error || local.address().is_unspecified()) return std::nullopt;
  return local.address();
}

}  // namespace

// ── Start ──

Node::Node(NodeOptions options, KeyRing keys, std::optional<sgd::Checkpoint> checkpoint,
           ServiceManager service, Logging& log, std::shared_ptr<const InitialModel> initial)
    : options_(std::move(options)),
      log_(log),
      service_(std::move(service)),
      initial_(std::move(initial)),
      start_time_unix_ms_(unix_ms()),
      started_at_(Clock::now()),
      asleep_(time_asleep()),
      id_(membership::NodeId::from_words(random_word(), random_word())),
      random_seed_(random_word()),
      wake_(context_),
      timer_(context_),
      alone_timer_(context_),
      watchdog_timer_(context_),
      keys_timer_(context_),
      live_timer_(context_),
      checkpoint_timer_(context_),
      signals_(context_, SIGTERM, SIGINT),
      load_timer_(context_),
      first_keys_(std::move(keys)) {
  // Without a key there is nothing to read again; a terminal that hangs up ends the process then.
  if (!options_.key_file.empty() || service_.is_there()) signals_.add(SIGHUP);
  const ip::address bind = resolve(context_, options_.gossip, "gossip");
  try {
    open_gossip(bind);
    data_port_ =
        std::make_unique<UdpPort>(context_, ip::udp::endpoint(bind, 0), kReceiveBufferBytes, true);
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error(fmt::format("--gossip {}: cannot listen there: {}",
                                         options_.gossip.text(), error.code().message()));
  }
  if (options_.name.empty()) {
    options_.name = default_node_name(host_name(), options_.gossip.port);
  }
  if (options_.out.empty()) options_.out = default_output_directory(options_.name);

  backend_ = std::make_unique<NodeBackend>(*this);
  http::ServerOptions http;
  http.address = resolve(context_, options_.http, "http").to_string();
  http.port = options_.http.port;
  http.clock = [] { return Clock::now(); };
  http.wall_clock = [] { return std::chrono::floor<seconds>(std::chrono::system_clock::now()); };
  http.access = backend_->access();
  http.instance = membership::to_string(id_);
  auto server = http::Server::listen(context_, std::move(http), *backend_);
  if (!server) throw std::runtime_error("--http " + options_.http.text() + ": " + server.error());
  server_ = std::move(*server);
  options_.http.port = server_->local_endpoint().port;

  if (!options_.state.empty()) {
    if (const auto prepared = prepare_directory(options_.state); !prepared) {
      throw std::runtime_error("--state " + prepared.error());
    }
    claim_state();
  }
  core_ = std::make_unique<NodeCore>(core_options(), started_at_);
  if (checkpoint) core_->run().offer_checkpoint(std::move(*checkpoint));
}

// TCP and UDP at one port. A port that the system chose for the one may be taken for the other:
// then another is tried.
void Node::open_gossip(const ip::address& bind) {
  for (int left = options_.gossip.port == 0 ? kMostPortsTried : 1; left > 0; --left) {
    streams_ =
        std::make_unique<StreamPort>(context_, ip::tcp::endpoint(bind, options_.gossip.port));
    try {
      gossip_port_ = std::make_unique<UdpPort>(context_, ip::udp::endpoint(bind, streams_->port()),
                                               kReceiveBufferBytes / 8, false);
      break;
    } catch (const boost::system::system_error&) {
      if (left == 1) throw;
    }
  }
  options_.gossip.port = streams_->port();
}

Node::~Node() {
  background_.stop();
  background_.join();
  if (state_lock_ >= 0) ::close(state_lock_);
}

membership::Endpoint Node::advertised() {
  const std::uint16_t own_port = options_.gossip.port;
  if (options_.advertise) {
    const std::uint16_t port = options_.advertise->port == 0 ? own_port : options_.advertise->port;
    return to_endpoint(resolve(context_, *options_.advertise, "advertise"), port);
  }
  const ip::address bound = resolve(context_, options_.gossip, "gossip");
  if (!bound.is_unspecified()) return to_endpoint(bound, own_port);
  // Bound to every interface: the one that leads to a seed, else to the world.
  std::optional<ip::address> found;
  for (const HostPort& seed : options_.join) {
    boost::system::error_code error;
    ip::udp::resolver resolver(context_);
    const auto addresses = resolver.resolve(seed.host, std::to_string(seed.port), error);
    if (!found && !error && !addresses.empty()) {
      found = outgoing_address(context_, addresses.begin()->endpoint().address());
    }
  }
  if (!found) found = outgoing_address(context_, ip::make_address("192.0.2.1"));
  return to_endpoint(found.value_or(ip::make_address("127.0.0.1")), own_port);
}

NodeCoreOptions Node::core_options() {
  NodeCoreOptions core;
  core.self.id = id_;
  core.self.name = options_.name;
  core.self.gossip = advertised();
  core.self.start_time_unix_ms = start_time_unix_ms_;
  core.self.meta = meta(first_keys_);
  core.cluster = options_.cluster;
  core.keys = std::exchange(first_keys_, {});
  core.run = run_options();
  // Giving data leaves the other half of the link to training.
  core.donor_bytes_per_second = static_cast<double>(options_.bandwidth_bits_per_second) / 8 / 2;
  core.random_seed = random_seed_;
  return core;
}

std::vector<std::byte> Node::meta(const KeyRing& keys) const {
  // Behind a router that maps the gossip port to another one, no other port can be reached: deltas
  // come to the gossip socket then, and membership has to share it.
  const bool is_mapped = options_.advertise && options_.advertise->port != 0 &&
                         options_.advertise->port != options_.gossip.port;
  const std::uint16_t data_port = is_mapped ? options_.advertise->port : data_port_->port();
  MemberMeta meta{data_port, options_.http.text(), std::string(version()), {}};
  for (const ClusterKey& key : keys) meta.keys.push_back(key.id);
  return encode_meta(meta);
}

sgd::RunOptions Node::run_options() const {
  const LearnOptions& learn = options_.learn;
  const auto to_interval = [](const Interval& interval) {
    if (interval.counts_updates()) return sgd::Interval{true, interval.updates};
    const auto ms = std::chrono::duration_cast<milliseconds>(interval.time).count();
    return sgd::Interval{false, static_cast<std::uint64_t>(std::max<std::int64_t>(1, ms))};
  };
  sgd::RunOptions run;
  sgd::RunSettings& settings = run.settings;
  if (options_.mode == NodeMode::kSync) settings.mode = "sync";
  settings.loss = learn.loss;
  settings.lambda = learn.lambda;
  settings.l1 = learn.l1;
  settings.class_weight = learn.class_weight;
  settings.shape = learn.shape;
  if (initial_) settings.init = initial_->fingerprint;
  settings.bias = learn.bias;
  settings.probabilities = learn.probabilities;
  run.recipe = learn.recipe_text;
  settings.recipe = sgd::recipe_id(run.recipe);
  settings.epochs = options_.stop.epochs.value_or(0);
  settings.updates = options_.stop.updates.value_or(0);
  settings.min_loss = options_.stop.min_loss.value_or(0);
  settings.early_stopping = options_.stop.early_stopping;
  if (options_.stop.max_time) {
    settings.max_time_s = std::chrono::duration<double>(*options_.stop.max_time).count();
  }
  settings.loss_interval = to_interval(options_.loss_interval);
  settings.broadcast_interval = to_interval(options_.broadcast_interval);
  if (options_.mode == NodeMode::kSync && !options_.given.contains("broadcast-interval")) {
    settings.broadcast_interval = {false, kRoundMs};
  }
  settings.expect = options_.expect;
  settings.is_sharded = options_.shard;
  settings.seed = learn.seed.value_or(random_word());
  for (const auto& [name, value] : settings.items()) {
    // `idle` is a role of this node, which contradicts no run.
    if (options_.given.contains(name) && name != "mode") run.given[name] = value;
  }
  run.must_meet_peer = !options_.join.empty();
  run.trains = options_.mode != NodeMode::kIdle;
  run.rate_limit = options_.rate.value_or(0);
  run.needs_majority = options_.quorum == Quorum::kMajority;
  return run;
}

int Node::run() {
  const auto& self = core_->swim().members().self().profile;
  log_.event(LogLevel::kMinimal, "started",
             {{"name", options_.name},
              {"id", membership::to_string(id_)},
              {"gossip", membership::to_string(self.gossip)},
              {"http", "http://" + options_.http.text()},
              {"cluster", options_.cluster},
              {"version", version()},
              {"sealed_with", core_->channel().is_sealed()
                                  ? key_id_text(core_->channel().keys().front().id)
                                  : "nothing"}});
  for (const std::string& notice : options_.notices)
    log_.event(LogLevel::kEvaluations, "notice", {{"text", notice}});

  const auto receive = [this](const membership::Endpoint& from, std::span<const std::byte> bytes) {
    traffic_log_.received(from, bytes.size());
    core_->on_datagram(from, bytes, Clock::now(), out_box_);
  };
  const auto unreachable = [this](const membership::Endpoint& to) {
    core_->on_port_unreachable(to, Clock::now(), out_box_);
  };
  gossip_port_->start(options_.fault, receive, unreachable, [this] { turn(); });
  FaultSpec data_fault = options_.fault;
  data_fault.seed ^= 0x9e3779b9U;  // another sequence of draws
  data_port_->start(data_fault, receive, unreachable, [this] { turn(); });
  streams_->start([this](const membership::Endpoint& from, std::span<const std::byte> request) {
    Bytes reply = core_->on_stream_request(from, request, Clock::now(), out_box_);
    asio::post(context_, [this] { turn(); });
    return reply;
  });
  wake_.start([this] { on_wake(); });
  SeedFinder::Node finder;
  finder.join = [this](const membership::Endpoint& seed) {
    if (is_leaving_) return;
    core_->join(seed, Clock::now(), out_box_);
    turn();
  };
  finder.is_met = [this](const membership::Endpoint& seed) {
    return std::ranges::any_of(core_->swim().members().all(), [&](const auto& member) {
      return member.is_live() && member.profile.gossip == seed;
    });
  };
  finder.is_alone = [this] { return core_->swim().members().counts().live() < 2; };
  seeds_ = std::make_unique<SeedFinder>(context_, options_.join, std::move(finder));
  seeds_->start();
  recall_peers();
  complain_while_alone();
  if (log_.has_live_line()) keep_live_line();
  const auto wait_for_signal = [this](auto again) -> void {
    signals_.async_wait([this, again](const boost::system::error_code& error, int signal) {
      if (error) return;
      on_signal(signal);
      again(again);
    });
  };
  wait_for_signal(wait_for_signal);
  load_data(options_.learn);
  service_.tell("READY=1\nSTATUS=http://" + options_.http.text());
  feed_watchdog();
  watch_keys();
  keep_checkpoints();
  turn();
  context_.run();
  if (is_loading_) {  // nobody waits for data that nobody wants, and loading cannot be interrupted
    log_.drain();
    std::fflush(nullptr);
    ::_exit(exit_code_);
  }
  return exit_code_;
}

// ── Turns ──

void Node::turn() {
  if (is_over_) return;
  const Instant now = Clock::now();
  const auto asleep = time_asleep();
  if (asleep - asleep_ > kSleep) {
    log_.event(LogLevel::kMembership, "host_slept",
               {{"seconds", std::chrono::duration<double>(asleep - asleep_).count()}});
    core_->woke(now, out_box_);
    asleep_ = asleep;
  }
  core_->on_tick(now, out_box_);
  if (session_ && session_->rounds) {
    work_round(now);
  } else if (session_ && now >= next_flush_) {
    flush(now);
  } else if (session_ &&
             (now >= next_feed_ || session_->pace.wants_rows.load(std::memory_order_relaxed))) {
    core_->with_run(now, out_box_, [&](sgd::Run& run, sgd::RunOutbox&) { feed(run, now); });
  }
  carry_out();
  check_end(now);
  backend_->tell_leaders();
  traffic_log_.tell(now);
  arm_timer();
}

void Node::arm_timer() {
  if (is_over_) return;
  Instant next = core_->next_deadline();
  if (session_ && !session_->rounds) next = std::min({next, next_flush_, next_feed_});
  if (is_leaving_) next = std::min(next, Clock::now() + milliseconds(10));
  if (next == armed_for_) return;  // most turns change no deadline
  armed_for_ = next;
  timer_.expires_at(next);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    armed_for_.reset();
    turn();
  });
}

// Workers want rows, or their work sent since one ran far ahead, or the last one has left.
void Node::on_wake() {
  if (session_ && !session_->pool.has_running()) workers_left();
  if (session_ && session_->pace.wants_flush.load(std::memory_order_relaxed)) {
    flush(Clock::now());
  }
  turn();
}

// A queue that is full will be asked to be filled again when half of it is taken: between two
// flushes fast workers take several times what it holds. Where a rate limits it more comes soon,
// however seldom news is sent.
void Node::feed(sgd::Run& run, Instant now) {
  session_->pace.wants_rows.store(false, std::memory_order_relaxed);
  const sgd::Supply supply = run.feed(session_->queue, now);
  must_flush_ = supply == sgd::Supply::kHeldBack;
  next_feed_ = supply == sgd::Supply::kShort ? now + kShortSupply : Instant::max();
  const std::uint64_t popped = session_->queue.popped();
  session_->pace.refill_at.store(supply == sgd::Supply::kFull
                                     ? popped + (session_->queue.pushed() - popped) / 2
                                     : sgd::Pace::kNever,
                                 std::memory_order_relaxed);
}

// What may be sent by now; unused allowance is kept for a fiftieth of a second.
bool Node::has_send_budget(Instant now) {
  const double bytes_per_s = static_cast<double>(options_.bandwidth_bits_per_second) / 8.0;
  const double passed = std::chrono::duration<double>(now - budget_at_).count();
  budget_at_ = now;
  send_budget_bytes_ = std::min(send_budget_bytes_ + passed * bytes_per_s, bytes_per_s / 50);
  return send_budget_bytes_ >= 0 || bytes_per_s <= 0;
}

void Node::spend(const sgd::RunOutbox& wanted) {
  const sgd::DatagramBatch& sent = wanted.broadcasts;
  send_budget_bytes_ -=
      static_cast<double>((sent.total_bytes() + sent.size() * core_->channel().overhead()) *
                          wanted.broadcast_to.size());
}

// The look-ahead of a round is fixed before its workers begin.
void Node::work_round(Instant now) {
  const bool may_send = has_send_budget(now);
  sgd::RoundBoard& board = *session_->rounds;
  if (!board.is_running()) {
    session_->pace.lookahead.store(static_cast<float>(core_->lookahead(Clock::now())),
                                   std::memory_order_relaxed);
  }
  core_->with_run(now, out_box_, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.work_round(session_->own, board, may_send, now, wanted);
    spend(wanted);
  });
}

void Node::flush(Instant now) {
  const sgd::RunInfo* info = core_->run().info();
  if (info == nullptr) return;
  const sgd::Interval& interval = info->settings.broadcast_interval;
  next_flush_ = now + (interval.in_updates ? kSoon : milliseconds(interval.amount));

  const bool may_send = has_send_budget(now);
  const auto unsent =
      static_cast<std::uint64_t>(session_->own.unsent_scalar(sgd::SumsLayout::kExamples));
  // A worker that waits, or rows that may not be released before, are served at once.
  const bool is_due = !interval.in_updates || unsent >= interval.amount || must_flush_ ||
                      session_->pace.wants_flush.load(std::memory_order_relaxed);
  core_->with_run(now, out_box_, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    if (is_due && may_send) {
      run.flush(session_->own, now, wanted);
      spend(wanted);
    }
    feed(run, now);
  });
  session_->pace.lookahead.store(static_cast<float>(core_->lookahead(Clock::now())),
                                 std::memory_order_relaxed);
  if (is_due && may_send) session_->pace.flushed();
}

// Carrying out may want more done; a call that comes from within joins the one under way.
void Node::carry_out() {
  if (is_carrying_out_) return;
  is_carrying_out_ = true;
  while (!out_box_.empty()) {
    std::swap(out_box_, spare_box_);
    NodeOutbox& wanted = spare_box_;
    for (const OutDatagrams& datagrams : wanted.datagrams) {
      const auto bytes = wanted.bytes_of(datagrams);
      traffic_log_.sent(datagrams.to, bytes.size(), datagrams.segment);
      (datagrams.is_data ? data_port_ : gossip_port_)->send(datagrams.to, bytes, datagrams.segment);
    }
    for (OutStream& stream : wanted.streams) {
      streams_->request(stream.to, std::move(stream.bytes), stream.timeout,
                        [this, token = stream.token](auto reply) {
                          core_->on_stream_reply(token, reply, Clock::now(), out_box_);
                          turn();
                        });
    }
    for (const membership::MemberEvent& event : wanted.member_events) on_member_event(event);
    for (sgd::RunEvent& event : wanted.run_events) on_run_event(event);
    for (const RefusalEvent& refusal : wanted.refusals) on_refusal(refusal);
    for (FetchedPiece& piece : wanted.pieces) store(std::move(piece));
    wanted.clear();
  }
  is_carrying_out_ = false;
}

// ── End ──

void Node::on_signal(int signal) {
  if (signal == SIGHUP) return reload_keys();
  if (signal == SIGINT) {
    if (is_interrupted_) ::_exit(kInterrupted);
    is_interrupted_ = true;
  }
  log_.event(LogLevel::kMinimal, "leaving", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
  begin_leave(signal == SIGINT ? kInterrupted : kDone, "signal");
  turn();
}

// A file that cannot be used leaves the keys as they are: a typing error must not cut a node off.
void Node::reload_keys() {
  if (options_.key_file.empty()) return;  // a service that was told to reload
  std::error_code unreadable;
  keys_time_ = std::filesystem::last_write_time(options_.key_file, unreadable);
  auto keys = read_key_file(options_.key_file);
  if (!keys) {
    log_.warning("keys_kept", {{"reason", keys.error()}});
    return;
  }
  std::string accepted;
  for (const ClusterKey& key : *keys) {
    if (!accepted.empty()) accepted += ',';
    accepted += key_id_text(key.id);
  }
  log_.event(LogLevel::kMinimal, "keys_loaded",
             {{"seals_with", key_id_text(keys->front().id)}, {"accepts", accepted}});
  const auto told = meta(*keys);
  core_->set_keys(std::move(*keys), told, Clock::now(), out_box_);
  turn();
}

// A mounted secret changes without a signal.
void Node::watch_keys() {
  if (options_.key_file.empty()) return;
  std::error_code unreadable;
  const auto time = std::filesystem::last_write_time(options_.key_file, unreadable);
  if (keys_time_ == std::filesystem::file_time_type()) keys_time_ = time;
  if (!unreadable && time != keys_time_) reload_keys();
  keys_timer_.expires_after(kKeysLook);
  keys_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) watch_keys();
  });
}

void Node::begin_leave(int exit_code, std::string_view why) {
  if (exit_code != kDone) exit_code_ = exit_code;  // a good end does not hide an earlier failure
  if (is_leaving_) return;
  is_leaving_ = true;
  log_.event(LogLevel::kMembership, "leave_begins", {{"why", why}});
  service_.tell("STOPPING=1");
  core_->leave(Clock::now(), out_box_);
}

void Node::check_end(Instant now) {
  const sgd::Run& run = core_->run();
  const bool is_served = options_.on_finish == OnFinish::kServe;
  if (run.phase() == sgd::Phase::kDone && !is_leaving_) {
    upload_where_due();
    // Links that never came are null in the report.
    const bool may_report = is_exported_ && (run.links() || run.may_exit(now));
    if (may_report && !is_reported_) {
      is_reported_ = true;
      write_report("finished");
      print_result();
      finish_logs();
    }
    if (is_reported_ && run.may_exit(now) && !is_served) begin_leave(kDone, "finished");
  }
  if (is_leaving_ && core_->has_left(now) && !is_exporting_ && !saves_last_checkpoint()) {
    close_all();
  }
}

// A node that goes on serving has all files of the run as soon as one that ends.
void Node::finish_logs() {
  const auto finished = [this](const std::expected<void, std::string>& written) {
    if (!written) log_.warning("log_files_unfinished", {{"reason", written.error()}});
    has_all_files_ = true;
    backend_->tell_finished();
  };
  if (!out_ || options_.on_finish != OnFinish::kServe) return finished({});
  in_background([this] { return log_.finish_files(); }, finished);
}

void Node::close_all() {
  if (is_over_) return;
  is_over_ = true;
  session_.reset();
  if (out_ && !is_reported_) {
    write_report(has_failed_ ? "failed" : "left");
  }
  log_.event(LogLevel::kMinimal, "left", {{"exit_code", exit_code_}});
  if (out_) {
    if (const auto finished = log_.finish_files(); !finished) {
      log_.warning("log_files_unfinished", {{"reason", finished.error()}});
    }
  }
  timer_.cancel();
  alone_timer_.cancel();
  watchdog_timer_.cancel();
  keys_timer_.cancel();
  live_timer_.cancel();
  checkpoint_timer_.cancel();
  log_.show_live("");
  load_timer_.cancel();
  signals_.cancel();
  seeds_->close();
  wake_.close();
  gossip_port_->close();
  data_port_->close();
  streams_->close();
  uploader_.reset();
  server_->drain(seconds(1), [this] { context_.stop(); });
}

// Only while this thread takes its turns: a node that hangs is started again by its manager.
void Node::feed_watchdog() {
  const auto interval = service_.watchdog_interval();
  if (!interval) return;
  service_.tell("WATCHDOG=1");
  watchdog_timer_.expires_after(*interval);
  watchdog_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) feed_watchdog();
  });
}

// What a terminal shows below the log.
void Node::keep_live_line() {
  const TerminalSize size = terminal_size(STDERR_FILENO).value_or(TerminalSize{});
  if (is_loading_) {
    const std::chrono::duration<double> seconds = Clock::now() - started_at_;
    log_.show_live(load_line(load_counts(load_progress_, seconds.count())));
  } else {
    const sgd::RunInfo* info = core_->run().info();
    const unsigned expected = info == nullptr ? options_.expect : info->settings.expect;
    log_.show_live(live_line(backend_->status(), expected, size.columns - 1));
  }
  live_timer_.expires_after(kLivePause);
  live_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !is_over_) keep_live_line();
  });
}

// A node with seeds that meets nobody says why each 30 seconds, and gives up where it was told to.
void Node::complain_while_alone() {
  if (options_.join.empty()) return;
  const auto is_alone = [this] { return core_->swim().members().counts().live() < 2; };
  const auto pause = options_.join_timeout ? std::min<Duration>(*options_.join_timeout, seconds(30))
                                           : Duration(seconds(30));
  alone_timer_.expires_after(pause);
  alone_timer_.async_wait([this, is_alone](const boost::system::error_code& error) {
    if (error || !is_alone() || is_leaving_) return;
    std::string why = seeds_->problem();
    std::string seed = options_.join.front().text();
    if (const auto& refused_by = core_->refused_by(); !refused_by.empty()) {
      why = refusal_text(refused_by.back().reason, refused_by.back().version);
      seed = membership::to_string(refused_by.back().at);
    } else if (why.empty()) {
      why = "no answer";
    }
    log_.warning("join_fails", {{"reason", why}, {"seed", seed}});
    if (options_.join_timeout && Clock::now() - started_at_ >= *options_.join_timeout) {
      begin_leave(kRefused, "join timeout");
      turn();
      return;
    }
    complain_while_alone();
  });
}

}  // namespace hogwild::daemon
