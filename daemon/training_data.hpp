#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "daemon/options.hpp"
#include "sgd/data/load_progress.hpp"
#include "sgd/data/training_rows.hpp"
#include "sgd/learn/evaluate.hpp"
#include "sgd/model/model_file.hpp"
#include "sgd/replica/data_transfer.hpp"
#include "sgd/replica/run_info.hpp"

namespace hogwild::daemon {

/// Why data could not be had, and the exit code that this deserves.
struct DataFailure {
  int exit_code;
  std::string message;
};

/// The training and test rows of one process, laid out as runs need them.
struct TrainingData {
  std::optional<sgd::TrainingSet> train;
  std::optional<sgd::TrainingRows> test;
  std::uint64_t test_fingerprint = 0;
  std::uint64_t unknown_test_entries = 0;  ///< test entries of features that no training row has
  std::uint64_t unknown_test_labels = 0;   ///< test labels that no training row has
  std::string test_source{};  ///< how anybody can make the test data, `synth:…`, or nothing
  double load_s = 0;          ///< wall time of reading and laying out
  std::shared_ptr<const sgd::SumsImage> initial{};  ///< what a run starts from; null: zeros
  std::uint64_t dropped_features = 0;               ///< of the initial model: in no training row
};

/// Loads what `learn` names, with `threads` threads. Blocks for as long as that takes; `progress`,
/// which may be null, says how far it is.
/// Errors: a source that is malformed (exit 2), rows or labels that cannot be used (exit 3).
[[nodiscard]] std::expected<TrainingData, DataFailure> load_training_data(
    const LearnOptions& learn, unsigned threads, sgd::LoadProgress* progress);

/// Test rows alone, laid out for a run whose training data is elsewhere.
[[nodiscard]] std::expected<TrainingData, DataFailure> load_test_data(
    const LearnOptions& learn, const sgd::RunConstants& constants, unsigned threads,
    sgd::LoadProgress* progress);

/// Caches that came from other members of a run, and what the user named or the run says.
struct FetchedData {
  std::string train_cache;  ///< path; empty: `learn.train` is to be loaded
  std::string test_cache;   ///< path; empty: `learn.test` is, where it is not empty
};

/// Data of a run of which some came from its members: checked against what the run says of it.
/// Errors: a cache that cannot be used, or is of other data (exit 3); those of
/// load_training_data().
[[nodiscard]] std::expected<TrainingData, DataFailure> load_fetched_data(
    const FetchedData& fetched, const LearnOptions& learn, const sgd::RunConstants& constants,
    unsigned threads, sgd::LoadProgress* progress);

/// The training or test rows of `data` as other members may fetch them; nothing where it has none.
/// The test rows come in the numbers of the training set, so they need no second order.
[[nodiscard]] std::optional<sgd::OfferedData> offered_data(std::shared_ptr<const TrainingData> data,
                                                           const sgd::RunConstants& constants,
                                                           sgd::DataPart part);

/// A private part in the order, scale and columns of its run; test data are read again.
/// Errors: what the run has no place for (exit 3), and those of load_training_data().
[[nodiscard]] std::expected<TrainingData, DataFailure> lay_out_part(
    const TrainingData& own, const LearnOptions& learn, const sgd::RunConstants& constants,
    unsigned threads, sgd::LoadProgress* progress);

/// What a run that trains on `data` has as its constants.
[[nodiscard]] sgd::RunConstants run_constants(const TrainingData& data);

/// The model of a run in the user's numbering and units; `sigmoids` where some were fitted.
[[nodiscard]] sgd::LinearModel linear_model(const sgd::Weights& weights, const sgd::RunInfo& info,
                                            const sgd::Sigmoids& sigmoids = {});

/// The recipe that a user named, as it is kept in models; nothing where none was. Error: it cannot
/// be read, or is none.
[[nodiscard]] std::expected<std::string, sgd::DataError> read_recipe(
    const std::filesystem::path& path);

/// The last rows of a run's training set, which it keeps back to fit sigmoids; perhaps none.
[[nodiscard]] sgd::RowSpan held_back(const sgd::RunInfo& info);
/// Why the rows are too few to keep some back; empty where they are not, or none are wanted.
[[nodiscard]] std::string held_back_complaint(const LearnOptions& learn, std::uint64_t rows);

}  // namespace hogwild::daemon
