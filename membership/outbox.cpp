#include "membership/outbox.hpp"

namespace hogwild::membership {

std::string_view to_string(StreamFailure failure) {
  switch (failure) {
    case StreamFailure::kRefused:
      return "refused";
    case StreamFailure::kTimeout:
      return "timeout";
    case StreamFailure::kClosed:
      return "closed";
  }
  return "unknown";
}

std::string_view to_string(MemberEventType type) {
  switch (type) {
    case MemberEventType::kJoined:
      return "joined";
    case MemberEventType::kSuspected:
      return "suspected";
    case MemberEventType::kRefuted:
      return "refuted";
    case MemberEventType::kFailed:
      return "failed";
    case MemberEventType::kReturned:
      return "returned";
    case MemberEventType::kLeft:
      return "left";
    case MemberEventType::kMetaChanged:
      return "meta_changed";
    case MemberEventType::kReaped:
      return "reaped";
    case MemberEventType::kNameConflict:
      return "name_conflict";
    case MemberEventType::kExpelled:
      return "expelled";
  }
  return "unknown";
}

bool Outbox::empty() const { return datagrams.empty() && streams.empty() && events.empty(); }

void Outbox::clear() {
  datagrams.clear();
  streams.clear();
  events.clear();
}

}  // namespace hogwild::membership
