#include "sgd/replica/round_messages.hpp"

#include <algorithm>

namespace hogwild::sgd {
namespace {

/// Entries are 17 bytes and a varint of at most 10.
constexpr std::size_t kEntriesAPart = 44;
constexpr std::size_t kMostParts = (kMostVoters + kEntriesAPart - 1) / kEntriesAPart;

void write_head(RunId run, RoundKind kind, OriginId origin, ByteWriter& writer) {
  writer.u8(static_cast<std::uint8_t>(MessageType::kRound));
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.u64(run);
  writer.u64(origin);
}

void write_key(const RoundKey& key, ByteWriter& writer) {
  write_ballot(key.ballot, writer);
  writer.varint(key.round);
}

RoundKey read_key(ByteReader& reader) {
  RoundKey key;
  key.ballot = read_ballot(reader);
  key.round = reader.counted();
  return key;
}

std::uint8_t bits(bool first, bool second, bool third = false) {
  return static_cast<std::uint8_t>((first ? 1 : 0) | (second ? 2 : 0) | (third ? 4 : 0));
}

void write_entries(std::span<const RosterEntry> entries, ByteWriter& writer) {
  writer.varint(entries.size());
  for (const RosterEntry& entry : entries) {
    writer.u64(entry.origin);
    writer.u64(entry.peer);
    writer.u8(bits(entry.trains, entry.is_old, entry.is_new));
    writer.varint(entry.through);
  }
}

std::vector<RosterEntry> read_entries(ByteReader& reader, std::size_t most) {
  const std::uint64_t count = reader.varint();
  if (count > most) reader.fail();
  std::vector<RosterEntry> entries;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    RosterEntry entry;
    entry.origin = reader.u64();
    entry.peer = reader.u64();
    const std::uint8_t flags = reader.u8();
    entry.trains = (flags & 1U) != 0;
    entry.is_old = (flags & 2U) != 0;
    entry.is_new = (flags & 4U) != 0;
    entry.through = reader.counted();
    if (entry.origin == 0 || flags > 7) reader.fail();
    entries.push_back(entry);
  }
  return entries;
}

void read_beat(ByteReader& reader, RoundMessage& message) {
  RoundBeat& beat = message.beat;
  beat.number = reader.counted();
  const std::uint64_t part = reader.varint();
  const std::uint64_t parts = reader.varint();
  if (part >= parts || parts > kMostParts) reader.fail();
  message.part = static_cast<std::uint32_t>(part);
  message.parts = static_cast<std::uint32_t>(parts);
  const std::uint8_t flags = reader.u8();
  beat.is_committed = (flags & 1U) != 0;
  beat.record.is_open = (flags & 2U) != 0;
  beat.record.key = read_key(reader);
  beat.record.applied_hash = reader.u64();
  beat.round_us = reader.counted();
  beat.record.roster = read_entries(reader, kEntriesAPart);
}

void read_report(ByteReader& reader, RoundReport& report) {
  const std::uint8_t flags = reader.u8();
  report.trains = (flags & 1U) != 0;
  report.is_leaving = (flags & 2U) != 0;
  report.is_member = (flags & 4U) != 0;
  report.ballot = read_ballot(reader);
  report.stored = read_key(reader);
  report.committed = read_key(reader);
  report.contributed = reader.counted();
  report.through = reader.counted();
}

}  // namespace

const RosterEntry* RoundRecord::find(OriginId origin) const {
  const auto at = std::find_if(roster.begin(), roster.end(),
                               [origin](const RosterEntry& e) { return e.origin == origin; });
  return at == roster.end() ? nullptr : &*at;
}

void write_ballot(const Ballot& ballot, ByteWriter& writer) {
  writer.varint(ballot.epoch.number);
  writer.u64(ballot.epoch.former);
  writer.varint(ballot.term);
}

Ballot read_ballot(ByteReader& reader) {
  Ballot ballot;
  ballot.epoch.number = reader.counted();
  ballot.epoch.former = reader.u64();
  ballot.term = reader.counted();
  return ballot;
}

void write_record(const RoundRecord& record, ByteWriter& writer) {
  write_key(record.key, writer);
  writer.u8(record.is_open ? 1 : 0);
  writer.u64(record.applied_hash);
  write_entries(record.roster, writer);
}

RoundRecord read_record(ByteReader& reader) {
  RoundRecord record;
  record.key = read_key(reader);
  record.is_open = reader.u8() != 0;
  record.applied_hash = reader.u64();
  record.roster = read_entries(reader, kMostVoters);
  return record;
}

std::vector<Bytes> encode_beat(RunId run, const RoundBeat& beat) {
  const std::span<const RosterEntry> all(beat.record.roster);
  const std::size_t parts =
      std::max<std::size_t>(1, (all.size() + kEntriesAPart - 1) / kEntriesAPart);
  std::vector<Bytes> datagrams(parts);
  for (std::size_t part = 0; part < parts; ++part) {
    ByteWriter writer(datagrams[part]);
    write_head(run, RoundKind::kBeat, beat.origin, writer);
    writer.varint(beat.number);
    writer.varint(part);
    writer.varint(parts);
    writer.u8(bits(beat.is_committed, beat.record.is_open));
    write_key(beat.record.key, writer);
    writer.u64(beat.record.applied_hash);
    writer.varint(beat.round_us);
    const std::size_t first = part * kEntriesAPart;
    write_entries(all.subspan(first, std::min(kEntriesAPart, all.size() - first)), writer);
  }
  return datagrams;
}

Bytes encode_report_message(RunId run, const RoundReport& report) {
  Bytes bytes;
  ByteWriter writer(bytes);
  write_head(run, RoundKind::kReport, report.origin, writer);
  writer.u8(bits(report.trains, report.is_leaving, report.is_member));
  write_ballot(report.ballot, writer);
  write_key(report.stored, writer);
  write_key(report.committed, writer);
  writer.varint(report.contributed);
  writer.varint(report.through);
  return bytes;
}

Bytes encode_canvass(RunId run, const RoundCanvass& canvass) {
  Bytes bytes;
  ByteWriter writer(bytes);
  write_head(run, RoundKind::kCanvass, canvass.origin, writer);
  writer.u8(canvass.is_probe ? 1 : 0);
  write_ballot(canvass.ballot, writer);
  write_key(canvass.stored, writer);
  return bytes;
}

Bytes encode_vote(RunId run, const RoundVote& vote) {
  Bytes bytes;
  ByteWriter writer(bytes);
  write_head(run, RoundKind::kVote, vote.origin, writer);
  writer.u8(bits(vote.is_probe, vote.is_granted));
  write_ballot(vote.ballot, writer);
  writer.varint(vote.term);
  return bytes;
}

std::optional<RoundMessage> decode_round_message(std::span<const std::byte> datagram) {
  ByteReader reader(datagram);
  RoundMessage message;
  if (reader.u8() != static_cast<std::uint8_t>(MessageType::kRound)) return std::nullopt;
  const std::uint8_t kind = reader.u8();
  message.kind = static_cast<RoundKind>(kind);
  message.run = reader.u64();
  const OriginId origin = reader.u64();
  switch (message.kind) {
    case RoundKind::kBeat:
      message.beat.origin = origin;
      read_beat(reader, message);
      break;
    case RoundKind::kReport:
      message.report.origin = origin;
      read_report(reader, message.report);
      break;
    case RoundKind::kCanvass:
      message.canvass.origin = origin;
      message.canvass.is_probe = reader.u8() != 0;
      message.canvass.ballot = read_ballot(reader);
      if (message.canvass.ballot.term == 0) reader.fail();  // nobody asks for votes of that
      message.canvass.stored = read_key(reader);
      break;
    case RoundKind::kVote: {
      message.vote.origin = origin;
      const std::uint8_t flags = reader.u8();
      message.vote.is_probe = (flags & 1U) != 0;
      message.vote.is_granted = (flags & 2U) != 0;
      message.vote.ballot = read_ballot(reader);
      message.vote.term = reader.counted();
      break;
    }
    default:
      return std::nullopt;
  }
  if (!reader.done() || origin == 0) return std::nullopt;
  return message;
}

}  // namespace hogwild::sgd
