#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sgd/replica/ids.hpp"
#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

/// A lineage of rounds. Survivors that go on without a majority begin a new one: its number is one
/// more and it carries the id of who formed it, so two sides of a partition never make the same.
struct Epoch {
  std::uint64_t number = 0;
  PeerId former = 0;

  friend auto operator<=>(const Epoch&, const Epoch&) = default;
};

/// Who may coordinate: one member at most has won a ballot.
struct Ballot {
  Epoch epoch;
  std::uint64_t term = 0;

  friend auto operator<=>(const Ballot&, const Ballot&) = default;
};

/// Names a record. Within an epoch the larger of two is the newer.
struct RoundKey {
  Ballot ballot;
  std::uint64_t round = 0;

  friend auto operator<=>(const RoundKey&, const RoundKey&) = default;
};

/// One member's line in a record.
struct RosterEntry {
  OriginId origin = 0;  ///< the voter: a process that starts over is another one
  PeerId peer = 0;
  bool trains = false;
  bool is_old = false;        ///< votes as a member of the roster before this record
  bool is_new = false;        ///< votes as a member of the roster after it
  std::uint64_t through = 0;  ///< its deltas up to this number are part of the state

  friend bool operator==(const RosterEntry&, const RosterEntry&) = default;
};

/// One round's outcome: which deltas make up the state after it, and who votes on the next.
///
/// It says all that earlier ones said, so who holds the newest needs none of the others.
struct RoundRecord {
  RoundKey key;
  bool is_open = false;            ///< the next round trains; before that the founders gather
  std::uint64_t applied_hash = 0;  ///< Replica::applied_hash() of the state
  std::vector<RosterEntry> roster;

  [[nodiscard]] const RosterEntry* find(OriginId origin) const;
  friend bool operator==(const RoundRecord&, const RoundRecord&) = default;
};

/// From the coordinator to every member: the newest record, stored here, perhaps committed.
struct RoundBeat {
  OriginId origin = 0;
  std::uint64_t number = 0;  ///< of this beat; parts of one share it
  bool is_committed = false;
  std::uint64_t round_us = 0;  ///< how long members train in the next round
  RoundRecord record;          ///< its key's ballot is the coordinator's own
};

/// From a member to the coordinator: what it has, as state.
struct RoundReport {
  OriginId origin = 0;
  Ballot ballot;  ///< the newest that it knows of
  bool trains = false;
  bool is_leaving = false;
  bool is_member = false;         ///< counts itself in the roster
  RoundKey stored;                ///< it holds every delta of this record
  RoundKey committed;             ///< it has applied this one
  std::uint64_t contributed = 0;  ///< its part of this round is complete …
  std::uint64_t through = 0;      ///< … with its deltas up to this number
};

/// From a candidate: "would you", or "do you vote for me".
struct RoundCanvass {
  OriginId origin = 0;
  bool is_probe = false;
  Ballot ballot;    ///< the one that is asked for
  RoundKey stored;  ///< the candidate's newest record
};

/// The answer.
struct RoundVote {
  OriginId origin = 0;
  bool is_probe = false;
  bool is_granted = false;
  Ballot ballot;           ///< that was asked for
  std::uint64_t term = 0;  ///< of the voter
};

/// A datagram about rounds: one of these, by `kind`.
///
///     u8 4 (kRound), u8 kind, u64 run, u64 origin, then
///     1 beat      varint number, part, parts; u8 flags (1 committed, 2 open), ballot, varint
///     round,
///                 u64 applied_hash, varint round_us, varint count, entries of this part: u64
///                 origin, u64 peer, u8 flags (1 trains, 2 old, 4 new), varint through
///     2 report    u8 flags (1 trains, 2 leaving, 4 member), ballot, key, key, varint contributed,
///                 varint through
///     3 canvass   u8 probe, ballot, key
///     4 vote      u8 flags (1 probe, 2 granted), ballot, varint term
///     ballot      varint epoch number, u64 former, varint term; key: ballot, varint round
enum class RoundKind : std::uint8_t { kBeat = 1, kReport = 2, kCanvass = 3, kVote = 4 };

struct RoundMessage {
  RunId run = 0;
  RoundKind kind = RoundKind::kBeat;
  RoundBeat beat;
  std::uint32_t part = 0;  ///< of a beat whose roster needs several datagrams
  std::uint32_t parts = 1;
  RoundReport report;
  RoundCanvass canvass;
  RoundVote vote;
};

/// Members that one run's rosters can name.
inline constexpr std::size_t kMostVoters = 1024;

[[nodiscard]] std::vector<Bytes> encode_beat(RunId run, const RoundBeat& beat);
[[nodiscard]] Bytes encode_report_message(RunId run, const RoundReport& report);
[[nodiscard]] Bytes encode_canvass(RunId run, const RoundCanvass& canvass);
[[nodiscard]] Bytes encode_vote(RunId run, const RoundVote& vote);
/// One datagram; nothing when it is malformed.
[[nodiscard]] std::optional<RoundMessage> decode_round_message(std::span<const std::byte> datagram);

/// A record as it stands in snapshots.
void write_record(const RoundRecord& record, ByteWriter& writer);
[[nodiscard]] RoundRecord read_record(ByteReader& reader);
void write_ballot(const Ballot& ballot, ByteWriter& writer);
[[nodiscard]] Ballot read_ballot(ByteReader& reader);

}  // namespace hogwild::sgd
