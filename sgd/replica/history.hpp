#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// One evaluation of the run; rows of `val_stats.csv`. Unknown figures are NaN.
struct HistoryPoint {
  double t_seconds = 0.0;     ///< since the run's first update
  std::uint64_t updates = 0;  ///< of the cluster
  double train_loss =
      kUnknown;  ///< mean loss of examples before their own update, since the last row
  /// Fraction of right decisions before the own update; with several columns each is a decision.
  double train_accuracy = kUnknown;
  double test_loss = kUnknown;
  double test_accuracy = kUnknown;
  /// The best candidate (Rule) on the test data: the one that the figures are of.
  std::uint32_t candidate = 0;
};

/// How one of several candidates (Rule) does.
struct CandidateFigures {
  double test_loss = kUnknown;
  double test_accuracy = kUnknown;
};

/// Points that a run keeps; a longer run thins out none, it stops adding (and says so).
inline constexpr std::size_t kMostHistoryPoints = 100'000;

/// Whether a validation loss is an improvement on another: lower by more than 1e-4 of the value.
[[nodiscard]] bool is_improvement(double loss, double on);

/// How a run does, from its evaluations alone, so that whoever evaluates next sees the same.
struct Improvement {
  std::optional<std::size_t> best_row;  ///< with the best test loss so far
  std::uint64_t rows_since = 0;         ///< evaluated after it, none of them an improvement
};

/// Rows before the first epoch count for nothing, nor do rows without a test loss.
[[nodiscard]] Improvement improvement_of(std::span<const HistoryPoint> points,
                                         std::uint64_t rows_an_epoch);

void write_points(std::span<const HistoryPoint> points, ByteWriter& writer);
/// Reads what write_points() wrote; fails the reader on more than `most` points.
[[nodiscard]] std::vector<HistoryPoint> read_points(ByteReader& reader, std::size_t most);

}  // namespace hogwild::sgd
