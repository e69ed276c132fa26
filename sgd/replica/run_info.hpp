#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sgd/data/declared_shape.hpp"
#include "sgd/data/labels.hpp"
#include "sgd/learn/class_weight.hpp"
#include "sgd/learn/loss.hpp"
#include "sgd/learn/rule.hpp"
#include "sgd/learn/sigmoid.hpp"
#include "sgd/learn/sums_layout.hpp"
#include "sgd/replica/ids.hpp"
#include "sgd/replica/round_messages.hpp"
#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

/// "each so many updates, or so much time".
struct Interval {
  bool in_updates = false;
  std::uint64_t amount = 0;  ///< updates, or milliseconds

  /// The flag's spelling: `200i`, `5ms`.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<Interval> parse(std::string_view text);
  friend bool operator==(const Interval&, const Interval&) = default;
};

/// What the creator of a run fixes and every joiner gets. 0 switches a limit off.
struct RunSettings {
  std::string mode = "async";
  Loss loss = Loss::kHinge;
  std::vector<double> lambda{1e-4};  ///< in the user's units; several are candidates
  double l1 = 0;                     ///< in the user's units
  bool bias = false;
  bool probabilities = false;  ///< rows are held back to fit what makes them of scores
  ClassWeightSetting class_weight{};
  DeclaredShape shape{};             ///< what data may have beside what its rows have
  std::string init{};                ///< fingerprint of the model that it starts from; empty: zeros
  double epochs = 0;                 ///< passes over the rows by the cluster
  double max_time_s = 0;             ///< from the run's first update
  std::uint64_t updates = 0;         ///< of the cluster
  double min_loss = 0;               ///< validation loss to stop under
  std::uint64_t early_stopping = 0;  ///< evaluations without improvement after which it stops
  Interval loss_interval{false, 1000};
  Interval broadcast_interval{false, 5};
  std::uint32_t expect = 1;
  std::uint64_t seed = 0;
  bool is_sharded = false;   ///< each member trains on its own private part
  std::string recipe;        ///< names RunInfo::recipe: a hash of it, or nothing
  std::string train_source;  ///< only where anybody can make the data again: `synth:…`
  std::string test_source;

  [[nodiscard]] bool is_by_rounds() const { return mode == "sync"; }
  /// Rounds that do not look at a clock: equal seeds and members give equal bits.
  [[nodiscard]] bool is_reproducible() const {
    return is_by_rounds() && broadcast_interval.in_updates;
  }
  /// Flag names and values in a fixed order; what travels, what people see, what is compared.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> items() const;
  /// The inverse of items(): nothing when a name is unknown or missing or a value is malformed.
  [[nodiscard]] static std::optional<RunSettings> from_items(
      const std::vector<std::pair<std::string, std::string>>& items);
  friend bool operator==(const RunSettings&, const RunSettings&) = default;
};

/// What the creator's data fixed: shapes, scale, order and metric of the features.
struct RunConstants {
  std::uint64_t rows = 0;
  std::int32_t scale_exponent = 0;  ///< rows are trained multiplied by 2 to this power
  std::uint64_t train_fingerprint = 0;
  std::uint64_t test_fingerprint = 0;     ///< 0: no test data
  LabelEncoding labels{};                 ///< what the columns of the model are
  std::vector<std::uint64_t> positives;   ///< rows of each column's label
  std::vector<float> metric;              ///< sv, one a feature, in the run's order
  std::vector<std::uint32_t> file_index;  ///< the run's order: 0-based index in the data, by rank

  friend bool operator==(const RunConstants&, const RunConstants&) = default;
};

/// What a run goes on from that was begun with a checkpoint. It has an id of its own: members may
/// hold checkpoints of different ages, and equal ids must mean equal beginnings.
struct Resumed {
  RunId first_run = 0;        ///< the one that was begun from nothing: it names the whole line
  RunId from_run = 0;         ///< whose checkpoint it was
  std::uint64_t updates = 0;  ///< of the checkpoint: the run begins with them

  friend bool operator==(const Resumed&, const Resumed&) = default;
};

/// Of a run, and of a private part.
inline constexpr std::uint64_t kMostRows = std::uint64_t{1} << 40U;

/// A run: everything about it that never changes.
struct RunInfo {
  RunId id = 0;
  RunSettings settings;
  RunConstants constants;
  std::vector<PeerId> founders;  ///< members that share the first epoch
  std::optional<Resumed> resumed{};

  /// The same for a run and all that go on from its checkpoints.
  [[nodiscard]] RunId line() const { return resumed ? resumed->first_run : id; }
  /// Updates that it begins with.
  [[nodiscard]] std::uint64_t first_updates() const { return resumed ? resumed->updates : 0; }
  std::string recipe{};  ///< how raw data becomes rows, for the models (sgd/data/recipe.hpp)

  /// Rows that are trained on: all but those held back. An epoch is one pass over them.
  [[nodiscard]] std::uint64_t trained_rows() const {
    const bool holds_back = settings.probabilities && !settings.is_sharded;
    return constants.rows - held_back_rows(settings.loss, holds_back, constants.rows);
  }
  /// Models that are trained side by side (see Rule): one a value of lambda.
  [[nodiscard]] std::uint32_t candidate_count() const {
    return static_cast<std::uint32_t>(settings.lambda.size());
  }
  /// Why its models cannot be; empty where they can.
  [[nodiscard]] std::string size_complaint() const {
    return sgd::size_complaint(constants.metric.size(),
                               std::uint64_t{candidate_count()} * constants.labels.column_count());
  }
  [[nodiscard]] SumsLayout layout() const {
    return {static_cast<std::uint32_t>(constants.metric.size()),
            candidate_count() * constants.labels.column_count()};
  }
  /// How much rows count, one a column of a candidate; empty: 1 everywhere.
  [[nodiscard]] std::vector<ClassWeight> class_weights() const;
  /// See Rule.
  [[nodiscard]] double loss_scale() const;
  /// The learning rule on scaled rows and losses: λ′ = λ·c²/scale, λ₁′ = λ₁·c/scale.
  [[nodiscard]] Rule rule() const;
};

/// What settings call a recipe.
[[nodiscard]] std::string recipe_id(std::string_view recipe);

/// Whether each is a feature that a file may have, and none stands there twice.
[[nodiscard]] bool are_distinct(std::vector<std::uint32_t> features);
/// Why a run of these settings and constants cannot be; empty where it can.
[[nodiscard]] std::string model_complaint(const RunInfo& info);
/// Whether a run may last so long.
[[nodiscard]] bool is_duration(double seconds);

void write_run_info(const RunInfo& info, ByteWriter& writer);
/// Fails the reader, and gives nothing, where the bytes are no consistent run.
[[nodiscard]] std::optional<RunInfo> read_run_info(ByteReader& reader);

/// A run that begins, for founders that have its data and so know its constants: they need no
/// snapshot, which is large and takes a stream.
///
///     u8 5 (kFounding), u64 hash of the constants, f64 seconds since the run began, the run's id,
///     settings, fingerprint of the test data and founders; by rounds the first record
struct Founding {
  RunInfo info;  ///< decoded, its constants lack all but the fingerprint of the test data
  std::uint64_t constants_hash = 0;
  double elapsed_s = 0.0;
  std::optional<RoundRecord> round{};  ///< there exactly where the run is by rounds
};

[[nodiscard]] Bytes encode_founding(const Founding& founding);
/// Nothing when it is malformed.
[[nodiscard]] std::optional<Founding> decode_founding(std::span<const std::byte> datagram);
/// Of all but the fingerprint of the test data: equal constants, and as good as only those, have
/// equal hashes.
[[nodiscard]] std::uint64_t hash_of(const RunConstants& constants);

}  // namespace hogwild::sgd
