// View: comparing it with another's.

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "membership/view.hpp"

namespace hogwild::membership {

Claim View::claim_about(const Member& member) const {
  if (member.state == MemberState::kAlive) return introduction(member);
  Claim claim{.state = member.state,
              .subject = member.short_id(),
              .incarnation = member.incarnation,
              .accusations = member.suspected_by};
  if (member.state == MemberState::kDead) claim.declared_by = table_.self().short_id();
  return claim;
}

Claim View::introduction(const Member& member) {
  return {.state = MemberState::kAlive,
          .subject = member.short_id(),
          .incarnation = member.incarnation,
          .profile = member.profile};
}

std::vector<Claim> View::full_claims(std::uint64_t short_id) const {
  const Member* member = table_.find(short_id);
  if (member == nullptr) return {};
  std::vector<Claim> claims;
  if (member->is_live()) claims.push_back(introduction(*member));
  if (member->state != MemberState::kAlive) claims.push_back(claim_about(*member));
  return claims;
}

std::vector<Summary> View::summaries() const {
  std::vector<Summary> summaries;
  summaries.reserve(table_.size());
  for (const Member& member : table_.all()) {
    summaries.push_back({member.short_id(), member.incarnation, member.state});
  }
  return summaries;
}

View::Difference View::reconcile(const std::vector<Summary>& theirs, std::uint64_t from,
                                 Instant now, Outbox& out) {
  Difference difference;
  std::unordered_set<std::uint64_t> known_to_them;
  const auto teach = [&](std::vector<Claim> claims) {
    std::ranges::move(claims, std::back_inserter(difference.claims));
  };
  for (const Summary& summary : theirs) {
    if (!known_to_them.insert(summary.short_id).second) continue;
    const bool is_over = summary.state == MemberState::kDead || summary.state == MemberState::kLeft;
    const Member* member = table_.find(summary.short_id);
    const bool needs_no_profile = is_over || (member != nullptr && member->is_self);
    const bool may_say =
        summary.state == MemberState::kLeft || may_accuse(from, summary.short_id, now);
    if (needs_no_profile && may_say) learn_end(summary, now, out);
    const std::uint64_t claimed = strength(summary.state, summary.incarnation);
    if (member != nullptr) {
      if (strength(*member) > claimed) teach(full_claims(summary.short_id));
      if (strength(*member) < claimed && !member->is_self) {
        difference.wanted.push_back(summary.short_id);
      }
    } else if (const Burial* burial = burials_.find(summary.short_id);
               burial != nullptr && strength(burial->state, burial->incarnation) >= claimed) {
      if (!is_over) teach({claim_about(*burial)});
    } else if (!is_over) {
      difference.wanted.push_back(summary.short_id);
    }
  }
  for (const Member& member : table_.all()) {
    if (member.is_live() && !known_to_them.contains(member.short_id())) {
      teach(full_claims(member.short_id()));
    }
  }
  return difference;
}

/// A summary that needs no profile to be believed: an end, or doubt about this node itself, whose
/// accusers do not matter here.
void View::learn_end(const Summary& summary, Instant now, Outbox& out) {
  if (summary.state == MemberState::kAlive) return;
  Claim claim{
      .state = summary.state, .subject = summary.short_id, .incarnation = summary.incarnation};
  if (summary.state == MemberState::kSuspect) claim.accusations.push_back({});
  apply(claim, {.now = now}, out);
}

Claim View::claim_about(const Burial& burial) const {
  return {.state = burial.state,
          .subject = burial.short_id,
          .incarnation = burial.incarnation,
          .declared_by = burial.state == MemberState::kDead ? table_.self().short_id() : 0};
}

}  // namespace hogwild::membership
