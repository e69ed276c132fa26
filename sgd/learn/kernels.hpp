#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "sgd/data/training_rows.hpp"
#include "sgd/learn/class_weight.hpp"
#include "sgd/learn/instruction_path.hpp"
#include "sgd/learn/loss.hpp"
#include "sgd/learn/row_queue.hpp"
#include "sgd/learn/sums_layout.hpp"

namespace hogwild::sgd {

/// What is frozen while a worker trains one window (docs/algorithm.md, "The worker").
struct WindowFrame {
  double lookahead = 1.0;                 ///< s: this worker's factor
  std::vector<double> denominator;        ///< a candidate: δ + λ·t at the window's start
  std::vector<double> lambda;             ///< a candidate
  std::vector<float> bias;                ///< a column: the intercept at the window's start
  std::vector<float> bias_step;           ///< a column: 0 without an intercept
  std::vector<ClassWeight> class_weight;  ///< a column
  double threshold = 0.0;                 ///< λ₁·t at the window's start
  double l1 = 0.0;                        ///< λ₁; 0: no sum is thresholded
  /// A candidate: −ℓ′ times the class weight is cut here. Only the squared hinge has no bound of
  /// its own.
  std::vector<float> largest_slope;

  WindowFrame(std::uint32_t candidates, std::uint32_t columns)
      : denominator(candidates, 1.0),
        lambda(candidates),
        bias(columns),
        bias_step(columns),
        class_weight(columns),
        largest_slope(candidates, std::numeric_limits<float>::max()) {}
};

/// What a worker gathered in one window besides its replica; the vectors have an entry a column.
struct WindowTally {
  std::uint64_t examples = 0;
  std::uint64_t nonzeros = 0;
  std::vector<std::uint64_t> errors;  ///< margins of 0 or less before their own update
  std::vector<double> curvature;      ///< Σ ℓ′²
  std::vector<double> loss;           ///< Σ ℓ of the examples before their own update
  std::vector<double> bias;           ///< what the intercept gained
  std::vector<float> scratch;         ///< the kernel's: kScratch floats a column
  std::vector<std::uint32_t> active;  ///< the kernel's: columns to update

  static constexpr std::size_t kScratch = 3;

  explicit WindowTally(std::uint32_t columns)
      : errors(columns),
        curvature(columns),
        loss(columns),
        bias(columns),
        scratch(kScratch * columns),
        active(columns) {}
};

/// The part of a private replica that training reads and writes, one entry a position
/// (feature·columns + column).
struct ReplicaView {
  float* u;                     ///< (q·S + s·P)·im
  const float* inverse_metric;  ///< im
  std::uint8_t* is_dirty;       ///< one a block: set where u was written; null: nobody asks
};

/// One block at an exchange: what was learned goes to `made`, and the replica is built anew.
/// Shapes: kBlock entries each; the last block of a run is filled up with positions that nobody
/// uses. No aliasing.
struct BlockExchange {
  float* u;
  float* start;                   ///< u as it was built
  float* inverse_metric;          ///< im = 1/(1 + ρ·sv)
  const float* metric;            ///< sv
  const float* metric_factor;     ///< ρ, the new one
  std::int32_t* made;             ///< W, claimed
  const std::int32_t* sent;       ///< Sent, claimed
  const std::int32_t* published;  ///< S: written meanwhile by the network thread
  float built_lookahead;          ///< s that u was built and trained with
  float lookahead;                ///< s from now on
  float cluster;                  ///< s_cluster from now on
};

/// What an exchange did to a block.
struct BlockOutcome {
  bool has_changed;     ///< some integer was added to `made`
  bool has_more;        ///< what was learned did not fit into one merge
  bool has_overflowed;  ///< some integer of `made` is past its range (PublishedSums::kLargestSum)
};

/// The learner's two hot loops for one instruction path.
struct Kernels {
  InstructionPath path;
  /// Σ value[i]·u[feature[i]] over `size` entries: the inner loop of training, and what bounds it.
  /// REQUIRES: 8 entries behind the last one are readable and name features.
  float (*sparse_dot)(const std::uint32_t* feature, const float* value, std::size_t size,
                      const float* u);
  /// Trains on `range` of `rows`, in order, in the private replica.
  ///
  /// margin = y·(Σ x_j·u_j / lt + b), lt = δ + λ·(t + s·n); g = −ℓ′ times the weight of the row's
  /// class; where g is not zero, for each j of the row: u_j += s·y·g·im_j·x_j. With λ₁ above 0 the
  /// margin has soft(u_j, τ·im_j) in place of u_j, τ = λ₁·(t + s·n) at the group's start. Rows go
  /// in groups (16, logistic 4; 1 with several columns): all margins of a group come before its
  /// updates. The tolerance against a naive sum: each margin is off by at most
  /// nnz·2⁻²³·Σ|x_j·u_j|/lt. Cost: a gather a nonzero, and for rows with a loss a read and a write
  /// more.
  void (*train_window)(const TrainingRows& rows, RowRange range, Loss loss,
                       const WindowFrame& frame, ReplicaView replica, WindowTally& tally);
  /// p = (u − start)/(im·s); k = round(p/q) is added to `made`, p − k·q stays in u, and u is built
  /// from q·(S + s_cluster·(W − Sent)) with the new ρ and s. A merge carries 2²² units a position
  /// at most; the rest of a larger p stays, and a p that is no number counts as the least.
  BlockOutcome (*exchange_block)(const BlockExchange& block);
};

/// The kernels of an available path. REQUIRES: is_available(path).
[[nodiscard]] const Kernels& kernels_of(InstructionPath path);

}  // namespace hogwild::sgd
