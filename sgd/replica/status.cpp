#include "sgd/replica/status.hpp"

#include <utility>

namespace hogwild::sgd {
namespace {

constexpr std::size_t kMostRanges = 64;
constexpr std::size_t kMostPoints = 16;

enum Flag : std::uint8_t {
  kHasTrain = 1,
  kHasTest = 2,
  kIsLoaded = 4,
  kKnowsLinks = 8,
  kHasStop = 16,
  kHasRounds = 32,
  kIsPart = 64,
};

void write_ranges(const std::vector<SeqRange>& ranges, std::uint64_t from, ByteWriter& writer) {
  writer.varint(ranges.size());
  std::uint64_t end = from;
  for (const SeqRange& range : ranges) {
    writer.varint(range.first - end);
    writer.varint(range.last - range.first);
    end = range.last;
  }
}

std::vector<SeqRange> read_ranges(ByteReader& reader, std::uint64_t from, std::size_t most) {
  constexpr std::uint64_t kLargestSeq = ByteReader::kMostCounted;
  const std::uint64_t count = reader.counted();
  if (count > most) reader.fail();
  std::vector<SeqRange> ranges;
  std::uint64_t end = from;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint64_t gap = reader.varint();
    const std::uint64_t length = reader.varint();
    if (gap == 0 || gap > kLargestSeq || length > kLargestSeq || end > kLargestSeq) {
      reader.fail();
      break;
    }
    const std::uint64_t first = end + gap;
    end = first + length;
    ranges.push_back({first, end});
  }
  return ranges;
}

void write_head(const Status& status, ByteWriter& writer) {
  writer.u8(static_cast<std::uint8_t>(MessageType::kStatus));
  writer.u64(status.run);
  writer.u64(status.origin);
  writer.varint(status.number);
  writer.u8(static_cast<std::uint8_t>(status.phase));
  writer.u8(static_cast<std::uint8_t>(
      (status.has_train ? kHasTrain : 0) | (status.has_test ? kHasTest : 0) |
      (status.is_loaded ? kIsLoaded : 0) | (status.knows_links ? kKnowsLinks : 0) |
      (status.stop ? kHasStop : 0) | (status.rounds ? kHasRounds : 0) |
      (status.is_part ? kIsPart : 0)));
  writer.varint(status.joined_at);
  writer.varint(status.examples);
  writer.varint(status.last_seq);
  writer.varint(status.rate);
  writer.varint(status.first_epoch);
  writer.varint(status.epoch);
  writer.varint(status.position);
  writer.varint(status.kept_rows);
  writer.varint(status.resumable);
  writer.varint(status.part_rows);
  writer.varint(status.handovers.size());
  for (const Handover& handover : status.handovers) {
    for (const WalkProgress& place : {handover.from, handover.to}) {
      writer.varint(place.epoch);
      writer.varint(place.position);
    }
    writer.u64(handover.heir);
  }
  writer.u64(status.applied_hash);
  writer.u64(status.digest);
  writer.u64(status.final_id);
  if (status.stop) write_stop(*status.stop, writer);
  if (status.rounds) {
    write_ballot(status.rounds->ballot, writer);
    writer.varint(status.rounds->round);
    writer.u64(status.rounds->coordinator);
  }
  writer.varint(status.history_size);
  writer.varint(status.first_point);
  write_points(status.points, writer);
}

}  // namespace

std::vector<Bytes> encode_status(const Status& status) {
  std::vector<Bytes> parts;
  std::size_t next = 0;
  do {
    Bytes part;
    ByteWriter writer(part);
    write_head(status, writer);
    // The count comes before the entries, so they are measured first.
    Bytes entries;
    ByteWriter entry_writer(entries);
    std::uint64_t count = 0;
    while (next < status.coverage.size()) {
      Bytes entry;
      ByteWriter one(entry);
      write_coverage(status.coverage[next], one);
      if (count > 0 && part.size() + 2 + entries.size() + entry.size() > kLargestPayload) break;
      entry_writer.raw(std::span<const std::byte>(entry));
      ++count;
      ++next;
    }
    writer.varint(count);
    writer.raw(std::span<const std::byte>(entries));
    parts.push_back(std::move(part));
  } while (next < status.coverage.size());
  return parts;
}

std::optional<Status> decode_status(std::span<const std::byte> datagram) {
  ByteReader reader(datagram);
  Status status;
  if (reader.u8() != static_cast<std::uint8_t>(MessageType::kStatus)) return std::nullopt;
  status.run = reader.u64();
  status.origin = reader.u64();
  status.number = reader.counted();
  const std::uint8_t phase = reader.u8();
  if (phase > static_cast<std::uint8_t>(Phase::kDone)) return std::nullopt;
  status.phase = static_cast<Phase>(phase);
  const std::uint8_t flags = reader.u8();
  status.has_train = (flags & kHasTrain) != 0;
  status.has_test = (flags & kHasTest) != 0;
  status.is_loaded = (flags & kIsLoaded) != 0;
  status.knows_links = (flags & kKnowsLinks) != 0;
  status.is_part = (flags & kIsPart) != 0;
  status.joined_at = reader.counted();
  status.examples = reader.counted();
  status.last_seq = reader.counted();
  status.rate = reader.counted();
  status.first_epoch = reader.counted();
  status.epoch = reader.counted();
  status.position = reader.counted();
  status.kept_rows = reader.counted();
  status.resumable = reader.counted();
  status.part_rows = reader.counted();
  const std::uint64_t handovers = reader.counted();
  if (handovers > BlockPlan::kMostHandoversTold) reader.fail();
  for (std::uint64_t i = 0; i < handovers && reader.ok(); ++i) {
    Handover& handover = status.handovers.emplace_back();
    for (WalkProgress* place : {&handover.from, &handover.to}) {
      place->epoch = reader.counted();
      place->position = reader.counted();
    }
    handover.heir = reader.u64();
  }
  status.applied_hash = reader.u64();
  status.digest = reader.u64();
  status.final_id = reader.u64();
  if ((flags & kHasStop) != 0) status.stop = read_stop(reader);
  if ((flags & kHasRounds) != 0) {
    RoundStatus& rounds = status.rounds.emplace();
    rounds.ballot = read_ballot(reader);
    rounds.round = reader.counted();
    rounds.coordinator = reader.u64();
  }
  status.history_size = reader.counted();
  status.first_point = reader.counted();
  status.points = read_points(reader, kMostPoints);
  const std::uint64_t count = reader.counted();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    status.coverage.push_back(read_coverage(reader, kMostRanges));
  }
  const bool has_run = status.run != 0;
  if (!reader.done() || has_run != (status.phase != Phase::kNoRun) ||
      (status.phase >= Phase::kTraining && status.origin == 0)) {
    return std::nullopt;
  }
  return status;
}

Bytes encode_nack(const Nack& nack) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(static_cast<std::uint8_t>(MessageType::kNack));
  writer.u64(nack.run);
  writer.u64(nack.origin);
  write_ranges(nack.missing, 0, writer);
  return bytes;
}

std::optional<Nack> decode_nack(std::span<const std::byte> datagram) {
  ByteReader reader(datagram);
  Nack nack;
  if (reader.u8() != static_cast<std::uint8_t>(MessageType::kNack)) return std::nullopt;
  nack.run = reader.u64();
  nack.origin = reader.u64();
  nack.missing = read_ranges(reader, 0, kMostRanges);
  if (!reader.done()) return std::nullopt;
  return nack;
}

void write_coverage(const OriginCoverage& coverage, ByteWriter& writer) {
  writer.u64(coverage.origin);
  writer.varint(coverage.contiguous);
  write_ranges(coverage.beyond, coverage.contiguous, writer);
}

OriginCoverage read_coverage(ByteReader& reader, std::size_t most_ranges) {
  OriginCoverage coverage;
  coverage.origin = reader.u64();
  coverage.contiguous = reader.counted();
  coverage.beyond = read_ranges(reader, coverage.contiguous, most_ranges);
  return coverage;
}

void write_stop(const StopOrder& stop, ByteWriter& writer) {
  writer.varint(stop.examples);
  writer.u64(stop.peer);
  writer.text(std::string_view(stop.reason).substr(0, StopOrder::kMostReason));
}

StopOrder read_stop(ByteReader& reader) {
  StopOrder stop;
  stop.examples = reader.counted();
  stop.peer = reader.u64();
  stop.reason = reader.text(StopOrder::kMostReason);
  return stop;
}

}  // namespace hogwild::sgd
