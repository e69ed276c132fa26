#include "daemon/initial_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "daemon/exit_code.hpp"
#include "sgd/data/block_hash.hpp"
#include "sgd/learn/loss.hpp"
#include "sgd/model/binary_model.hpp"

namespace hogwild::daemon {
namespace {

/// Rows that tell how large gradients are at the initial weights.
constexpr std::uint64_t kMostProbed = 10'000;

std::unexpected<DataFailure> refused(int exit_code, const InitialModel& initial,
                                     std::string_view why) {
  return std::unexpected(DataFailure{exit_code, fmt::format("--init {}: {}", initial.path, why)});
}

std::string labels_text(const std::vector<float>& labels) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, labels.size()); ++i) {
    text += (i > 0 ? ", " : "") + sgd::label_text(labels[i]);
  }
  return text + (labels.size() > kMost ? ", …" : "");
}

/// Where each column of a run finds its weights in a model.
struct ColumnSource {
  std::size_t column = 0;
  double sign = 1;
};

/// Empty where the model is of other labels.
std::vector<ColumnSource> column_sources(const sgd::LinearModel& model,
                                         const sgd::LabelEncoding& labels) {
  if (model.is_multilabel != labels.is_multilabel || model.labels.size() != labels.labels.size()) {
    return {};
  }
  std::vector<ColumnSource> sources;
  for (const float label : labels.labels) {
    const auto found = std::find(model.labels.begin(), model.labels.end(), label);
    if (found == model.labels.end()) return {};
    sources.push_back({static_cast<std::size_t>(found - model.labels.begin()), 1});
  }
  // Scores above 0 are for the model's first label, and for the larger one here.
  if (labels.is_binary()) return {{0, model.labels[0] == labels.positive() ? 1.0 : -1.0}};
  return sources;
}

/// The mean of (weight·ℓ′)², scaled, at `weights`, one a column.
std::vector<double> mean_squared_slopes(const sgd::Weights& weights, const sgd::Rule& rule,
                                        const sgd::TrainingRows& rows) {
  const std::size_t columns = weights.column_count();
  const std::uint64_t count = std::min(rows.row_count(), kMostProbed);
  std::vector<double> sums(columns);
  std::vector<double> score(columns);
  std::vector<float> sign(columns);
  for (std::uint64_t row = 0; row < count; ++row) {
    score = weights.bias;
    const auto features = rows.features(row);
    const auto values = rows.values(row);
    for (std::size_t i = 0; i < features.size(); ++i) {
      for (std::size_t c = 0; c < columns; ++c) {
        score[c] += static_cast<double>(values[i]) * weights.w[features[i] * columns + c];
      }
    }
    if (columns == 1) {
      sign[0] = rows.sign(row);
    } else {
      std::fill(sign.begin(), sign.end(), -1.0F);
      for (const std::uint32_t c : rows.positives(row)) sign[c] = 1.0F;
    }
    for (std::size_t c = 0; c < columns; ++c) {
      const sgd::ClassWeight weight =
          rule.class_weight.empty() ? sgd::ClassWeight{} : rule.class_weight[c];
      const auto slope = static_cast<double>(
          (sign[c] > 0 ? weight.positive : weight.negative) *
          sgd::negative_derivative(rule.loss, sign[c] * static_cast<float>(score[c])));
      sums[c] += slope * slope;
    }
  }
  for (double& sum : sums) {
    sum /=
        static_cast<double>(std::max<std::uint64_t>(1, count)) * rule.loss_scale * rule.loss_scale;
  }
  return sums;
}

}  // namespace

std::expected<std::shared_ptr<const InitialModel>, DataFailure> load_initial_model(
    const std::filesystem::path& path) {
  if (path.empty()) return nullptr;
  auto model = sgd::load_model(path.string());
  if (!model) {
    return std::unexpected(DataFailure{kBadData, "--init: " + model.error().message()});
  }
  const std::string bytes = sgd::to_binary(*model);
  const std::uint64_t hash = sgd::hash_block(std::as_bytes(std::span(bytes)));
  return std::make_shared<const InitialModel>(
      InitialModel{path.string(), std::move(*model), fmt::format("{:016x}", hash)});
}

std::expected<void, DataFailure> add_initial(const InitialModel& initial,
                                             const sgd::RunSettings& settings, TrainingData& data) {
  const sgd::LinearModel& model = initial.model;
  sgd::RunInfo info;
  info.settings = settings;
  info.constants = run_constants(data);
  const sgd::RunConstants& constants = info.constants;
  const sgd::Rule rule = info.rule();
  const auto sources = column_sources(model, constants.labels);
  if (sources.empty()) {
    return refused(kBadData, initial,
                   fmt::format("its labels are {} and those of the training rows {}; expected the "
                               "same ones",
                               labels_text(model.labels), labels_text(constants.labels.labels)));
  }
  if (!model.intercept.empty() && !settings.bias) {
    return refused(kUsage, initial, "it has an intercept; expected --bias too");
  }

  const std::size_t columns = sources.size();
  const std::size_t model_columns = model.column_count();
  sgd::Weights weights;
  weights.w.resize(constants.metric.size() * columns);
  weights.bias.assign(columns, 0.0);
  std::size_t used = 0;
  for (std::size_t rank = 0; rank < constants.file_index.size(); ++rank) {
    const auto found =
        std::lower_bound(model.feature.begin(), model.feature.end(), constants.file_index[rank]);
    if (found == model.feature.end() || *found != constants.file_index[rank]) continue;
    ++used;
    const auto place = static_cast<std::size_t>(found - model.feature.begin());
    for (std::size_t c = 0; c < columns; ++c) {
      weights.w[rank * columns + c] =
          sources[c].sign * std::ldexp(model.weight[place * model_columns + sources[c].column],
                                       -constants.scale_exponent);
    }
  }
  for (std::size_t c = 0; c < columns && !model.intercept.empty(); ++c) {
    weights.bias[c] = sources[c].sign * model.intercept[sources[c].column];
  }

  const sgd::SumsLayout layout = info.layout();
  const auto slopes = mean_squared_slopes(weights, rule, data.train->rows);
  sgd::SumsImage image{std::vector<std::int64_t>(layout.scalar_count()),
                       std::vector<std::int32_t>(layout.sum_count())};
  // Half of what stops a run, so that there is room to train.
  constexpr double kLargest = sgd::PublishedSums::kLargestSum / 2.0;
  constexpr double kLargestScalar = 0x1p62;
  bool fits = true;
  const auto units = [&fits](double amount, double unit, double largest) {
    const double rounded = std::nearbyint(amount / unit);
    fits = fits && std::abs(rounded) <= largest;  // false of what is no number
    return fits ? rounded : 0.0;
  };
  for (std::uint32_t c = 0; c < columns; ++c) {
    const double curvature =
        units(slopes[c] * rule.initial_examples, sgd::kCurvatureUnit, kLargestScalar);
    image.scalars[sgd::SumsLayout::curvature(c)] = static_cast<std::int64_t>(curvature);
    image.scalars[sgd::SumsLayout::bias(c)] =
        static_cast<std::int64_t>(units(weights.bias[c], sgd::kBiasUnit, kLargestScalar));
    const double metric_scale = std::sqrt(curvature * sgd::kCurvatureUnit + 1.0);
    for (std::size_t j = 0; j < constants.metric.size(); ++j) {
      const double w = weights.w[j * columns + c];
      if (w == 0.0) continue;
      const double denominator =
          rule.denominator(0) + static_cast<double>(constants.metric[j]) * metric_scale;
      const double sum = w * denominator + std::copysign(rule.threshold(0), w);
      image.sums[j * columns + c] = static_cast<std::int32_t>(units(sum, sgd::kSumUnit, kLargest));
    }
  }
  if (!fits) {
    return refused(kBadData, initial,
                   "its weights are too large to train on from; expected those of rows like these");
  }
  data.initial = std::make_shared<const sgd::SumsImage>(std::move(image));
  data.dropped_features = model.feature.size() - used;
  return {};
}

}  // namespace hogwild::daemon
