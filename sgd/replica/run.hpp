#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "sgd/data/data_part.hpp"
#include "sgd/learn/own_work.hpp"
#include "sgd/learn/round_board.hpp"
#include "sgd/learn/row_queue.hpp"
#include "sgd/replica/block_plan.hpp"
#include "sgd/replica/budget.hpp"
#include "sgd/replica/evaluator.hpp"
#include "sgd/replica/part.hpp"
#include "sgd/replica/rate_meter.hpp"
#include "sgd/replica/records.hpp"
#include "sgd/replica/rejection.hpp"
#include "sgd/replica/rounds.hpp"
#include "sgd/replica/run_outbox.hpp"

namespace hogwild::sgd {

/// What this node was started with.
struct RunOptions {
  RunSettings settings;                      ///< of the run, should this node create it
  std::string recipe{};                      ///< of the run, should this node create it
  std::map<std::string, std::string> given;  ///< settings that the user gave: joining a run
                                             ///< that has others is refused
  bool must_meet_peer = false;               ///< started with seeds: creates no run alone
  bool trains = true;                        ///< false: a member that only holds the state
  double rate_limit = 0;                     ///< updates a second at most; 0 none
  std::size_t retained_bytes = std::size_t{64} << 20U;
  bool needs_majority = false;  ///< by rounds: survivors without a majority wait
  std::uint64_t name_key = 0;   ///< of this member's name, see MemberView
};

/// What this node has loaded.
struct LocalData {
  bool has_train = false;
  bool has_test = false;
  std::uint64_t test_fingerprint = 0;
  std::optional<RunConstants> constants{};  ///< of its training data
  /// `--shard`: the data is this member's alone; null otherwise.
  std::shared_ptr<const PartSummary> part{};
  RunId laid_out_for = 0;  ///< run whose features and columns a private part has; 0: its own
  /// What a run that this member creates starts from; null: zeros. Of constants' layout.
  std::shared_ptr<const SumsImage> initial{};
  // How any node can make the data again, `synth:…`, or nothing.
  std::string train_source{};
  std::string test_source{};
};

/// Snapshots of the run's state that moved.
struct SnapshotCounters {
  std::uint64_t received_total = 0;
  std::uint64_t failed_total = 0;  ///< asked for: no answer, a refusal, or one that is malformed
  std::uint64_t sent_total = 0;
  std::uint64_t bytes_total = 0;  ///< of those received and sent
};

/// How far the workers' queue was filled.
enum class Supply : std::uint8_t {
  kFull,
  kShort,     ///< by the rate limit, or nothing is trained
  kHeldBack,  ///< near the end of the run no more is released before what was is published, or
              ///< others' news come
};

/// A committed round, as one member saw it.
struct RoundSummary {
  std::uint64_t round = 0;
  std::uint64_t contributors = 0;  ///< members whose work it counts
  std::uint64_t examples = 0;      ///< that it counts
  double seconds = 0;              ///< since the one before
};

/// A member of the cluster, as membership sees it.
struct MemberView {
  PeerId id = 0;
  std::uint64_t start_time = 0;  ///< Unix time in ms at which its process started
  std::uint64_t name_key = 0;    ///< a hash of its name: by rounds it says which rows are its
  bool is_lost = false;  ///< believed dead by its silence alone: it may go on where nobody hears it
};

/// A run as one member lives it: creating or joining it, training, agreeing on its end.
///
/// A core without I/O; docs/protocol.md tells the whole story. Its only messages are deltas, one
/// status that carries all else as state, and "send again"; snapshots and reports go by request.
/// Source: replicated counters with anti-entropy; the end is a barrier over live members.
/// Threads: network thread only.
/// Invariants: phase() only grows within a run, but for a final record that is replaced by a
/// smaller one before kDone; nothing is published from kStopped on; kDone is reached only with a
/// state equal to the final record's.
class Run {
 public:
  Run(RunOptions options, PeerId self, std::uint64_t start_time, std::uint64_t seed, Instant now);

  // ── What happens to it ──
  /// Has a checkpoint to go on from, should nobody have a run. Before data_loaded().
  void offer_checkpoint(Checkpoint checkpoint);
  /// Who is alive, itself left out, and who is lost. Who was alive before and is not now is gone:
  /// its work is shared out anew.
  void set_members(std::vector<MemberView> members, Instant now, RunOutbox& out);
  /// Data is there (or there is none to load): until then no run is created or joined.
  void data_loaded(LocalData data, Instant now, RunOutbox& out);
  void on_datagram(PeerId from, std::span<const std::byte> payload, Instant now, RunOutbox& out);
  /// Answers a peer's request; never empty.
  [[nodiscard]] Bytes on_request(std::span<const std::byte> request, Instant now);
  /// The answer to a PeerRequest, or nothing where it failed.
  void on_reply(std::uint64_t token, std::optional<std::span<const std::byte>> reply, Instant now,
                RunOutbox& out);
  void on_tick(Instant now, RunOutbox& out);
  [[nodiscard]] Instant next_deadline() const { return next_deadline_; }
  /// Publishes what the workers merged since the last time.
  void flush(OwnWork& own, Instant now, RunOutbox& out);
  /// Keeps the workers' queue filled, as the plan and the rate limit say.
  Supply feed(RowQueue& queue, Instant now);
  /// By rounds, in place of flush() and feed(): begins and ends the workers' part of a round, and
  /// publishes it where `may_send`. Called often, and when the last worker has finished.
  void work_round(OwnWork& own, RoundBoard& board, bool may_send, Instant now, RunOutbox& out);
  void evaluated(const EvaluationReport& report, Instant now, RunOutbox& out);
  /// The workers have merged all they had; nothing comes after. `own` may be null without workers.
  void workers_stopped(OwnWork* own, Instant now, RunOutbox& out);
  /// Ends the run for everybody.
  void request_stop(std::string reason, Instant now, RunOutbox& out);
  /// Stops this member's training; the run goes on without it. See has_left().
  void leave(Instant now, RunOutbox& out);
  void set_links(Links links, Instant now, RunOutbox& out);

  // ── What it knows ──
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] const RunInfo* info() const { return info_ ? &*info_ : nullptr; }
  [[nodiscard]] Replica* replica() { return replica_.get(); }
  [[nodiscard]] const Replica* replica() const { return replica_.get(); }
  [[nodiscard]] const std::vector<HistoryPoint>& history() const { return history_; }
  [[nodiscard]] const std::optional<StopOrder>& stop_order() const { return stop_; }
  [[nodiscard]] const std::optional<FinalRecord>& final_record() const { return final_; }
  [[nodiscard]] const std::optional<Links>& links() const { return links_; }
  /// Member that evaluates, decides the stop and finishes; 0 without a run.
  [[nodiscard]] PeerId nominee() const;
  /// How many members would be nominated before this one.
  [[nodiscard]] std::size_t stand_in_rank() const;
  /// The candidate (Rule) that is best so far, or in the end.
  [[nodiscard]] std::uint32_t candidate() const;
  /// The state that stands for the run's model: the one of the best evaluation once the run is
  /// over, the newest until then. REQUIRES: replica().
  [[nodiscard]] SumsImage model_image() const;
  /// What is worth a checkpoint. REQUIRES: replica().
  [[nodiscard]] RunState state(Instant now) const;
  /// Member that sends the files; self where the finisher is gone and this is the next one.
  [[nodiscard]] PeerId uploader() const;
  /// Whether this run is synchronous; its rounds, or nullptr.
  [[nodiscard]] const Rounds* rounds() const { return rounds_.get(); }
  /// The newest round that trained.
  [[nodiscard]] const RoundSummary& last_round() const { return work_.last; }
  /// Rounds that counted work of every member that trains, and of some only.
  [[nodiscard]] std::uint64_t complete_rounds() const { return work_.complete_total; }
  [[nodiscard]] std::uint64_t partial_rounds() const { return work_.partial_total; }
  /// Own datagrams that are part of no state any more, and by rounds the updates of them.
  [[nodiscard]] std::uint64_t lost_updates() const { return lost_updates_; }
  [[nodiscard]] std::uint64_t lost_datagrams() const { return lost_datagrams_; }
  /// Datagrams that a live member has and that are not applied here; 0 outside of a run.
  [[nodiscard]] std::uint64_t divergence() const;
  /// s_cluster for the workers.
  [[nodiscard]] double lookahead(Instant now) const;
  [[nodiscard]] double own_rate() const { return rate_.per_second(); }
  /// Sum of the members' rates.
  [[nodiscard]] double cluster_rate() const;
  [[nodiscard]] double elapsed_s(Instant now) const;
  [[nodiscard]] bool is_training() const { return is_training_; }
  /// After leave(): everything published is held by every live member, or too long went by.
  [[nodiscard]] bool has_left(Instant now) const;
  /// After kDone: nobody needs this member any more.
  [[nodiscard]] bool may_exit(Instant now) const;
  /// Members of the run that may not have the final state: they did not confirm it in time, or went
  /// silent and were not seen to end. Nobody else can be without it.
  [[nodiscard]] const std::vector<PeerId>& unreached() const { return unreached_; }
  /// The last status of a live member of this run, or nullptr.
  [[nodiscard]] const Status* status_of(PeerId peer) const;
  /// Live members of this run that have this part of its data.
  [[nodiscard]] std::vector<PeerId> members_with(DataPart part) const;
  /// Whether this member's rows are in the run's order: private parts are so some time after it
  /// joined, all others from the start. REQUIRES: info().
  [[nodiscard]] bool has_rows_in_order() const {
    return !is_sharded() || (data_ && data_->laid_out_for == info_->id);
  }
  /// With private parts: rows of the run that no live member trains on.
  [[nodiscard]] std::optional<std::uint64_t> rows_missing() const;
  [[nodiscard]] const SnapshotCounters& snapshots() const { return snapshots_; }
  /// What members sent and was not used, since the process started.
  [[nodiscard]] const RejectionCounts& rejections() const { return rejections_; }
  /// Of these, what a member that is alive sent; zeros of any other.
  [[nodiscard]] RejectionCounts rejections_of(PeerId peer) const;

 private:
  struct Peer {
    std::uint64_t start_time = 0;
    std::uint64_t name_key = 0;
    bool has_status = false;
    Status status;  ///< the newest one, without points and coverage
    std::map<OriginId, OriginCoverage> coverage;
    RejectionCounts rejections{};
    Instant since{};                       ///< when it became a member
    Instant heard_at{};                    ///< its newest status
    std::optional<Instant> claimed_at;     ///< when it first named a run
    std::optional<Instant> failing_since;  ///< no request was answered since
    Instant ask_again{};                   ///< for a run that only it is known to have
    /// Whatever it asks for: more than it can lose of what it is sent.
    Budget resends{10'000, 2'000};
    Budget new_origins = kNewOrigins;
    // Its newest news here: what it said or published, and this member's own work until then.
    std::uint64_t heard_number = 0;
    std::uint64_t heard_seq = 0;
    std::uint64_t published_then = 0;
  };
  /// Origins that a sender may make known: islands of hundreds that meet are soon through.
  static constexpr Budget kNewOrigins{16, 256};
  struct Nomination;
  void reject(PeerId from, Rejection reason);

  enum class Awaited : std::uint8_t { kNothing, kSnapshot, kReport, kKeptState, kPart };

  // run.cpp: members, evaluation and the decision to stop
  [[nodiscard]] bool may_train() const;
  /// Whether it has test rows, laid out for this run. REQUIRES: has a run.
  [[nodiscard]] bool may_measure() const;
  [[nodiscard]] bool is_walking(const Peer& peer) const;
  void note_walk(PeerId id, const Peer& peer);
  void update_trainers();
  /// The rule by which the run stops here; empty: none.
  [[nodiscard]] std::string_view met_stop_rule(Instant now) const;
  /// Updates of the cluster at which the run stops; infinity without such a rule.
  [[nodiscard]] double most_updates() const;
  /// Whether the run stops here, whether it is measured here: the nominee's part.
  void decide(Instant now, RunOutbox& out);
  void begin_evaluation(EvaluationKind kind, SumsImage image, Instant now, RunOutbox& out);
  /// False where the history has as many rows as it may.
  bool append_point(const HistoryPoint& point, std::vector<std::int64_t> scalars, RunOutbox& out);
  void adopt_stop(const StopOrder& stop, Instant now, RunOutbox& out);

  // run_joining.cpp: creating a run, coming into one
  void try_create(Instant now, RunOutbox& out);
  void enter_run(RunInfo info, Instant now, double elapsed_s);
  void take_new_origin();
  void give_up_own_gaps(RunOutbox& out);
  void tell_founders(Instant now, RunOutbox& out);
  void on_founding(PeerId from, std::span<const std::byte> payload, Instant now, RunOutbox& out);
  [[nodiscard]] bool is_gathering(Instant now) const;
  [[nodiscard]] bool is_missing_founder(PeerId id, const Peer& peer) const;
  [[nodiscard]] bool may_found(PeerId id, const Peer& peer, Instant now) const;
  [[nodiscard]] bool has_parts_of(const std::vector<PeerId>& members);
  void take_part(PeerId of, PartSummary part);
  [[nodiscard]] bool is_sharded() const { return info_ && info_->settings.is_sharded; }
  void begin_rounds(Instant now, RunOutbox& out);
  [[nodiscard]] std::string contradiction(const RunInfo& info) const;
  [[nodiscard]] bool outranks(const Status& other) const;
  void install(Snapshot snapshot, Instant now, RunOutbox& out);

  // run_training.cpp: what the workers are given, and what they learned
  void start_training(Instant now, RunOutbox& out);
  /// Where this member's walk through the rows begins.
  [[nodiscard]] WalkProgress first_position() const;
  void withdraw(RowQueue& queue);
  void tell_blocks(std::vector<CellDelta>& fresh);
  void close_epochs();
  void share_out(Instant now);
  [[nodiscard]] std::uint64_t rows_ahead(const RowQueue& queue, Instant now) const;
  [[nodiscard]] double in_epochs(WalkProgress place) const;
  [[nodiscard]] std::uint64_t joining_epoch() const;
  void note_news();
  [[nodiscard]] double unheard_updates(double lookahead, Instant now) const;
  [[nodiscard]] bool counts_as_trainer(PeerId id, const Peer& peer, Instant now) const;
  void check_overflow(Instant now, RunOutbox& out);

  // run_resume.cpp: going on from a checkpoint
  [[nodiscard]] std::string checkpoint_complaint() const;
  [[nodiscard]] std::uint64_t resumable() const;
  [[nodiscard]] bool waits_for_checkpoints(std::uint64_t ready, Instant now, RunOutbox& out);
  void resume(std::vector<PeerId> founders, Instant now, RunOutbox& out);
  void refuse(std::string why, RunOutbox& out);

  // run_messages.cpp: statuses, repair, requests
  void on_status(PeerId from, std::span<const std::byte> payload, Instant now, RunOutbox& out);
  void on_nack(PeerId from, std::span<const std::byte> payload, Instant now, RunOutbox& out);
  void on_delta(PeerId from, std::span<const std::byte> payload, Instant now, RunOutbox& out);
  void learn_from(PeerId from, Peer& peer, const Status& status, Instant now, RunOutbox& out);
  void take_points(PeerId from, const Status& status, RunOutbox& out);
  [[nodiscard]] Status own_status() const;
  void send_status(std::span<const PeerId> to, RunOutbox& out);
  void send_repairs(Instant now, RunOutbox& out);
  [[nodiscard]] PeerId repair_source(const RepairRequest& request);
  void release_stable(Instant now);
  void forget_hearsay();
  [[nodiscard]] Nomination own_nomination() const;
  /// Nothing where the peer cannot be nominated.
  [[nodiscard]] std::optional<Nomination> nomination_of(PeerId id, const Peer& peer) const;
  /// Who has a better state kept than this member, which should have it too; 0: nobody.
  [[nodiscard]] PeerId kept_state_source() const;
  void ask(PeerId to, Awaited what, RunId run, Instant now, RunOutbox& out);
  [[nodiscard]] PeerId snapshot_source();
  void ask_for_what_lacks(Instant now, RunOutbox& out);
  [[nodiscard]] std::chrono::nanoseconds status_period(Instant now) const;
  [[nodiscard]] std::vector<PeerId> peers_where(auto&& wanted) const {
    std::vector<PeerId> found;
    for (const auto& [id, peer] : peers_) {
      if (wanted(peer)) found.push_back(id);
    }
    return found;
  }
  [[nodiscard]] bool is_in_run(const Peer& peer) const;

  // run_trust.cpp: members that do not do what they say
  [[nodiscard]] PeerId any_of(const std::vector<PeerId>& peers);
  void note_answer(PeerId from, bool is_good, Instant now);
  [[nodiscard]] static bool gives_its_part(const Peer& peer, Instant now);
  [[nodiscard]] bool holds_up_creation(const Peer& peer, Instant now) const;
  [[nodiscard]] static bool is_fresh(const Peer& peer, Instant now);
  [[nodiscard]] bool speaks_for_itself(OriginId origin, Instant now) const;
  [[nodiscard]] bool may_recover(OriginId origin, Instant now);
  void watch_nominee(Instant now, RunOutbox& out);
  void pardon(PeerId nominee);

  // run_rounds.cpp: synchronous runs
  /// What the workers do by rounds, and what became of it.
  struct RoundWork {
    struct Share {
      double recent = 0;  ///< examples in the newest rounds
      std::uint64_t examples = 0;
    };
    struct Former {
      OriginId origin = 0;
      std::uint64_t last_seq = 0;
    };
    RoundSummary last;
    std::uint64_t complete_total = 0;
    std::uint64_t partial_total = 0;
    Instant last_at{};
    std::uint64_t round = 0;  ///< that the workers are in; 0 none
    bool is_bounded = false;  ///< they have all that they may do in it
    bool is_collected = false;
    std::uint64_t granted = 0;
    Instant begun{};
    Instant ends{};
    double speed = 0;  ///< rows a second
    bool has_plan = false;
    std::deque<RowRange> returned;  ///< taken from the plan and not trained yet
    std::map<OriginId, Share> shares;
    std::deque<std::pair<std::uint64_t, std::uint64_t>> own_log;  ///< seq, examples
    std::vector<Former> former;  ///< who this process was before it started over
    std::optional<Epoch> rival;  ///< a lineage with more work
    Instant rival_since{};
  };
  [[nodiscard]] RoundOptions round_options() const;
  [[nodiscard]] bool is_reproducible() const;
  [[nodiscard]] std::uint64_t plan_key(PeerId peer) const {
    if (peer == self_) return options_.name_key;
    const auto at = peers_.find(peer);
    return at == peers_.end() ? 0 : at->second.name_key;
  }
  void make_rounds(Instant now);
  [[nodiscard]] std::map<PeerId, OriginId> live_voters() const;
  void tell_rounds_of_members(Instant now, RunOutbox& out);
  void step_rounds(Instant now, RunOutbox& out);
  void on_round_message(PeerId from, std::span<const std::byte> payload, Instant now,
                        RunOutbox& out);
  void on_round_data(OriginId origin, Instant now, RunOutbox& out);
  void route_rounds(RoundOutbox& wanted, Instant now, RunOutbox& out);
  void round_committed(Instant now, RunOutbox& out);
  [[nodiscard]] std::size_t round_trainers() const;
  [[nodiscard]] double round_lookahead() const;
  [[nodiscard]] std::uint64_t most_of_round(std::uint64_t t, bool& is_bounded) const;
  void release_rows(std::uint64_t most, Instant now);
  [[nodiscard]] std::vector<RowRange> take_rows(std::uint64_t most);
  void start_plan();
  void begin_round(RoundBoard& board, Instant now);
  void end_round(OwnWork& own, RoundBoard& board, bool may_send, bool must_end, Instant now,
                 RunOutbox& out);
  void contribute(OwnWork& own, std::uint64_t round, Instant now, RunOutbox& out);
  void publish_to_run(std::span<const CellDelta> fresh, RunOutbox& out);
  [[nodiscard]] std::optional<RoundStatus> round_status() const;
  [[nodiscard]] bool is_outdone_by(const Status& other) const;
  void compare_lineages(const Status& status, Instant now);
  void forget_rival_that_is_gone();
  [[nodiscard]] bool is_donor(const Status& status) const;
  void start_over(const RoundRecord& record, Instant now);
  [[nodiscard]] bool install_in_rounds(const Snapshot& snapshot, Instant now, RunOutbox& out);
  void give_again(RunOutbox& out);

  // run_finish.cpp: the end
  void finish_step(Instant now, RunOutbox& out);
  [[nodiscard]] bool may_finalize(Instant now) const;
  void begin_final(Instant now, RunOutbox& out);
  [[nodiscard]] bool stands_for_row(const KeptState& kept) const;
  void measured_at_end(const EvaluationReport& report, const Evaluator::Outcome& outcome,
                       Instant now, RunOutbox& out);
  void adopt_final(const FinalRecord& record, std::optional<KeptState> kept, Instant now,
                   RunOutbox& out);
  void confirm_if_equal(Instant now, RunOutbox& out);
  void give_up_record_without_state(Instant now);
  void become_done(Instant now, RunOutbox& out);
  void set_phase(Phase phase, Instant now);

  // Fixed after construction.
  RunOptions options_;
  PeerId self_;
  std::uint64_t start_time_;
  // Network thread only: the cluster.
  std::mt19937_64 random_;
  std::map<PeerId, Peer> peers_;  ///< live members
  std::optional<LocalData> data_;
  std::optional<Checkpoint> checkpoint_;  ///< until there is a run
  std::map<PeerId, PartSummary> parts_;   ///< of members, until there is a run
  std::set<PeerId> unfit_;                ///< members whose part cannot be of a run with this one's
  PeerId wanted_part_ = 0;                ///< member whose part is to be asked for; 0 none
  PeerId asked_ = 0;                      ///< whom the request under way asks
  Instant loaded_at_{};
  std::optional<Instant> creation_due_;  ///< since when others, of a better claim, could create one
  bool is_waiting_told_ = false;
  // The run.
  Phase phase_ = Phase::kNoRun;
  Instant phase_since_;
  std::optional<RunInfo> info_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<BlockPlan> plan_;
  std::unique_ptr<Rounds> rounds_;  ///< by rounds only; refers to *replica_
  RoundWork work_;
  std::uint64_t lost_updates_ = 0;
  std::uint64_t lost_datagrams_ = 0;
  OriginId origin_ = 0;
  RunId wanted_run_ = 0;  ///< being joined; 0 none
  Instant run_start_{};
  std::optional<Founding> founding_;  ///< of a run that this member created, for its founders
  Instant next_founding_{};           ///< when founders that are missing are told of it again
  std::uint64_t joined_at_ = 0;
  bool is_training_ = false;
  bool is_leaving_ = false;
  bool is_refused_ = false;
  Instant left_since_{};
  std::optional<Snapshot> switch_to_;  ///< waits for the workers to stop
  RateMeter rate_;
  double allowance_ = 0;  ///< rows that the rate limit has released
  Instant fed_at_{};
  std::uint64_t unfinished_blocks_ = 0;
  Instant training_since_{};
  Instant next_take_up_{};            ///< when handovers of others are next looked at
  Instant next_share_{};              ///< when it is next looked whether this member is behind
  std::uint64_t fed_rows_ = 0;        ///< released to the workers
  std::uint64_t published_rows_ = 0;  ///< of these, in published deltas
  // What is expected of whom, and who did not do it.
  struct Expected {
    PeerId of = 0;
    Phase phase = Phase::kNoRun;
    std::size_t rows = 0;
  };
  Expected expected_;
  Instant expected_since_{};
  Instant watched_at_{};
  std::uint32_t rows_due_ = 0;  ///< that the nominee should have measured since its newest one
  std::set<PeerId> passed_over_;
  std::uint32_t pardons_ = 0;
  struct Recovery {
    OriginId of = 0;
    std::uint64_t contiguous = 0;  ///< what was there of it
    std::chrono::nanoseconds pause{};
    Instant next{};
  };
  Recovery recovery_;
  Budget strangers_origins_ = kNewOrigins;
  // What was measured.
  std::vector<HistoryPoint> history_;
  std::vector<std::int64_t> row_scalars_;  ///< counters at the newest history point
  std::optional<Evaluator> evaluator_;     ///< there is one exactly where there is a run
  std::uint64_t useless_kept_rows_ = 0;  ///< a peer keeps a state of a row that is another one here
  // The end.
  std::optional<StopOrder> stop_;
  double stopped_at_s_ = 0;
  std::optional<FinalRecord> final_;
  std::optional<Links> links_;
  std::vector<PeerId> unreached_;
  std::set<PeerId> lost_;  ///< members of the run, see MemberView::is_lost
  // Messages.
  std::uint64_t status_number_ = 0;
  bool status_is_due_ = false;
  Instant next_status_{};
  Instant last_status_{};
  Instant last_news_{};  ///< when a status last told something new
  Instant next_release_{};
  Instant next_deadline_{};
  Awaited awaited_ = Awaited::kNothing;
  std::uint64_t token_ = 0;
  Instant ask_again_{};
  bool is_crowded_ = false;                 ///< the run has no room for another origin
  std::uint64_t given_up_final_ = 0;        ///< a final record whose state nobody has any more
  std::optional<Instant> stateless_since_;  ///< nobody is known who has the final record's state
  bool wants_snapshot_ = false;             ///< fell behind, or lacks part of the final state
  bool wants_report_ = false;
  bool mismatch_told_ = false;
  SnapshotCounters snapshots_;
  RejectionCounts rejections_{};
};

}  // namespace hogwild::sgd
