#include "sgd/replica/records.hpp"

#include <algorithm>
#include <cmath>

#include "sgd/data/labels.hpp"
#include "sgd/data/mix64.hpp"
#include "sgd/learn/candidate.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::size_t kMostLinks = 32;
constexpr std::size_t kMostLinkText = 2048;

void write_measures(const Measures& measures, ByteWriter& writer) {
  writer.varint(measures.rows);
  if (measures.rows == 0) return;
  writer.u8(measures.is_multilabel ? 1 : 0);
  writer.varint(measures.labels.size());
  for (const LabelCounts& counts : measures.labels) {
    writer.varint(counts.actual);
    writer.varint(counts.predicted);
    writer.varint(counts.both);
  }
  writer.varint(measures.confusion.size());
  for (const std::uint64_t count : measures.confusion) writer.varint(count);
  writer.f64(measures.roc_auc);
  writer.f64(measures.log_loss);
}

Measures read_measures(ByteReader& reader) {
  Measures measures{.rows = reader.counted()};
  if (measures.rows == 0) return measures;
  measures.is_multilabel = reader.u8() == 1;
  const std::uint64_t labels = reader.varint();
  if (labels < 2 || labels > kMostColumns) reader.fail();
  for (std::uint64_t i = 0; i < labels && reader.ok(); ++i) {
    LabelCounts counts{.actual = reader.counted(), .predicted = reader.counted()};
    counts.both = reader.counted();
    measures.labels.push_back(counts);
  }
  const std::uint64_t cells = reader.varint();
  if (cells != 0 && (labels > kMostConfusedClasses || cells != labels * labels)) reader.fail();
  for (std::uint64_t i = 0; i < cells && reader.ok(); ++i) {
    measures.confusion.push_back(reader.counted());
  }
  measures.roc_auc = reader.f64();
  measures.log_loss = reader.f64();
  return measures;
}

void write_result(const RunResult& result, ByteWriter& writer) {
  writer.f64(result.test_loss);
  writer.f64(result.test_accuracy);
  writer.f64(result.objective);
  writer.f64(result.micro_f1);
  writer.f64(result.macro_f1);
  writer.f64(result.elapsed_s);
  write_measures(result.measures, writer);
  writer.varint(result.sigmoids.size());
  for (const Sigmoid& sigmoid : result.sigmoids) {
    writer.f64(sigmoid.slope);
    writer.f64(sigmoid.offset);
  }
  writer.varint(result.candidate);
  writer.varint(result.candidates.size());
  for (const CandidateFigures& figures : result.candidates) {
    writer.f64(figures.test_loss);
    writer.f64(figures.test_accuracy);
  }
}

RunResult read_result(ByteReader& reader) {
  RunResult result;
  result.test_loss = reader.f64();
  result.test_accuracy = reader.f64();
  result.objective = reader.f64();
  result.micro_f1 = reader.f64();
  result.macro_f1 = reader.f64();
  result.elapsed_s = reader.f64();
  result.measures = read_measures(reader);
  const std::uint64_t sigmoids = reader.varint();
  if (sigmoids > kMostColumns) reader.fail();
  for (std::uint64_t i = 0; i < sigmoids && reader.ok(); ++i) {
    const double slope = reader.f64();
    const double offset = reader.f64();
    if (!std::isfinite(slope) || !std::isfinite(offset)) reader.fail();
    result.sigmoids.push_back({slope, offset});
  }
  const std::uint64_t candidate = reader.varint();
  const std::uint64_t candidates = reader.varint();
  if (candidate >= kMostCandidates || candidates > kMostCandidates) reader.fail();
  result.candidate = static_cast<std::uint32_t>(candidate);
  for (std::uint64_t i = 0; i < candidates && reader.ok(); ++i) {
    const double test_loss = reader.f64();
    result.candidates.push_back({test_loss, reader.f64()});
  }
  return result;
}

void write_final(const FinalRecord& record, ByteWriter& writer) {
  writer.u64(record.run);
  writer.u64(record.finisher);
  writer.u64(record.applied_hash);
  writer.u64(record.digest);
  writer.varint(record.examples);
  write_stop(record.stop, writer);
  write_result(record.result, writer);
  write_points(record.history, writer);
  writer.varint(record.kept_row ? *record.kept_row + 1 : 0);
  writer.u64(record.kept_digest);
}

FinalRecord read_final(ByteReader& reader) {
  FinalRecord record;
  record.run = reader.u64();
  record.finisher = reader.u64();
  record.applied_hash = reader.u64();
  record.digest = reader.u64();
  record.examples = reader.counted();
  record.stop = read_stop(reader);
  record.result = read_result(reader);
  record.history = read_points(reader, kMostHistoryPoints);
  if (const std::uint64_t kept_rows = reader.counted(); kept_rows > 0) {
    record.kept_row = kept_rows - 1;
    if (kept_rows > record.history.size()) reader.fail();
  }
  record.kept_digest = reader.u64();
  return record;
}

void write_sums(const SumsImage& image, ByteWriter& writer) {
  writer.raw(std::span<const std::int64_t>(image.scalars));
  writer.raw(std::span<const std::int32_t>(image.sums));
}

SumsImage read_sums(const SumsLayout& layout, ByteReader& reader) {
  SumsImage image;
  image.scalars = reader.raw<std::int64_t>(layout.scalar_count());
  image.sums = reader.raw<std::int32_t>(layout.sum_count());
  return image;
}

void write_kept(const KeptState& kept, ByteWriter& writer) {
  writer.varint(kept.row);
  write_sums(kept.image, writer);
}

KeptState read_kept(const SumsLayout& layout, ByteReader& reader) {
  const std::uint64_t row = reader.counted();
  return {row, read_sums(layout, reader)};
}

void write_image(const ReplicaImage& image, ByteWriter& writer) {
  write_sums(image.sums, writer);
  writer.u64(image.digest);
  writer.u64(image.applied_hash);
  writer.varint(image.coverage.size());
  for (const OriginCoverage& coverage : image.coverage) write_coverage(coverage, writer);
  image.tally.write(writer);
}

ReplicaImage read_image(const SumsLayout& layout, ByteReader& reader) {
  ReplicaImage image;
  image.sums = read_sums(layout, reader);
  image.digest = reader.u64();
  image.applied_hash = reader.u64();
  const std::uint64_t count = reader.varint();
  if (count > Replica::kMostOrigins) reader.fail();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    image.coverage.push_back(read_coverage(reader, OriginWindow::kWindow));
  }
  image.tally = BlockTally::read(reader);
  return image;
}

/// Whether a state is what it says, and its tally of this run's blocks.
bool fits(const ReplicaImage& image, const RunInfo& info) {
  const std::uint64_t blocks = image.tally.blocks_an_epoch();
  return digest_of(image.sums) == image.digest &&
         image.sums.examples() <= ByteReader::kMostCounted &&
         (blocks == 0 ||
          (!info.settings.is_sharded && blocks == BlockPlan::block_count_of(info.trained_rows())));
}

/// Whether every row is of a candidate that the run has.
bool fits(const std::vector<HistoryPoint>& history, const RunInfo& info) {
  return std::ranges::all_of(
      history, [&](const HistoryPoint& point) { return point.candidate < info.candidate_count(); });
}

/// Whether a record's figures are of a model of this run, or there are none.
bool fits(const std::optional<FinalRecord>& record, const RunInfo& info) {
  if (!record) return true;
  const RunResult& result = record->result;
  const std::uint32_t columns = info.constants.labels.column_count();
  const std::size_t labels = columns == 1 ? 2 : columns;
  return record->run == info.id && !record->history.empty() &&
         (result.measures.rows == 0 || result.measures.labels.size() == labels) &&
         (result.sigmoids.empty() || result.sigmoids.size() == columns) &&
         result.candidate < info.candidate_count() &&
         (result.candidates.empty() || result.candidates.size() == info.candidate_count()) &&
         fits(record->history, info);
}

/// 1 and the content that `write` appends.
template <typename Write>
Bytes encode_reply(Write write) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(1);
  write(writer);
  return bytes;
}

}  // namespace

std::uint64_t FinalRecord::id() const {
  const std::uint64_t hash =
      mix64(run ^ mix64(finisher ^ mix64(applied_hash ^ mix64(digest ^ mix64(kept_digest)))));
  return hash == 0 ? 1 : hash;
}

Bytes encode_request(const Request& request) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(static_cast<std::uint8_t>(request.type));
  writer.u64(request.run);
  writer.varint(request.examples);
  writer.u64(request.asker);
  return bytes;
}

std::optional<Request> decode_request(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  const std::uint8_t type = reader.u8();
  Request request;
  request.run = reader.u64();
  request.examples = reader.counted();
  request.asker = reader.u64();
  if (!reader.done() || type < 1 || type > 4) return std::nullopt;
  request.type = static_cast<RequestType>(type);
  return request;
}

Bytes encode_refusal() { return {std::byte{0}}; }

Bytes encode_snapshot(const Snapshot& snapshot) {
  return encode_reply([&](ByteWriter& writer) {
    write_run_info(snapshot.info, writer);
    writer.f64(snapshot.elapsed_s);
    write_image(snapshot.image, writer);
    write_points(snapshot.history, writer);
    writer.u8(static_cast<std::uint8_t>((snapshot.stop ? 1 : 0) | (snapshot.final_record ? 2 : 0) |
                                        (snapshot.kept ? 4 : 0) | (snapshot.round ? 8 : 0)));
    if (snapshot.stop) write_stop(*snapshot.stop, writer);
    if (snapshot.final_record) write_final(*snapshot.final_record, writer);
    if (snapshot.kept) write_kept(*snapshot.kept, writer);
    if (snapshot.round) write_record(*snapshot.round, writer);
  });
}

Bytes encode_report(const RunReport& report) {
  return encode_reply([&](ByteWriter& writer) {
    write_points(report.history, writer);
    writer.u8(static_cast<std::uint8_t>((report.final_record ? 1 : 0) | (report.links ? 2 : 0) |
                                        (report.kept ? 4 : 0)));
    if (report.final_record) write_final(*report.final_record, writer);
    if (report.kept) write_kept(*report.kept, writer);
    if (report.links) {
      writer.varint(report.links->size());
      for (const auto& [name, link] : *report.links) {
        writer.text(name);
        writer.text(link);
      }
    }
  });
}

std::optional<Snapshot> decode_snapshot(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  if (reader.u8() != 1) return std::nullopt;
  auto info = read_run_info(reader);
  if (!info) return std::nullopt;
  Snapshot snapshot;
  snapshot.info = std::move(*info);
  snapshot.elapsed_s = reader.f64();
  snapshot.image = read_image(snapshot.info.layout(), reader);
  snapshot.history = read_points(reader, kMostHistoryPoints);
  const std::uint8_t flags = reader.u8();
  if ((flags & 1U) != 0) snapshot.stop = read_stop(reader);
  if ((flags & 2U) != 0) snapshot.final_record = read_final(reader);
  if ((flags & 4U) != 0) snapshot.kept = read_kept(snapshot.info.layout(), reader);
  if ((flags & 8U) != 0) snapshot.round = read_record(reader);
  const bool is_consistent =
      reader.done() && is_duration(snapshot.elapsed_s) && fits(snapshot.image, snapshot.info) &&
      (snapshot.round || !snapshot.info.settings.is_by_rounds()) &&
      fits(snapshot.history, snapshot.info) && fits(snapshot.final_record, snapshot.info);
  if (!is_consistent) return std::nullopt;
  return snapshot;
}

std::optional<RunReport> decode_report(std::span<const std::byte> bytes, const RunInfo& info) {
  ByteReader reader(bytes);
  if (reader.u8() != 1) return std::nullopt;
  RunReport report;
  report.history = read_points(reader, kMostHistoryPoints);
  const std::uint8_t flags = reader.u8();
  if ((flags & 1U) != 0) report.final_record = read_final(reader);
  if ((flags & 4U) != 0) report.kept = read_kept(info.layout(), reader);
  if ((flags & 2U) != 0) {
    const std::uint64_t count = reader.varint();
    if (count > kMostLinks) reader.fail();
    Links links;
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
      std::string name = reader.text(kMostLinkText);
      links.emplace_back(std::move(name), reader.text(kMostLinkText));
    }
    report.links = std::move(links);
  }
  if (!reader.done() || !fits(report.history, info) || !fits(report.final_record, info)) {
    return std::nullopt;
  }
  return report;
}

Bytes encode_checkpoint(const RunInfo& info, const RunState& state) {
  Bytes bytes;
  ByteWriter writer(bytes);
  write_run_info(info, writer);
  writer.varint(state.members);
  writer.f64(state.elapsed_s);
  write_sums(state.sums, writer);
  writer.u64(digest_of(state.sums));
  write_points(state.history, writer);
  writer.u8(static_cast<std::uint8_t>((state.kept ? 1 : 0) | (state.stop ? 2 : 0)));
  if (state.kept) write_kept(*state.kept, writer);
  if (state.stop) write_stop(*state.stop, writer);
  return bytes;
}

std::optional<Checkpoint> decode_checkpoint(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  auto info = read_run_info(reader);
  if (!info) return std::nullopt;
  Checkpoint checkpoint{std::move(*info), {}};
  RunState& state = checkpoint.state;
  const SumsLayout layout = checkpoint.info.layout();
  state.members = reader.counted();
  state.elapsed_s = reader.f64();
  state.sums = read_sums(layout, reader);
  const std::uint64_t digest = reader.u64();
  state.history = read_points(reader, kMostHistoryPoints);
  const std::uint8_t flags = reader.u8();
  if ((flags & 1U) != 0) state.kept = read_kept(layout, reader);
  if ((flags & 2U) != 0) state.stop = read_stop(reader);
  const bool is_consistent = reader.done() && flags < 4 && std::isfinite(state.elapsed_s) &&
                             state.elapsed_s >= 0 && digest_of(state.sums) == digest &&
                             fits(state.history, checkpoint.info);
  if (!is_consistent) return std::nullopt;
  // A row may have been measured on a state that the writer did not have yet.
  while (!state.history.empty() && state.history.back().updates > state.sums.examples()) {
    state.history.pop_back();
  }
  if (state.kept && state.kept->row >= state.history.size()) state.kept.reset();
  return checkpoint;
}

Bytes encode_kept_state(const KeptState& kept) {
  return encode_reply([&](ByteWriter& writer) { write_kept(kept, writer); });
}

std::optional<KeptState> decode_kept_state(std::span<const std::byte> bytes,
                                           const SumsLayout& layout) {
  ByteReader reader(bytes);
  if (reader.u8() != 1) return std::nullopt;
  KeptState kept = read_kept(layout, reader);
  if (!reader.done()) return std::nullopt;
  return kept;
}

}  // namespace hogwild::sgd
