#include "sgd/data/declared_shape.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace hogwild::sgd {
namespace {

std::optional<std::string> undeclared_label(const DeclaredShape& shape, const TrainingSet& set) {
  if (shape.labels.empty()) return std::nullopt;
  for (const float label : seen_labels(set)) {
    if (std::ranges::binary_search(shape.labels, label)) continue;
    return "label " + label_text(label) + ", and --labels is " + shape.labels_text();
  }
  return std::nullopt;
}

std::optional<std::string> undeclared_feature(const DeclaredShape& shape, const TrainingSet& set) {
  if (shape.features == 0 || set.order.size() == 0) return std::nullopt;
  const std::uint32_t last = std::ranges::max(set.order.features());
  if (last < shape.features) return std::nullopt;
  return "feature " + std::to_string(last + 1) + ", and --features is " +
         std::to_string(shape.features);
}

/// `order` and after it, by id, all other features below `count`.
std::vector<std::uint32_t> all_features(const FeatureOrder& order, std::uint32_t count) {
  std::vector<std::uint32_t> all(order.features().begin(), order.features().end());
  all.reserve(count);
  for (std::uint32_t feature = 0; feature < count; ++feature) {
    if (order.rank_of(feature) == FeatureOrder::kNoRank) all.push_back(feature);
  }
  return all;
}

}  // namespace

std::string DeclaredShape::labels_text() const {
  std::string text;
  for (const float label : labels) {
    if (!text.empty()) text += ',';
    append_label(label, text);
  }
  return text;
}

std::optional<std::vector<float>> DeclaredShape::parse_labels(std::string_view text) {
  std::vector<float> labels;
  if (text.empty()) return labels;
  for (bool is_more = true; is_more;) {
    const std::size_t comma = text.find(',');
    is_more = comma != std::string_view::npos;
    std::string_view part = text.substr(0, comma);
    if (part.starts_with('+')) part.remove_prefix(1);
    float label = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), label);
    if (error != std::errc() || end != part.data() + part.size() || !std::isfinite(label)) {
      return std::nullopt;
    }
    labels.push_back(label);
    if (is_more) text.remove_prefix(comma + 1);
  }
  std::ranges::sort(labels);
  const bool is_set = std::ranges::adjacent_find(labels) == labels.end();
  if (!is_set || labels.size() < 2 || labels.size() > kMostColumns) return std::nullopt;
  return labels;
}

std::vector<float> seen_labels(const TrainingSet& set) {
  const LabelEncoding& labels = set.labels;
  std::vector<bool> is_seen(labels.labels.size());
  for (const float sign : set.rows.signs()) is_seen[sign > 0 ? 1 : 0] = true;
  for (const std::uint32_t column : set.rows.labels().positive()) is_seen[column] = true;
  std::vector<float> seen;
  for (std::size_t i = 0; i < is_seen.size(); ++i) {
    if (is_seen[i]) seen.push_back(labels.labels[i]);
  }
  return seen;
}

RowLabels labels_anew(const TrainingRows& rows, const LabelEncoding& from,
                      const LabelEncoding& to) {
  const auto positive_label = [&](std::uint64_t row) {
    return rows.sign(row) > 0 ? from.positive() : from.negative();
  };
  if (to.is_binary()) {  // then `from` is as well
    std::vector<float> sign(rows.row_count());
    for (std::uint64_t row = 0; row < rows.row_count(); ++row) {
      sign[row] = positive_label(row) == to.positive() ? 1.0F : -1.0F;
    }
    return RowLabels(std::move(sign));
  }
  std::vector<std::uint64_t> start(rows.row_count() + 1);
  std::vector<std::uint32_t> positive;
  for (std::uint64_t row = 0; row < rows.row_count(); ++row) {
    if (rows.column_count() == 1) {
      positive.push_back(to.column_of(positive_label(row)));
    } else {
      for (const std::uint32_t column : rows.positives(row)) {
        positive.push_back(to.column_of(from.labels[column]));  // both ascend
      }
    }
    start[row + 1] = positive.size();
  }
  return {to.column_count(), to.is_multilabel, std::move(start), std::move(positive)};
}

std::expected<void, std::string> declare(const DeclaredShape& shape, TrainingSet& set) {
  if (auto complaint = undeclared_label(shape, set)) return std::unexpected(std::move(*complaint));
  if (auto complaint = undeclared_feature(shape, set))
    return std::unexpected(std::move(*complaint));
  LabelEncoding labels = set.labels;
  if (!shape.labels.empty()) labels.labels = shape.labels;
  const std::uint32_t features = std::max(shape.features, set.rows.feature_count());
  if (auto complaint = size_complaint(features, labels.column_count()); !complaint.empty()) {
    return std::unexpected(std::move(complaint));
  }
  if (features > set.order.size()) {
    set.order = FeatureOrder::of_features(all_features(set.order, features));
    set.mean_square.resize(features, 0.0);
  }
  if (labels == set.labels) {
    set.rows.reshape(features);
  } else {
    set.rows.reshape(labels_anew(set.rows, set.labels, labels), features);
    set.labels = std::move(labels);
  }
  return {};
}

}  // namespace hogwild::sgd
