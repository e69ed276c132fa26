#include "sgd/model/predictor.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <iterator>

namespace hogwild::sgd {
namespace {

void append_number(double number, std::string& out) {
  char digits[32];
  out.append(std::begin(digits), std::to_chars(std::begin(digits), std::end(digits), number).ptr);
}

/// Ids that a table is made of in any case.
constexpr std::uint32_t kSmallTable = 1U << 20U;

}  // namespace

PredictionTally& PredictionTally::operator+=(PredictionTally&& other) {
  rows += other.rows;
  labelled += other.labelled;
  correct += other.correct;
  unknown_labels += other.unknown_labels;
  measures += std::move(other.measures);
  return *this;
}

std::string probability_complaint(const LinearModel& model) {
  if (!sigmoids_of(model.loss, model.sigmoids, model.column_count()).empty()) return {};
  return "the model's scores are no probabilities; expected one trained with --probabilities, or "
         "with the logistic loss";
}

Predictor::Predictor(const LinearModel& model, PredictionForm form,
                     std::span<const std::string> names)
    : model_(model),
      form_(form),
      sigmoids_(sigmoids_of(model.loss, model.sigmoids, model.column_count())),
      column_count_(model.column_count()),
      has_all_places_(model.feature_count <= kSmallTable ||
                      model.feature_count / 4 <= model.feature.size()) {
  if (has_all_places_) {
    places_.assign(model.feature_count, kNoPlace);
    for (std::uint32_t i = 0; i < model.feature.size(); ++i) places_[model.feature[i]] = i;
  }
  for (const float label : model.labels) {
    positions_.emplace_back(label, static_cast<std::uint32_t>(texts_.size()));
    const bool has_name = label >= 1.0F && label <= static_cast<float>(names.size());
    texts_.push_back(has_name ? names[static_cast<std::size_t>(label) - 1]
                              : sgd::label_text(label));
  }
  std::sort(positions_.begin(), positions_.end());
  ranks_.resize(positions_.size());
  for (std::uint32_t rank = 0; rank < positions_.size(); ++rank) {
    ranks_[positions_[rank].second] = rank;
  }
  assert(form != PredictionForm::kProbabilities || !sigmoids_.empty());
}

std::vector<float> Predictor::ascending_labels() const {
  std::vector<float> labels;
  for (const auto& [label, index] : positions_) labels.push_back(label);
  return labels;
}

std::uint32_t Predictor::find_place(std::uint32_t feature) const {
  const auto at = std::lower_bound(model_.feature.begin(), model_.feature.end(), feature);
  if (at == model_.feature.end() || *at != feature) return kNoPlace;
  return static_cast<std::uint32_t>(at - model_.feature.begin());
}

std::uint32_t Predictor::index_of(float label) const {
  const auto at = std::lower_bound(positions_.begin(), positions_.end(), std::pair{label, 0U});
  return at == positions_.end() || at->first != label ? LabelEncoding::kNoColumn : at->second;
}

RowPredictor::RowPredictor(const Predictor& predictor)
    : predictor_(predictor), model_(predictor.model()), score_(model_.column_count()) {
  tally_.measures = MeasureTally(model_.labels.size(), model_.is_multilabel);
  if (model_.is_multilabel) is_actual_.resize(model_.labels.size());
}

void RowPredictor::predict(std::span<const std::uint32_t> features, std::span<const float> values,
                           std::span<const float> labels, std::string& out) {
  score(features, values);
  tally_.rows += 1;
  tally_.labelled += labels.empty() ? 0U : 1U;
  if (model_.is_multilabel) {
    append_set(labels, out);
  } else {
    append_winner(labels, out);
  }
  if (predictor_.form() == PredictionForm::kScores) append_scores(out);
  if (predictor_.form() == PredictionForm::kProbabilities) append_probabilities(out);
  out += '\n';
}

void RowPredictor::score(std::span<const std::uint32_t> features, std::span<const float> values) {
  if (score_.size() == 1) {
    double sum = model_.intercept.empty() ? 0.0 : model_.intercept[0];
    for (std::size_t i = 0; i < features.size(); ++i) {
      const double* const weight = predictor_.weights_of(features[i]);
      if (weight != nullptr) sum += *weight * static_cast<double>(values[i]);
    }
    score_[0] = sum;
    return;
  }
  if (model_.intercept.empty()) {
    std::fill(score_.begin(), score_.end(), 0.0);
  } else {
    std::copy(model_.intercept.begin(), model_.intercept.end(), score_.begin());
  }
  const std::size_t columns = score_.size();
  double* const score = score_.data();
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double* const weight = predictor_.weights_of(features[i]);
    if (weight == nullptr) continue;
    const auto x = static_cast<double>(values[i]);
    for (std::size_t c = 0; c < columns; ++c) score[c] += weight[c] * x;
  }
}

void RowPredictor::append_winner(std::span<const float> labels, std::string& out) {
  const std::ptrdiff_t best = model_.column_count() == 1
                                  ? (score_[0] > 0.0 ? 0 : 1)
                                  : std::max_element(score_.begin(), score_.end()) - score_.begin();
  const auto winner = static_cast<std::size_t>(best);
  if (!labels.empty()) measure(labels, winner);
  tally_.correct += labels.size() == 1 && labels[0] == model_.labels[winner] ? 1U : 0U;
  for (const float label : labels) {
    tally_.unknown_labels += predictor_.index_of(label) == LabelEncoding::kNoColumn ? 1U : 0U;
  }
  out += predictor_.label_text(winner);
}

void RowPredictor::append_set(std::span<const float> labels, std::string& out) {
  for (const float label : labels) {
    const std::uint32_t c = predictor_.index_of(label);
    if (c == LabelEncoding::kNoColumn) {
      ++tally_.unknown_labels;
    } else {
      is_actual_[c] = true;
    }
  }
  tally_.measures.add_row();
  bool is_right = true;
  bool is_first = true;
  for (std::size_t c = 0; c < score_.size(); ++c) {
    const bool is_predicted = score_[c] > 0.0;
    is_right = is_right && is_predicted == is_actual_[c];
    tally_.measures.add_label(predictor_.rank_of(c), is_actual_[c], is_predicted);
    if (!predictor_.sigmoids().empty()) {
      const Sigmoid& sigmoid = predictor_.sigmoids()[c];
      tally_.measures.add_probability((is_actual_[c] ? sigmoid : sigmoid.opposite())(score_[c]));
    }
    is_actual_[c] = false;
    if (!is_predicted) continue;
    if (!is_first) out += ',';
    is_first = false;
    out += predictor_.label_text(c);
  }
  tally_.correct += is_right ? 1U : 0U;
}

void RowPredictor::measure(std::span<const float> labels, std::size_t winner) {
  const std::uint32_t index =
      labels.size() == 1 ? predictor_.index_of(labels[0]) : LabelEncoding::kNoColumn;
  const bool is_known = index != LabelEncoding::kNoColumn;
  tally_.measures.add_decision(is_known ? predictor_.rank_of(index) : MeasureTally::kNoLabel,
                               predictor_.rank_of(winner));
  if (!is_known) return;
  const Sigmoids& sigmoids = predictor_.sigmoids();
  if (score_.size() == 1) {
    // Scores speak for the model's first label, measures for the larger one.
    const bool is_first_larger = predictor_.rank_of(0) == 1;
    tally_.measures.add_score(predictor_.rank_of(index) == 1,
                              is_first_larger ? score_[0] : -score_[0]);
    if (sigmoids.empty()) return;
    const Sigmoid sigmoid = index == 0 ? sigmoids[0] : sigmoids[0].opposite();
    tally_.measures.add_probability(sigmoid(score_[0]));
  } else if (!sigmoids.empty()) {
    probability_ = score_;
    to_probabilities(sigmoids, false, probability_);
    tally_.measures.add_probability(probability_[index]);
  }
}

void RowPredictor::append_probabilities(std::string& out) {
  probability_ = score_;
  to_probabilities(predictor_.sigmoids(), model_.is_multilabel, probability_);
  if (score_.size() == 1) {
    probability_.push_back(predictor_.sigmoids()[0].opposite()(score_[0]));
  }
  for (std::size_t c = 0; c < probability_.size(); ++c) {
    out += ' ';
    out += predictor_.label_text(c);
    out += ':';
    append_number(probability_[c], out);
  }
}

void RowPredictor::append_scores(std::string& out) const {
  if (score_.size() == 1) {
    out += ' ';
    append_number(score_[0], out);
    return;
  }
  for (std::size_t c = 0; c < score_.size(); ++c) {
    out += ' ';
    out += predictor_.label_text(c);
    out += ':';
    append_number(score_[c], out);
  }
}

}  // namespace hogwild::sgd
