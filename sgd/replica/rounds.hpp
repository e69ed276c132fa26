#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "sgd/replica/replica.hpp"
#include "sgd/replica/round_messages.hpp"
#include "sgd/replica/run_outbox.hpp"

namespace hogwild::sgd {

struct RoundOptions {
  /// `--quorum majority`: survivors that are no majority wait instead of forming a new epoch.
  bool needs_majority = false;
  /// A round ends when all members that train have done their part, however long one takes.
  bool waits_for_all = false;
  std::chrono::nanoseconds round_time = std::chrono::milliseconds(20);  ///< at least
};

enum class RoundEventType : std::uint8_t {
  kCommitted,    ///< committed() is a newer state, applied here
  kCoordinator,  ///< coordinator() is another one
  kLeaderless,   ///< nobody coordinates
  kBehind,       ///< deltas that a record counts cannot be had: a snapshot is needed
  kStartOver,    ///< no longer in the roster: go on as a new voter, from a snapshot
};

struct RoundEvent {
  RoundEventType type;
  PeerId peer = 0;
  std::string detail;  ///< for people: why
};

struct RoundOutbox {
  std::vector<PeerDatagram> datagrams;
  std::vector<RoundEvent> events;
};

struct RoundCounters {
  std::uint64_t elections_total = 0;   ///< coordinators seen, the first one included
  std::uint64_t stragglers_total = 0;  ///< as coordinator: parts that came after their round
  std::uint64_t reformed_total = 0;    ///< epochs that began without a majority
};

/// Rounds under an elected coordinator, as one member takes part in them: who coordinates, who
/// votes, and which deltas are part of the state.
///
/// A round's record says for each member through which number its deltas count. The coordinator
/// writes it when the members' parts are there, and sends it to all; each says that it has stored
/// it once it holds every delta that it names; with majorities of the rosters before and after it
/// the record is committed, all apply it, and the next round begins. Since a record says all that
/// earlier ones said, the newest is a whole log.
/// Source: Raft (Ongaro, Ousterhout 2014) with its check before elections and its joint quorums;
/// docs/protocol.md, "Rounds". tests/model/rounds.pml is the same as a model for a checker.
/// A core without I/O. Threads: network thread only.
/// Invariants: one member at most coordinates a ballot; one committed state a round of an epoch;
/// ballot() and committed() never fall within an epoch.
class Rounds {
 public:
  using Duration = std::chrono::nanoseconds;
  /// How long a coordinator that is not heard keeps its office: nobody votes before.
  static constexpr std::chrono::milliseconds kLease{1500};
  /// How long survivors look for a majority before they go on without.
  static constexpr std::chrono::seconds kPatience{5};

  /// `replica` holds by rounds and must outlive it.
  Rounds(RunId run, PeerId self, RoundOptions options, Replica& replica, Instant now);

  // ── What happens to it ──
  /// The first member of a run: coordinates it alone.
  void found(Instant now, RoundOutbox& out);
  /// Follows the lineage of `record`, whose state the replica holds, as no member of it yet.
  void follow(const RoundRecord& record, Instant now);
  /// The replica got the state of a record of this lineage by a snapshot.
  void caught_up(const RoundRecord& record, Instant now, RoundOutbox& out);
  /// Who of the cluster is alive, itself left out, and as which voter; 0: not known.
  void set_live(std::map<PeerId, OriginId> live, Instant now, RoundOutbox& out);
  void set_trains(bool trains) { trains_ = trains; }
  /// Members that should be in the roster before the first round trains.
  void set_founders(std::size_t count) { founders_ = count; }
  /// The run ends: rounds go on only while there is something to count.
  void set_stopping() { is_stopping_ = true; }
  /// While set, this coordinator ends no round.
  void set_hold(bool hold) { is_held_ = hold; }
  /// Has nothing more to give and wants out of the roster.
  void set_leaving() { is_leaving_ = true; }
  /// This member's part of `round` is published, with its deltas up to `through`.
  void contributed(std::uint64_t round, std::uint64_t through, Instant now, RoundOutbox& out);
  /// False where it is no message of rounds.
  bool on_datagram(PeerId from, std::span<const std::byte> payload, Instant now, RoundOutbox& out);
  /// A delta of `origin` is held now. Cheap where no record or part waits for it.
  void on_data(OriginId origin, Instant now, RoundOutbox& out);
  void on_tick(Instant now, RoundOutbox& out);

  // ── What it knows ──
  [[nodiscard]] const RoundRecord& committed() const { return committed_; }
  [[nodiscard]] const RoundRecord& stored() const { return stored_; }
  [[nodiscard]] const Ballot& ballot() const { return ballot_; }
  /// 0: nobody that this member knows of.
  [[nodiscard]] PeerId coordinator() const { return coordinator_; }
  [[nodiscard]] bool is_coordinator() const { return role_ == Role::kCoordinator; }
  [[nodiscard]] Instant coordinator_since() const { return coordinator_since_; }
  [[nodiscard]] const std::string& coordinator_reason() const { return coordinator_reason_; }
  [[nodiscard]] bool is_member() const;
  /// Nobody has coordinated for longer than an election takes when all goes well.
  [[nodiscard]] bool is_waiting(Instant now) const {
    return coordinator_ == 0 && now - leaderless_since_ > std::chrono::seconds(1);
  }
  /// How long members train in a round.
  [[nodiscard]] Duration round_time() const { return round_time_; }
  [[nodiscard]] std::uint64_t contributed_round() const { return contributed_; }
  [[nodiscard]] const RoundCounters& counters() const { return counters_; }
  /// When on_tick() may have something to do.
  [[nodiscard]] Instant next_deadline() const { return next_deadline_; }

 private:
  enum class Role : std::uint8_t { kFollower, kProber, kCandidate, kCoordinator };
  struct Known {
    PeerId peer = 0;
    RoundReport report;
    Instant at{};
    bool is_late = false;  ///< missed the last round: the next one does not wait for it
  };

  // rounds.cpp: records
  void lead(Instant now, RoundOutbox& out);
  void advance(Instant now, RoundOutbox& out);
  void propose(Instant now, RoundOutbox& out);
  void try_commit(Instant now, RoundOutbox& out);
  void apply_stored(Instant now, RoundOutbox& out);
  void note_committed(Instant now, RoundOutbox& out);
  void measure(Instant now);
  [[nodiscard]] bool trains_now(const RosterEntry& entry) const;
  [[nodiscard]] bool may_close(Instant now) const;
  [[nodiscard]] bool may_open() const;
  [[nodiscard]] bool has_news() const;
  [[nodiscard]] bool is_complete(const RosterEntry& entry) const;
  [[nodiscard]] std::uint64_t counted_through(const RosterEntry& entry) const;
  [[nodiscard]] OriginId to_remove() const;
  [[nodiscard]] const Known* to_add() const;
  [[nodiscard]] bool has_heard_majority(Instant now) const;
  void on_beat(PeerId from, const RoundMessage& message, Instant now, RoundOutbox& out);
  void take_record(const RoundBeat& beat, Instant now, RoundOutbox& out);
  void try_store(Instant now, RoundOutbox& out);
  void on_report(PeerId from, const RoundReport& report, Instant now, RoundOutbox& out);
  void send_beat(Instant now, bool to_all, RoundOutbox& out);
  void send_report(PeerId to, Instant now, RoundOutbox& out);
  /// Whether `votes(entry)` holds for more than half of the roster before stored_, and after it.
  [[nodiscard]] bool has_majorities(auto&& votes) const {
    std::size_t before = 0;
    std::size_t votes_before = 0;
    std::size_t after = 0;
    std::size_t votes_after = 0;
    for (const RosterEntry& entry : stored_.roster) {
      const bool is_vote = votes(entry);
      before += entry.is_old ? 1 : 0;
      votes_before += entry.is_old && is_vote ? 1 : 0;
      after += entry.is_new ? 1 : 0;
      votes_after += entry.is_new && is_vote ? 1 : 0;
    }
    return 2 * votes_before > before && 2 * votes_after > after;
  }
  [[nodiscard]] bool is_live(PeerId peer) const { return peer == self_ || live_.contains(peer); }
  /// Whether a voter is there: its process is alive and did not start over as another voter.
  [[nodiscard]] bool is_live(const RosterEntry& voter) const;
  [[nodiscard]] OriginId origin() const { return replica_.self(); }
  [[nodiscard]] static std::vector<OriginCut> cuts_of(const RoundRecord& record);

  // rounds_election.cpp
  void elect(Instant now, RoundOutbox& out);
  void begin_probe(Instant now, RoundOutbox& out);
  void begin_candidacy(Instant now, RoundOutbox& out);
  void count_votes(Instant now, RoundOutbox& out);
  void take_office(bool is_reformed, Instant now, RoundOutbox& out);
  void lose_coordinator(std::string why, Instant now, RoundOutbox& out);
  void set_coordinator(PeerId peer, std::string why, Instant now, RoundOutbox& out);
  void on_canvass(PeerId from, const RoundCanvass& canvass, Instant now, RoundOutbox& out);
  void on_vote(const RoundVote& vote, PeerId from, Instant now, RoundOutbox& out);
  [[nodiscard]] bool would_grant(const RoundCanvass& canvass, Instant now) const;
  [[nodiscard]] bool is_lease_over(Instant now) const;
  [[nodiscard]] bool may_stand() const;
  [[nodiscard]] bool may_reform(Instant now) const;
  [[nodiscard]] bool has_live_voter() const;
  [[nodiscard]] Duration delay_of_rank() const;
  void send_canvass(Instant now, RoundOutbox& out);

  // Fixed after construction.
  RunId run_;
  PeerId self_;
  RoundOptions options_;
  Replica& replica_;
  // Network thread only: this member.
  bool trains_ = false;
  bool is_leaving_ = false;
  bool is_stopping_ = false;
  bool was_member_ = false;
  bool must_start_over_ = false;
  std::uint64_t contributed_ = 0;
  std::uint64_t through_ = 0;
  // What it knows of the run.
  std::map<PeerId, OriginId> live_;
  RoundRecord stored_;                   ///< newest record of which every delta is held here
  RoundRecord committed_;                ///< newest one that is applied
  std::optional<RoundRecord> incoming_;  ///< waits for its deltas
  bool is_incoming_committed_ = false;
  std::uint64_t assembled_ = 0;  ///< number of the beat whose parts are being gathered
  OriginId assembled_from_ = 0;
  std::vector<std::optional<std::vector<RosterEntry>>> parts_;
  // Who coordinates.
  Role role_ = Role::kFollower;
  Ballot ballot_;  ///< nothing of a lower one is listened to
  OriginId voted_for_ = 0;
  PeerId coordinator_ = 0;
  OriginId coordinator_origin_ = 0;
  Instant heard_{};  ///< of the coordinator
  Instant coordinator_since_{};
  std::string coordinator_reason_;
  Instant leaderless_since_{};
  Instant stand_at_{};
  Instant attempt_ends_{};
  /// Origins that votes and rosters make known, of which no status told.
  Budget new_origins_{64, 1024};
  std::uint64_t highest_term_ = 0;  ///< that any voter named
  std::map<OriginId, PeerId> grants_;
  std::set<OriginId> refusals_;
  // As coordinator.
  std::map<OriginId, Known> known_;
  std::size_t founders_ = 1;
  bool is_held_ = false;
  bool is_committed_ = false;  ///< stored_ is
  bool was_cut_short_ = false;
  Instant elected_at_{};
  Instant opened_at_{};
  /// The round of a second ago at most, of half a second at least; and when that was noted.
  std::uint64_t earlier_round_ = 0;
  std::uint64_t noted_round_ = 0;
  Instant noted_at_{};
  Instant next_send_{};
  std::uint64_t beat_number_ = 0;
  Duration round_time_;
  Duration talk_time_{};  ///< from a round's end to its commit, smoothed
  // Messages.
  Instant next_report_{};
  Instant next_deadline_{};
  RoundCounters counters_;
};

}  // namespace hogwild::sgd
