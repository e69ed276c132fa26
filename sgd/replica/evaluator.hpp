#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "sgd/learn/sums_layout.hpp"
#include "sgd/replica/history.hpp"
#include "sgd/replica/run_info.hpp"
#include "sgd/replica/run_outbox.hpp"

namespace hogwild::sgd {

using Instant = std::chrono::steady_clock::time_point;

/// The state behind a row of the history, kept because none was better so far.
struct KeptState {
  std::uint64_t row = 0;
  SumsImage image;
};

/// Which state an evaluation measures, and so what its figures are for.
enum class EvaluationKind : std::uint8_t {
  kRow,   ///< the state as it is, for a row of the history
  kLast,  ///< the final state, of the training set too
  kKept,  ///< the kept state, of the training set too: it becomes the model
};

/// When a run is measured, one evaluation at a time, and the best state of those measured.
///
/// Every member has one, and only the nominee's is used: whoever becomes nominee goes on from the
/// history, which all have. Threads: network thread only. A core without I/O.
class Evaluator {
 public:
  Evaluator(const RunInfo& info, Instant now);

  /// Whether a state of so many examples should be measured now: by the interval, at 0.1, 0.2, 0.5
  /// and 1 epochs, and at each whole one. What was missed is not made up for.
  [[nodiscard]] bool is_due(std::uint64_t examples, Instant now);

  [[nodiscard]] bool is_busy() const { return current_.has_value(); }
  /// REQUIRES: !is_busy().
  /// `candidate`: the best one so far.
  [[nodiscard]] EvaluationRequest begin(EvaluationKind kind, SumsImage image, double at_s,
                                        std::uint32_t candidate);

  /// A finished evaluation.
  struct Outcome {
    EvaluationKind kind;
    HistoryPoint point;
    SumsImage image;
  };
  /// What the report completes, or nothing where it answers no evaluation under way. `before` is
  /// the history so far, `scalars_before` the counters at its newest row.
  [[nodiscard]] std::optional<Outcome> complete(const EvaluationReport& report,
                                                const std::vector<HistoryPoint>& before,
                                                const std::vector<std::int64_t>& scalars_before);

  [[nodiscard]] const std::optional<KeptState>& kept() const { return kept_; }
  void keep(KeptState state) { kept_ = std::move(state); }

 private:
  [[nodiscard]] std::uint64_t after_interval(std::uint64_t examples) const;

  struct Current {
    std::uint64_t number;
    EvaluationKind kind;
    double at_s;
    SumsImage image;
  };

  // Fixed after construction.
  std::uint32_t candidates_;
  std::uint32_t width_;  ///< columns of one candidate
  std::uint64_t rows_;
  double loss_scale_;
  Interval interval_;
  bool has_clock_;  ///< time may decide: it would make runs differ that should be equal
  // Network thread only.
  double next_mark_;
  Instant next_;
  std::uint64_t next_updates_ = 0;
  std::uint64_t last_number_ = 0;
  std::optional<Current> current_;
  std::optional<KeptState> kept_;
};

}  // namespace hogwild::sgd
