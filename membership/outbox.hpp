#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "membership/endpoint.hpp"
#include "membership/instant.hpp"
#include "membership/member.hpp"

namespace hogwild::membership {

/// Names one stream request until its answer or failure is handed back. Never 0, never used twice.
using StreamToken = std::uint64_t;

/// Why a stream brought no reply.
enum class StreamFailure {
  kRefused,  // connect was answered by a reset: the host lives and nobody listens
  kTimeout,  // no connection or no whole reply in time
  kClosed,   // connected, then closed or reset before the whole reply; unreachable host and network
             // too
};

[[nodiscard]] std::string_view to_string(StreamFailure failure);

/// One UDP datagram without the daemon's envelope.
struct Datagram {
  Endpoint to;
  std::vector<std::byte> bytes;
};

/// Connect by TCP, send `bytes`, await one reply, within `timeout` in all.
struct StreamRequest {
  StreamToken token = 0;
  Endpoint to;
  std::vector<std::byte> bytes;
  Duration timeout{0};
};

enum class MemberEventType {
  kJoined,        // seen for the first time, alive
  kSuspected,     // alive -> suspect
  kRefuted,       // suspect -> alive by its own higher incarnation
  kFailed,        // -> dead
  kReturned,      // dead -> alive by its own higher incarnation
  kLeft,          // -> left, by its own word
  kMetaChanged,   // alive, other meta or address
  kReaped,        // a dead or left member is listed no longer
  kNameConflict,  // the member named holds this node's name, is older and answers: this node must
                  // go
  kExpelled,  // the others hold that this node has left, which is final: it must restart to come
              // back
};

/// "joined", "suspected", …
[[nodiscard]] std::string_view to_string(MemberEventType type);

struct MemberEvent {
  MemberEventType type = MemberEventType::kJoined;
  Member member;         // as it is after the event
  std::string evidence;  // for a log line; never parsed
};

/// What one or several steps want done, in order. Filled by Swim, emptied by its caller.
struct Outbox {
  std::vector<Datagram> datagrams;
  std::vector<StreamRequest> streams;
  std::vector<MemberEvent> events;

  [[nodiscard]] bool empty() const;
  void clear();
};

}  // namespace hogwild::membership
