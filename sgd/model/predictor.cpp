#include "sgd/model/predictor.hpp"

#include <algorithm>
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

PredictionTally& PredictionTally::operator+=(const PredictionTally& other) {
  rows += other.rows;
  labelled += other.labelled;
  correct += other.correct;
  unknown_labels += other.unknown_labels;
  if (labels.empty()) {
    labels = other.labels;
  } else {
    for (std::size_t i = 0; i < other.labels.size(); ++i) labels[i] += other.labels[i];
  }
  return *this;
}

Predictor::Predictor(const LinearModel& model, bool with_scores)
    : model_(model),
      with_scores_(with_scores),
      column_count_(model.column_count()),
      has_all_places_(model.feature_count <= kSmallTable ||
                      model.feature_count / 4 <= model.feature.size()) {
  if (has_all_places_) {
    places_.assign(model.feature_count, kNoPlace);
    for (std::uint32_t i = 0; i < model.feature.size(); ++i) places_[model.feature[i]] = i;
  }
  for (const float label : model.labels) {
    positions_.emplace_back(label, static_cast<std::uint32_t>(texts_.size()));
    texts_.push_back(sgd::label_text(label));
  }
  std::sort(positions_.begin(), positions_.end());
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
  if (model_.is_multilabel) tally_.labels.resize(model_.labels.size());
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
  if (predictor_.has_scores()) append_scores(out);
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
  tally_.correct += labels.size() == 1 && labels[0] == model_.labels[winner] ? 1U : 0U;
  for (const float label : labels) {
    tally_.unknown_labels += predictor_.index_of(label) == LabelEncoding::kNoColumn ? 1U : 0U;
  }
  out += predictor_.label_text(winner);
}

void RowPredictor::append_set(std::span<const float> labels, std::string& out) {
  std::size_t predicted = 0;
  for (std::size_t c = 0; c < score_.size(); ++c) {
    if (!(score_[c] > 0.0)) continue;
    if (predicted > 0) out += ',';
    out += predictor_.label_text(c);
    ++predicted;
    ++tally_.labels[c].predicted;
  }
  std::size_t known = 0;
  std::size_t both = 0;
  for (const float label : labels) {
    const std::uint32_t c = predictor_.index_of(label);
    if (c == LabelEncoding::kNoColumn) {
      ++tally_.unknown_labels;
      continue;
    }
    const bool is_found = score_[c] > 0.0;
    ++known;
    both += is_found ? 1U : 0U;
    tally_.labels[c].actual += 1;
    tally_.labels[c].both += is_found ? 1U : 0U;
  }
  tally_.correct += both == predicted && both == known ? 1U : 0U;
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
