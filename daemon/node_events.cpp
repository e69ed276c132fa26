// What the cores report: log lines, workers, evaluations.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>

#include "daemon/atomic_file.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/node.hpp"
#include "daemon/node_backend.hpp"
#include "daemon/node_background.hpp"
#include "daemon/peer_file.hpp"
#include "sgd/learn/candidate.hpp"

namespace hogwild::daemon {
namespace {

/// Changes that report.json lists; a longer run has the rest in its logs.
constexpr std::size_t kMostChanges = 10'000;

/// An evaluation may wait; the threads that train and the one that gossips should not. Affects the
/// calling thread alone, on Linux.
void lower_priority_of_this_thread() {
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10));
}

/// Measures every candidate of a state on the test rows: what `report` tells of them is the best
/// one's.
void measure_candidates(const sgd::SumsImage& image, const sgd::Rule& rule,
                        const sgd::TrainingRows& test, unsigned threads,
                        sgd::EvaluationReport& report) {
  std::vector<sgd::Evaluation> found;
  std::vector<double> losses;
  for (std::uint32_t candidate = 0; candidate < rule.candidate_count(); ++candidate) {
    const sgd::Weights weights = sgd::weights_of(image, rule, candidate);
    found.push_back(sgd::evaluate(weights, test, rule.loss, threads, rule.class_weight));
    losses.push_back(found.back().mean_loss);
    if (rule.candidate_count() == 1) break;  // nothing to choose
    report.candidates.push_back({found.back().mean_loss, found.back().accuracy()});
  }
  report.candidate = sgd::best_candidate(losses, rule.lambda).value_or(report.candidate);
  const sgd::Evaluation& best = found[report.candidate];
  report.test_loss = best.mean_loss;
  report.test_accuracy = best.accuracy();
  if (best.f1) {
    report.micro_f1 = best.f1->micro;
    report.macro_f1 = best.f1->macro;
  }
}

std::string_view log_name(membership::MemberEventType type) {
  using Type = membership::MemberEventType;
  switch (type) {
    case Type::kJoined:
      return "member_joined";
    case Type::kSuspected:
      return "member_suspect";
    case Type::kRefuted:
      return "member_refuted";
    case Type::kFailed:
      return "member_failed";
    case Type::kReturned:
      return "member_returned";
    case Type::kLeft:
      return "member_left";
    case Type::kMetaChanged:
      return "member_changed";
    case Type::kReaped:
      return "member_reaped";
    case Type::kNameConflict:
      return "name_in_use";
    case Type::kExpelled:
      return "expelled";
  }
  return "member_event";
}

}  // namespace

void Node::on_member_event(const membership::MemberEvent& event) {
  using Type = membership::MemberEventType;
  const std::string_view name = log_name(event.type);
  const std::string& member = event.member.profile.name;
  log_.event(LogLevel::kMembership, name,
             {{"name", member},
              {"id", membership::to_string(event.member.profile.id)},
              {"incarnation", event.member.incarnation},
              {"gossip", membership::to_string(event.member.profile.gossip)},
              {"evidence", event.evidence}});
  if (member_changes_.size() < kMostChanges) {
    member_changes_.push_back(
        {utc_text(std::chrono::system_clock::now()), member, std::string(name), event.evidence});
  }
  backend_->tell_member(event, name);
  remember_peers();
  if (event.type == Type::kNameConflict) {
    log_.warning("name_in_use", {{"name", options_.name},
                                 {"holder", membership::to_string(event.member.profile.gossip)},
                                 {"hint", "give this node another --name"}});
    begin_leave(kRefused, "name in use");
  } else if (event.type == Type::kExpelled) {
    fail("the cluster holds that this process has left; start it again");
  }
}

std::string refusal_text(Refusal reason, std::uint8_t version) {
  switch (reason) {
    case Refusal::kOtherVersion:
      return fmt::format("it speaks version {} of the protocol, this node version {}", version,
                         protocol_version());
    case Refusal::kOtherCluster:
      return "it belongs to another cluster, see --cluster";
    case Refusal::kNotSealed:
      return "its cluster has a key and this node has none, see --key-file";
    case Refusal::kSealed:
      return "its cluster has no key and this node has one, see --key-file";
    case Refusal::kUnknownKey:
      return "it does not have the key that this node seals with, see --key-file";
    default:
      return fmt::format("it takes nothing from this node: {}", to_string(reason));
  }
}

void Node::on_refusal(const RefusalEvent& refusal) {
  const auto from = membership::to_string(refusal.from);
  if (refusal.by_other) {
    log_.warning("refused_by_peer", {{"peer", from},
                                     {"reason", to_string(refusal.reason)},
                                     {"means", refusal_text(refusal.reason, refusal.version)}});
    return;
  }
  const auto index = static_cast<std::size_t>(refusal.reason);
  log_.warning("traffic_refused", {{"peer", from},
                                   {"reason", to_string(refusal.reason)},
                                   {"total", core_->traffic().refused_total[index]}});
}

// Candidates to join through, as if the user had named them; but a node that was told of nobody
// need not meet one of them before it begins.
void Node::recall_peers() {
  if (options_.state.empty()) return;
  const auto peers = read_peers(options_.state);
  if (!peers) {
    log_.warning("peers_forgotten", {{"reason", peers.error()}});
    return;
  }
  for (const RememberedPeer& peer : *peers) seeds_->add(peer.gossip);
  if (!peers->empty()) {
    log_.event(LogLevel::kMembership, "peers_remembered", {{"count", peers->size()}});
  }
}

// Who has left is not asked again; who is dead may only be out of reach.
void Node::remember_peers() {
  if (options_.state.empty() || is_over_) return;
  if (is_saving_peers_) {
    must_save_peers_ = true;
    return;
  }
  std::vector<RememberedPeer> peers;
  for (const membership::Member& member : core_->swim().members().all()) {
    if (member.is_self || member.state == membership::MemberState::kLeft) continue;
    const auto gossip = parse_host_port(membership::to_string(member.profile.gossip));
    if (gossip) peers.push_back({*gossip, member.profile.name});
  }
  if (peers.empty()) return;  // alone again: the last ones known are better than none
  is_saving_peers_ = true;
  in_background(
      [text = peers_text(peers), path = peer_file_path(options_.state)] {
        return write_file_atomically(path, text);
      },
      [this](const std::expected<void, std::string>& written) {
        is_saving_peers_ = false;
        if (!written) log_.warning("peers_unsaved", {{"reason", written.error()}});
        if (std::exchange(must_save_peers_, false)) remember_peers();
      });
}

void Node::on_run_event(sgd::RunEvent& event) {
  using Type = sgd::RunEventType;
  switch (event.type) {
    case Type::kCreated:
      log_.event(LogLevel::kMembership, "run_created", {{"run", event.detail}});
      break;
    case Type::kResumed:
      log_.event(LogLevel::kMinimal, "run_resumed",
                 {{"from", event.detail},
                  {"run", fmt::format("{:016x}", core_->run().info()->id)},
                  {"updates", core_->run().replica()->sums().examples()},
                  {"digest", fmt::format("{:016x}", core_->run().replica()->digest())}});
      break;
    case Type::kWaiting:
      log_.event(LogLevel::kEvaluations, "resume_waits",
                 {{"reason", event.detail}, {"at_most_seconds", 20}});
      break;
    case Type::kJoined:
      run_joined();
      break;
    case Type::kPartGone:
      log_.warning("part_gone", {{"name", core_->name_of(event.peer)}, {"rows", event.detail}});
      break;
    case Type::kStartTraining:
      start_training();
      break;
    case Type::kStopTraining:
      if (session_ && !session_->is_stopping) {
        session_->is_stopping = true;
        session_->pool.stop();  // the last worker wakes this thread
      }
      break;
    case Type::kEvaluate:
      evaluate(std::move(*event.evaluation));
      break;
    case Type::kPoint:
      log_point();
      backend_->tell_evaluations();
      break;
    case Type::kStopping:
      log_.event(LogLevel::kEvaluations, "stopping",
                 {{"reason", event.detail}, {"by", core_->name_of(event.peer)}});
      break;
    case Type::kConfirmed:
      log_.event(LogLevel::kMembership, "final_state_confirmed",
                 {{"digest", fmt::format("{:016x}", core_->run().replica()->digest())},
                  {"finisher", core_->name_of(event.peer)}});
      break;
    case Type::kDone:
      export_results();
      break;
    case Type::kLinks:
      log_.event(LogLevel::kMembership, "links_known");
      break;
    case Type::kRefused:
      log_.warning(
          "refused_by_run",
          {{"reason", event.detail},
           {"hint", "start it with what the run has, or with another --cluster or --state"}});
      begin_leave(kRefused, "refused");
      break;
    case Type::kAdopted:
      log_.warning("run_given_up", {{"for", event.detail}, {"reason", "two islands met"}});
      break;
    case Type::kFellBehind:
      log_.event(LogLevel::kMembership, "fell_behind", {{"asking", core_->name_of(event.peer)}});
      break;
    case Type::kCrowded:
      log_.warning("run_is_crowded",
                   {{"reason", "as many processes as it may have published in this run"},
                    {"hint", "this node follows without training"}});
      break;
    case Type::kPassedOver:
      log_.warning("nominee_passed_over",
                   {{"node", core_->name_of(event.peer)},
                    {"reason", "it does not measure, stop or end the run where that is due"}});
      break;
    case Type::kWorkLost:
      log_.warning("work_lost", {{"lost", event.detail}, {"reason", "fell behind"}});
      break;
    case Type::kDigestMismatch:
      log_.warning("digest_mismatch",
                   {{"with", core_->name_of(event.peer)},
                    {"hint", "equal datagrams gave different sums: a bug or a broken machine"}});
      break;
    case Type::kRound: {
      const sgd::RoundSummary& round = core_->run().last_round();
      round_duration_.observe(round.seconds);
      log_.event(LogLevel::kMembership, "round",
                 {{"number", round.round},
                  {"contributors", round.contributors},
                  {"updates", round.examples},
                  {"seconds", round.seconds}});
      break;
    }
    case Type::kCoordinator:
      log_.event(LogLevel::kMembership, "coordinator",
                 {{"name", core_->name_of(event.peer)},
                  {"term", core_->run().rounds()->ballot().term},
                  {"why", event.detail}});
      break;
    case Type::kLeaderless:
      log_.event(LogLevel::kMembership, "coordinator_lost",
                 {{"name", core_->name_of(event.peer)}, {"why", event.detail}});
      break;
    case Type::kLineage:
      log_.warning("lineage_given_up", {{"reason", event.detail}});
      break;
    case Type::kOverflow:
      log_.warning("overflow", {{"reason", event.detail}});
      break;
  }
}

void Node::run_joined() {
  const sgd::RunInfo& info = *core_->run().info();
  rule_ = std::make_shared<const sgd::Rule>(info.rule());
  log_.event(LogLevel::kMembership, "run_joined",
             {{"run", fmt::format("{:016x}", info.id)},
              {"rows", info.constants.rows},
              {"features", info.constants.metric.size()},
              {"updates", core_->run().replica()->sums().examples()},
              {"seed", info.settings.seed}});
  if (options_.mode == NodeMode::kIdle) return;
  if (!out_) {
    if (const auto prepared = prepare_directory(options_.out); !prepared) {
      log_.warning("out_unusable", {{"reason", prepared.error()}});
      return begin_leave(kFailed, "out");
    }
    out_ = options_.out;
    if (const auto opened = log_.open_files(*out_); !opened) {
      log_.warning("log_files_unusable", {{"reason", opened.error()}});
    }
  }
  get_data_of_run();
  offer_data();
}

void Node::start_training() {
  session_ = std::make_unique<TrainingSession>(
      data_->train->rows, *rule_, core_->run().replica()->sums(),
      sgd::kernels_of(options_.learn.instructions), options_.learn.threads, options_.learn.pin,
      core_->run().rounds() != nullptr, [this] { wake_.raise(); });
  const Instant now = Clock::now();
  budget_at_ = now;
  session_->pace.lookahead.store(static_cast<float>(core_->lookahead(Clock::now())));
  if (!session_->rounds) feed(core_->run(), now);
  next_flush_ = now;
  session_->pool.start();
  log_.event(LogLevel::kMembership, "training_started",
             {{"threads", options_.learn.threads},
              {"instructions", sgd::to_string(options_.learn.instructions)}});
}

void Node::workers_left() {
  session_->pool.join();
  const bool has_fault = session_->pace.has_fault.load();
  nonzeros_before_ += session_->pool.nonzeros();
  updates_before_ += session_->own.examples_made();
  // The session ends with the call: what its workers left is published in it.
  const auto session = std::move(session_);
  core_->with_run(Clock::now(), out_box_, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.workers_stopped(&session->own, Clock::now(), wanted);
  });
  // Nothing is published after a value that no sum can hold: this node says goodbye instead.
  if (has_fault) fail("training left the range of its numbers: values of the rows are too large");
}

void Node::evaluate(sgd::EvaluationRequest request) {
  struct Measured {
    sgd::EvaluationReport report;
    double seconds;
  };
  const unsigned threads = request.is_final ? options_.learn.threads : 1;
  const auto in_order = core_->run().has_rows_in_order() ? data_ : nullptr;
  in_background(
      [data = in_order, rule = rule_, calibrating = held_back(*core_->run().info()),
       request = std::move(request), threads, is_sharded = core_->run().info()->settings.is_sharded,
       this] {
        lower_priority_of_this_thread();
        const auto start = Clock::now();
        sgd::EvaluationReport report{.number = request.number};
        report.candidate = request.candidate;
        if (data && data->test) {
          measure_candidates(request.image, *rule, *data->test, threads, report);
        }
        const sgd::Weights weights = sgd::weights_of(request.image, *rule, report.candidate);
        // Of private parts no node can measure the whole.
        if (request.is_final && data && data->train && !is_sharded) {
          const sgd::TrainingRows& rows = data->train->rows;
          const auto fit = sgd::evaluate(weights, rows, {0, calibrating.first}, rule->loss, threads,
                                         rule->class_weight);
          report.objective = sgd::objective(weights, *rule, fit.mean_loss, report.candidate);
          if (calibrating.count() > 0) {
            report.sigmoids = sgd::fit_sigmoids(weights, rows, calibrating);
          }
        }
        if (request.is_final && data && data->test) {
          report.measures = sgd::measure(
              weights, *data->test,
              sgd::sigmoids_of(rule->loss, report.sigmoids, weights.column_count()), threads);
        }
        return Measured{report, std::chrono::duration<double>(Clock::now() - start).count()};
      },
      [this](const Measured& measured) {
        evaluation_duration_.observe(measured.seconds);
        core_->with_run(Clock::now(), out_box_, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
          run.evaluated(measured.report, Clock::now(), wanted);
        });
        turn();
      });
}

namespace {

/// Updates a second of the cluster between two evaluations: what was made, whoever was there.
double rate_between(const sgd::HistoryPoint& before, const sgd::HistoryPoint& point) {
  const double seconds = point.t_seconds - before.t_seconds;
  if (seconds <= 0) return 0;
  return (static_cast<double>(point.updates) - static_cast<double>(before.updates)) / seconds;
}

}  // namespace

void Node::log_point() {
  const auto& history = core_->run().history();
  if (history.empty() || history.back().updates == logged_updates_) return;
  const sgd::HistoryPoint& point = history.back();
  logged_updates_ = point.updates;
  const auto rows = static_cast<double>(core_->run().info()->trained_rows());
  const sgd::HistoryPoint first{.updates = core_->run().info()->first_updates()};
  const sgd::HistoryPoint& before = history.size() > 1 ? history.end()[-2] : first;
  log_.event(LogLevel::kEvaluations, "evaluation",
             {{"t_seconds", point.t_seconds},
              {"epoch", static_cast<double>(point.updates) / rows},
              {"updates", point.updates},
              {"train_loss", point.train_loss},
              {"test_loss", point.test_loss},
              {"test_accuracy", point.test_accuracy},
              {"lambda", core_->run().info()->settings.lambda[point.candidate]},
              {"updates_per_second", rate_between(before, point)}});
}

// A node that cannot go on says so by leaving, at once and for good.
void Node::fail(std::string reason) {
  if (has_failed_) return;
  has_failed_ = true;
  log_.warning("failed", {{"reason", reason}});
  begin_leave(kFailed, "failed");
}

}  // namespace hogwild::daemon
