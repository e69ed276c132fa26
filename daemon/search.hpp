#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "daemon/local_trainer.hpp"
#include "daemon/training_data.hpp"

namespace hogwild::daemon {

/// Which settings are tried, on what, and how long each is trained.
struct SearchPlan {
  std::vector<double> lambdas;  ///< one at least
  /// Parts of the training rows of which each is measured by a model of the others; 0: all rows
  /// train, and the test rows measure.
  unsigned folds = 0;
  LocalLimits limits;
  unsigned threads = 1;
};

/// What became of one setting: a figure a fold.
struct SearchResult {
  double lambda = 0;
  std::vector<double> losses{};  ///< NaN where its sums left their range
  std::vector<double> accuracies{};

  [[nodiscard]] double mean_loss() const;
};

/// Trains a model for each setting and fold, as many at a time as there are threads, each with one
/// thread on the same rows: with a seed the figures repeat bit for bit, for any number of threads.
///
/// A fold is a stretch of the training rows, which are shuffled. REQUIRES: as many rows as folds;
/// without folds, test rows. Memory: a learner of one thread for each model that trains at a time.
[[nodiscard]] std::vector<SearchResult> search(const TrainingData& data, const sgd::RunInfo& info,
                                               const sgd::Kernels& kernels, const SearchPlan& plan);

/// The setting of the smallest mean loss, the largest lambda of equal ones; nothing where none has
/// a finite one.
[[nodiscard]] const SearchResult* best_of(std::span<const SearchResult> results);

/// For people: a line a setting, in the order of `results`.
[[nodiscard]] std::string search_text(std::span<const SearchResult> results,
                                      const SearchResult* best);
/// For the report.
[[nodiscard]] boost::json::object search_json(std::span<const SearchResult> results,
                                              const SearchResult* best, unsigned folds);

}  // namespace hogwild::daemon
