#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sgd/replica/block_plan.hpp"
#include "sgd/replica/history.hpp"
#include "sgd/replica/ids.hpp"
#include "sgd/replica/replica.hpp"
#include "sgd/replica/round_messages.hpp"

namespace hogwild::sgd {

/// How far a member has come in its run. It only grows within a run.
enum class Phase : std::uint8_t {
  kNoRun = 0,      ///< waiting for members, for data, or for somebody with a run
  kJoining = 1,    ///< waits for the run's state; what it will lack must be kept for it
  kTraining = 2,   ///< holds the state; trains, or follows where it has no data
  kStopped = 3,    ///< published its last delta
  kConfirmed = 4,  ///< holds exactly the final state
  kDone = 5,       ///< knows that every live member does
};

/// Why and where a run ends. Of several the smallest (examples, peer) counts, for everybody.
struct StopOrder {
  std::uint64_t examples = 0;  ///< t at which it was given
  PeerId peer = 0;             ///< who gave it
  std::string reason;          ///< at most kMostReason bytes: `epochs`, `max_time`, …

  static constexpr std::size_t kMostReason = 40;
  [[nodiscard]] bool comes_before(const StopOrder& other) const {
    return std::pair(examples, peer) < std::pair(other.examples, other.peer);
  }
  friend bool operator==(const StopOrder&, const StopOrder&) = default;
};

/// How far a member is in a run by rounds.
struct RoundStatus {
  Ballot ballot;
  std::uint64_t round = 0;  ///< newest one that it has applied
  PeerId coordinator = 0;   ///< 0: it knows of none
};

/// What each member tells each other one, at most ten times a second while all goes well: the only
/// control message of a run besides NACK. Everything in it is state, so a lost one costs nothing.
///
///     u8      2 (kStatus)
///     u64     run (0: none), u64 origin
///     varint  number of this status; parts of one status share it
///     u8      phase, u8 flags (1 has training data, 2 has test data, 4 data is loaded,
///             8 knows the links, 16 a stop order follows, 32 rounds follow, 64 its data is a
///             private part)
///     varint  joined_at, examples, last_seq, rate, first_epoch, epoch, position, kept_rows,
///             resumable, part_rows
///     handovers  varint count; each varint epoch, position, epoch, position, u64 heir
///     u64     applied_hash, digest, final_id [stop]  varint examples, u64 peer, text
///     reason [round] varint epoch, u64 former, varint term, varint round, u64 coordinator points
///     varint history length, varint index of the first one here, points cover   varint count; each
///     u64 origin, varint contiguous, varint ranges; each range
///             varint first − previous end, varint length
struct Status {
  RunId run = 0;
  OriginId origin = 0;
  std::uint64_t number = 0;
  Phase phase = Phase::kNoRun;
  bool has_train = false;
  bool has_test = false;
  bool is_part = false;  ///< its training data is nobody else's
  bool is_loaded = false;
  bool knows_links = false;
  std::optional<StopOrder> stop;
  std::optional<RoundStatus> rounds;
  std::uint64_t joined_at = 0;  ///< t at which the member joined the run; 0 for founders
  std::uint64_t examples = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t rate = 0;         ///< updates a second over the last second; 0 unknown
  std::uint64_t first_epoch = 0;  ///< that it shares
  std::uint64_t epoch = 0;        ///< sampling progress
  std::uint64_t position = 0;
  std::vector<Handover> handovers;  ///< its newest ones
  std::uint64_t kept_rows = 0;      ///< 1 + the history row whose state is kept; 0: none is
  std::uint64_t resumable = 0;      ///< 1 + updates of its checkpoint; 0: it has none, or a run
  std::uint64_t part_rows = 0;      ///< of the private part that it trains on
  std::uint64_t applied_hash = 0;
  std::uint64_t digest = 0;
  std::uint64_t final_id = 0;  ///< 0: knows none
  std::uint64_t history_size = 0;
  std::uint64_t first_point = 0;
  std::vector<HistoryPoint> points;
  std::vector<OriginCoverage> coverage;
};

/// One datagram, or several where the coverage asks for it, each at most kLargestPayload.
[[nodiscard]] std::vector<Bytes> encode_status(const Status& status);
/// One datagram; nothing when it is malformed.
[[nodiscard]] std::optional<Status> decode_status(std::span<const std::byte> datagram);

/// "Send these again": u8 3 (kNack), u64 run, u64 origin, varint count, ranges as in a status.
struct Nack {
  RunId run = 0;
  OriginId origin = 0;
  std::vector<SeqRange> missing;
};
[[nodiscard]] Bytes encode_nack(const Nack& nack);
[[nodiscard]] std::optional<Nack> decode_nack(std::span<const std::byte> datagram);

/// Coverage as it stands in statuses and snapshots.
void write_coverage(const OriginCoverage& coverage, ByteWriter& writer);
[[nodiscard]] OriginCoverage read_coverage(ByteReader& reader, std::size_t most_ranges);

/// A stop order as it stands in statuses, snapshots and final records.
void write_stop(const StopOrder& stop, ByteWriter& writer);
[[nodiscard]] StopOrder read_stop(ByteReader& reader);

}  // namespace hogwild::sgd
