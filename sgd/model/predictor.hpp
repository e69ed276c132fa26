#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sgd/learn/measures.hpp"
#include "sgd/model/model_file.hpp"

namespace hogwild::sgd {

/// How predictions compare with the labels that rows have.
struct PredictionTally {
  std::uint64_t rows = 0;
  std::uint64_t labelled = 0;        ///< rows with a label
  std::uint64_t correct = 0;         ///< rows predicted as they are labelled; see Predictor
  std::uint64_t unknown_labels = 0;  ///< that the model has not
  MeasureTally measures{};           ///< of labelled rows; of all rows of a multi-label model

  PredictionTally& operator+=(PredictionTally&& other);
};

/// What a line tells of a row beside its label.
enum class PredictionForm : std::uint8_t { kLabels, kScores, kProbabilities };

/// Why the scores of a model are no probabilities; empty where they can be made some.
[[nodiscard]] std::string probability_complaint(const LinearModel& model);

/// A model made ready to predict: what a line says, and which column a label is.
///
/// Threads: const, any.
class Predictor {
 public:
  /// The model must outlive it. Labels 1, 2, … are written as `names`, where there are so many.
  /// REQUIRES: sigmoids of the model, where `form` is kProbabilities.
  Predictor(const LinearModel& model, PredictionForm form, std::span<const std::string> names = {});

  [[nodiscard]] const LinearModel& model() const { return model_; }
  [[nodiscard]] PredictionForm form() const { return form_; }
  /// Those of the model's columns; empty where its scores are no probabilities.
  [[nodiscard]] const Sigmoids& sigmoids() const { return sigmoids_; }
  /// The model's labels as measures have them: ascending.
  [[nodiscard]] std::vector<float> ascending_labels() const;
  /// Where label number `index` of the model is in that order.
  [[nodiscard]] std::uint32_t rank_of(std::size_t index) const { return ranks_[index]; }
  [[nodiscard]] const std::string& label_text(std::size_t index) const { return texts_[index]; }
  /// The weights of a feature (id less one), one a column; null where it has none.
  [[nodiscard]] const double* weights_of(std::uint32_t feature) const {
    const std::uint32_t place = feature < places_.size() ? places_[feature]
                                : has_all_places_        ? kNoPlace
                                                         : find_place(feature);
    return place == kNoPlace ? nullptr : model_.weight.data() + std::size_t{place} * column_count_;
  }
  /// The position of a label in the model's, or LabelEncoding::kNoColumn.
  [[nodiscard]] std::uint32_t index_of(float label) const;

 private:
  static constexpr std::uint32_t kNoPlace = 0xffffffffU;

  [[nodiscard]] std::uint32_t find_place(std::uint32_t feature) const;

  const LinearModel& model_;
  PredictionForm form_;
  Sigmoids sigmoids_;
  std::uint32_t column_count_;
  /// Where the model has each feature: a table, unless ids are so wide that it would be more than
  /// the model. Then it is empty, and they are searched.
  std::vector<std::uint32_t> places_;
  bool has_all_places_;
  std::vector<std::string> texts_;                          ///< one a label
  std::vector<std::pair<float, std::uint32_t>> positions_;  ///< by label
  std::vector<std::uint32_t> ranks_;                        ///< of the model's labels
};

/// Predicts row after row. Threads: one; each has its own.
///
/// A row gives a line:
///
///   one column    LABEL, with scores LABEL SCORE
///   more classes  LABEL, with scores LABEL LABEL:SCORE … in the model's order
///   multi-label   LABEL,LABEL… or nothing, with scores these and LABEL:SCORE …
///
/// so that the lines of a multi-label model are svmlight text themselves. With probabilities each
/// has LABEL:PROBABILITY … of all labels in the model's order, two classes as well.
///
/// Right is a row of one label that is the predicted one; with a multi-label model, one whose set
/// of labels is the predicted one. Labels that the model has not make a row wrong in the first
/// case, and are left out in the second.
class RowPredictor {
 public:
  explicit RowPredictor(const Predictor& predictor);

  /// Appends the line of a row to `out`; counts it. `labels` are those that it has. Features are
  /// 0-based; those that the model has not are passed over.
  /// Cost: for each entry one add a column, in double, in the order of the row.
  void predict(std::span<const std::uint32_t> features, std::span<const float> values,
               std::span<const float> labels, std::string& out);

  [[nodiscard]] const PredictionTally& tally() const { return tally_; }
  /// REQUIRES: no row is predicted afterwards.
  [[nodiscard]] PredictionTally take_tally() { return std::move(tally_); }

 private:
  void score(std::span<const std::uint32_t> features, std::span<const float> values);
  void append_winner(std::span<const float> labels, std::string& out);
  void append_set(std::span<const float> labels, std::string& out);
  /// Of the row's labels, which were counted already, against its scores.
  void measure(std::span<const float> labels, std::size_t winner);
  void append_scores(std::string& out) const;
  void append_probabilities(std::string& out);

  // Fixed after construction.
  const Predictor& predictor_;
  const LinearModel& model_;
  // Of the row at hand.
  std::vector<double> score_;        ///< one a column
  std::vector<double> probability_;  ///< one a label
  std::vector<bool> is_actual_;      ///< of a multi-label model: one a label
  // Gathered.
  PredictionTally tally_;
};

}  // namespace hogwild::sgd
