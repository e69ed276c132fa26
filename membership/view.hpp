#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "membership/burials.hpp"
#include "membership/claim.hpp"
#include "membership/config.hpp"
#include "membership/counters.hpp"
#include "membership/local_health.hpp"
#include "membership/member_table.hpp"
#include "membership/outbox.hpp"
#include "membership/rumor_queue.hpp"
#include "membership/suspicion.hpp"
#include "membership/wire.hpp"

namespace hogwild::membership {

/// What this node believes about everybody, and the rules by which claims change it. Probing and
/// packets are elsewhere.
///
/// Source: SWIM, 4.2 (incarnations, suspicion); Lifeguard (timeouts); identity per process start is
/// ours. Owns the table, the rumors that follow from its changes, the suspicion timers and the
/// burials. Invariants: the strength of what is believed of an id never falls; only this node
/// raises its own incarnation; left is final; every change of belief is queued as a rumor; a member
/// is suspect if and only if it has a timer.
class View {
 public:
  static constexpr Duration kTrustAfter = std::chrono::seconds(2);

  enum class Outcome {
    kIgnored,      // nothing new, or not believed
    kBelieved,     // the view changed
    kNewSuspect,   // the view changed: the subject has just become suspect
    kNewEvidence,  // the subject was suspect and has one more accuser
    kNameRefused,  // not admitted: an older live member has the name
    kAboutSelf,    // refuted, or nothing to refute
  };
  struct Context {
    Instant now;
    bool spread = true;       // queue what was learned
    bool first_hand = false;  // an `alive` that came from the very address that it names
  };

  View(const SwimConfig& config, Profile self, Instant now);

  /// Believes the claim if it is stronger than what is believed. REQUIRES: the invariant of Claim.
  Outcome apply(const Claim& claim, const Context& context, Outbox& out);
  /// This node's own accusation. `evidence` goes into the event.
  void accuse(std::uint64_t short_id, bool refused, std::string evidence, Instant now, Outbox& out);
  /// This node knows that the process is gone: dead at once.
  void declare_dead(std::uint64_t short_id, std::string evidence, Instant now, Outbox& out);
  /// Somebody in charge says that a suspect or dead member has left. False: nothing changes.
  bool remove(std::uint64_t short_id, Instant now, Outbox& out);
  /// Whether doubt about `subject` counts that `accuser` sends: from whom this node has held alive
  /// for two seconds. Who does not hear others accuses all of them, one after another, and is
  /// suspect itself by then; who was cut off brings old news of those who are well here. Each hears
  /// what is said against itself, whoever says it; and who has just started knows nothing better.
  [[nodiscard]] bool may_accuse(std::uint64_t accuser, std::uint64_t subject, Instant now) const;
  /// Every suspicion lasts for some time from now on.
  void postpone_suspicions(Instant now);
  void heard_from(std::uint64_t short_id, Instant now);
  void probed(std::uint64_t short_id, Instant now);
  void add_round_trip(std::uint64_t short_id, Duration sample);
  void set_meta(std::vector<std::byte> meta, Instant now);
  /// This node has left: final.
  void leave(Instant now);
  [[nodiscard]] bool has_left() const { return table_.self().state == MemberState::kLeft; }

  /// Ends suspicions whose time is over, and reaps.
  void on_tick(Instant now, Outbox& out);
  [[nodiscard]] Instant next_deadline() const;

  /// What this view says about a row of its table. Of a dead or left one, without profile.
  [[nodiscard]] Claim claim_about(const Member& member) const;
  [[nodiscard]] Claim claim_about(const Burial& burial) const;
  /// The alive claim that introduces a live member, also a suspect.
  [[nodiscard]] static Claim introduction(const Member& member);
  /// Claims that would teach somebody who holds `theirs` what this view knows better, and the ids
  /// of which they know better. Takes from them what needs no profile, as far as `from` may say it.
  struct Difference {
    std::vector<Claim> claims;
    std::vector<std::uint64_t> wanted;
  };
  Difference reconcile(const std::vector<Summary>& theirs, std::uint64_t from, Instant now,
                       Outbox& out);
  [[nodiscard]] std::vector<Summary> summaries() const;
  /// Both of it: introduction, and the suspicion where there is one. Empty for an unknown id.
  [[nodiscard]] std::vector<Claim> full_claims(std::uint64_t short_id) const;

  /// How often a rumor is sent: factor * ceil(log2(N + 1)).
  [[nodiscard]] std::uint32_t rumor_sends() const;
  /// A live member other than this node that has its name and started earlier; null if none.
  [[nodiscard]] const Member* older_namesake() const;
  /// True if over a quarter of the members, and more than two, became suspect within the last two
  /// seconds.
  [[nodiscard]] bool is_storm(Instant now) const;

  [[nodiscard]] const MemberTable& table() const { return table_; }
  [[nodiscard]] const Burials& burials() const { return burials_; }
  [[nodiscard]] RumorQueue& rumors() { return rumors_; }
  [[nodiscard]] const RumorQueue& rumors() const { return rumors_; }
  [[nodiscard]] LocalHealth& health() { return health_; }
  [[nodiscard]] const LocalHealth& health() const { return health_; }
  [[nodiscard]] SwimCounters& counters() { return counters_; }
  [[nodiscard]] const SwimCounters& counters() const { return counters_; }
  /// When the view last changed.
  [[nodiscard]] Instant last_change() const { return last_change_; }

 private:
  Outcome apply_to_self(const Claim& claim, const Context& context, Outbox& out);
  Outcome admit(const Claim& claim, const Context& context, Outbox& out);
  [[nodiscard]] Duration draw_turn(std::uint64_t short_id) const;
  bool settle_address(const Claim& claim, const Context& context, Outbox& out);
  bool settle_name(const Profile& newcomer, const Context& context, Outbox& out);
  Outcome apply_alive(Member& member, const Claim& claim, const Context& context, Outbox& out);
  Outcome apply_suspect(Member& member, const Claim& claim, const Context& context,
                        std::string evidence, Outbox& out);
  Outcome apply_end(Member& member, const Claim& claim, const Context& context,
                    std::string evidence, Outbox& out);
  void believe(Member& member, MemberState state, std::uint32_t incarnation, Instant now);
  void refute(std::uint32_t incarnation, Instant now);
  void start_suspicion(const Member& member, Instant now);
  void update_suspicion(const Member& member, Instant now);
  void limit_confirmations();
  void expire_suspicions(Instant now, Outbox& out);
  void schedule_reap(Instant at);
  void reap(Instant now, Outbox& out);
  void learn_end(const Summary& summary, Instant now, Outbox& out);
  [[nodiscard]] std::string describe(const std::vector<Accusation>& accusations) const;
  [[nodiscard]] std::string name_of(std::uint64_t short_id) const;

  // Fixed after construction.
  SwimConfig config_;

  MemberTable table_;
  Burials burials_;
  RumorQueue rumors_;
  std::map<std::uint64_t, Suspicion> suspicions_;  // by short id, of suspect members
  LocalHealth health_;
  SwimCounters counters_;
  Instant last_change_;
  Instant next_reap_ = kNever;
  bool expelled_ = false;
};

}  // namespace hogwild::membership
