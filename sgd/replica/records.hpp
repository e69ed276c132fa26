#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sgd/learn/measures.hpp"
#include "sgd/replica/evaluator.hpp"
#include "sgd/replica/history.hpp"
#include "sgd/replica/ids.hpp"
#include "sgd/replica/replica.hpp"
#include "sgd/replica/round_messages.hpp"
#include "sgd/replica/run_info.hpp"
#include "sgd/replica/status.hpp"

namespace hogwild::sgd {

/// Figures of a run's final model, measured once, by its finisher. Unknown ones are NaN.
struct RunResult {
  double test_loss = kUnknown;
  double test_accuracy = kUnknown;
  double objective = kUnknown;
  double micro_f1 = kUnknown;  ///< on the test data, of a multi-label set (sgd/learn/evaluate.hpp)
  double macro_f1 = kUnknown;
  double elapsed_s = 0.0;       ///< of the run when it stopped
  Measures measures{};          ///< on the test data; no rows where there is none
  Sigmoids sigmoids{};          ///< of the model, where rows were held back to fit them
  std::uint32_t candidate = 0;  ///< that is the model: all figures are its
  std::vector<CandidateFigures> candidates{};  ///< what it was chosen by, where there are several
};

/// The end of a run: which state is the final one, and how good it is. Made once, by one member,
/// and held by all before anybody exports.
struct FinalRecord {
  RunId run = 0;
  PeerId finisher = 0;
  std::uint64_t applied_hash = 0;
  std::uint64_t digest = 0;
  std::uint64_t examples = 0;
  StopOrder stop;
  RunResult result;
  std::vector<HistoryPoint> history{};  ///< whole; its last point is the final state
  /// The row whose state is the model, where one before the last was better.
  std::optional<std::uint64_t> kept_row{};
  std::uint64_t kept_digest = 0;  ///< of that state

  /// The row of the history that the model stands for. REQUIRES: a history.
  [[nodiscard]] std::uint64_t model_row() const { return kept_row.value_or(history.size() - 1); }
  /// Names the record in statuses; never 0.
  [[nodiscard]] std::uint64_t id() const;
};

/// File name and where it was uploaded to.
using Links = std::vector<std::pair<std::string, std::string>>;

/// Everything that a joiner needs to be a member of the run like any other.
struct Snapshot {
  RunInfo info;
  double elapsed_s = 0.0;
  ReplicaImage image;
  std::vector<HistoryPoint> history;
  std::optional<StopOrder> stop;
  std::optional<FinalRecord> final_record;
  std::optional<KeptState> kept;     ///< of the final record's row
  std::optional<RoundRecord> round;  ///< by rounds: the committed one, whose state the image is
};

/// What a member keeps of its run on disk, so that a whole cluster can be stopped and started
/// again.
struct RunState {
  std::uint64_t members = 0;  ///< that lived in the run, this one included
  double elapsed_s = 0.0;
  SumsImage sums;
  std::vector<HistoryPoint> history;
  std::optional<KeptState> kept;  ///< the best state so far
  std::optional<StopOrder> stop;
};

struct Checkpoint {
  RunInfo info;
  RunState state;
};

/// What a member tells about the end of its run, or how far the history is.
struct RunReport {
  std::vector<HistoryPoint> history;
  std::optional<FinalRecord> final_record;
  std::optional<KeptState> kept;  ///< of the final record's row
  std::optional<Links> links;
};

/// Requests over a stream: one each way. A reply is u8 1 and the content, or u8 0: "not now".
///
///     u8 1 (kSnapshot), u64 run    the run's state as it is at this moment
///     u8 2 (kReport),   u64 run    history, final record and the model's state, links
///     u8 3 (kKeptState), u64 run   the best state so far
///     u8 4 (kPart), u64 0          a summary of the member's private part, for who creates a run
enum class RequestType : std::uint8_t { kSnapshot = 1, kReport = 2, kKeptState = 3, kPart = 4 };

struct Request {
  RequestType type = RequestType::kSnapshot;
  RunId run = 0;
  std::uint64_t examples = 0;  ///< t of who asks
  PeerId asker = 0;

  friend bool operator==(const Request&, const Request&) = default;
};

[[nodiscard]] Bytes encode_request(const Request& request);
[[nodiscard]] std::optional<Request> decode_request(std::span<const std::byte> bytes);

[[nodiscard]] Bytes encode_refusal();
[[nodiscard]] Bytes encode_snapshot(const Snapshot& snapshot);
[[nodiscard]] Bytes encode_report(const RunReport& report);
[[nodiscard]] Bytes encode_kept_state(const KeptState& kept);
/// The run's description and its state apart: the first never changes.
[[nodiscard]] Bytes encode_checkpoint(const RunInfo& info, const RunState& state);
/// Nothing where the bytes are no consistent checkpoint.
[[nodiscard]] std::optional<Checkpoint> decode_checkpoint(std::span<const std::byte> bytes);
/// Nothing where the other side refused or the bytes are no consistent snapshot.
[[nodiscard]] std::optional<Snapshot> decode_snapshot(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<RunReport> decode_report(std::span<const std::byte> bytes,
                                                     const RunInfo& info);
[[nodiscard]] std::optional<KeptState> decode_kept_state(std::span<const std::byte> bytes,
                                                         const SumsLayout& layout);

}  // namespace hogwild::sgd
