#include "daemon/training_data.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "daemon/exit_code.hpp"
#include "sgd/data/source.hpp"

namespace hogwild::daemon {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::unexpected<DataFailure> bad_data(const sgd::DataError& error) {
  return std::unexpected(DataFailure{kBadData, error.message()});
}

std::expected<sgd::Dataset, DataFailure> load(const std::string& text, sgd::DataPart part,
                                              unsigned threads, sgd::LoadProgress* progress) {
  const auto source = sgd::parse_data_source(text);
  if (!source) return std::unexpected(DataFailure{kUsage, source.error()});
  auto dataset = sgd::load_data(*source, part, threads, progress);
  if (!dataset) return bad_data(dataset.error());
  return std::move(*dataset);
}

std::expected<void, DataFailure> add_test(const LearnOptions& learn, const sgd::FeatureOrder& order,
                                          const sgd::LabelEncoding& labels,
                                          const sgd::RowScale& scale, unsigned threads,
                                          sgd::LoadProgress* progress, TrainingData& data) {
  auto dataset = load(learn.test, sgd::DataPart::kTest, threads, progress);
  if (!dataset) return std::unexpected(dataset.error());
  auto scoring = sgd::prepare_scoring(*dataset, order, labels, scale, threads);
  if (!scoring) return bad_data(scoring.error());
  data.test_fingerprint = dataset->fingerprint;
  data.test_source = dataset->shared_source;
  data.unknown_test_entries = scoring->unknown_entries;
  data.unknown_test_labels = scoring->unknown_labels;
  data.test = std::move(scoring->rows);
  return {};
}

/// Ranks in the order of the features that they stand for.
std::vector<std::uint32_t> ranks_by_feature(const std::vector<std::uint32_t>& features) {
  std::vector<std::uint32_t> ranks(features.size());
  std::iota(ranks.begin(), ranks.end(), 0U);
  std::sort(ranks.begin(), ranks.end(),
            [&](std::uint32_t a, std::uint32_t b) { return features[a] < features[b]; });
  return ranks;
}

}  // namespace

std::expected<TrainingData, DataFailure> load_training_data(const LearnOptions& learn,
                                                            unsigned threads,
                                                            sgd::LoadProgress* progress) {
  const Clock::time_point start = Clock::now();
  TrainingData data;
  {
    const auto source = sgd::parse_data_source(learn.train);
    if (!source) return std::unexpected(DataFailure{kUsage, source.error()});
    auto train = sgd::load_training(*source, threads, progress);
    if (!train) return bad_data(train.error());
    data.train = std::move(*train);
  }
  if (!learn.test.empty()) {
    const sgd::TrainingSet& train = *data.train;
    const auto added =
        add_test(learn, train.order, train.labels, train.scale, threads, progress, data);
    if (!added) return std::unexpected(added.error());
  }
  data.load_s = seconds_since(start);
  return data;
}

std::expected<TrainingData, DataFailure> load_test_data(const LearnOptions& learn,
                                                        const sgd::RunConstants& constants,
                                                        unsigned threads,
                                                        sgd::LoadProgress* progress) {
  const Clock::time_point start = Clock::now();
  TrainingData data;
  const auto order = sgd::FeatureOrder::of_features(constants.file_index);
  const sgd::RowScale scale{.factor = std::ldexp(1.0F, constants.scale_exponent)};
  const auto added = add_test(learn, order, constants.labels, scale, threads, progress, data);
  if (!added) return std::unexpected(added.error());
  data.load_s = seconds_since(start);
  return data;
}

sgd::RunConstants run_constants(const TrainingData& data) {
  const sgd::TrainingSet& train = *data.train;
  sgd::RunConstants constants;
  constants.rows = train.rows.row_count();
  constants.scale_exponent = std::ilogb(train.scale.factor);
  constants.train_fingerprint = train.fingerprint;
  constants.test_fingerprint = data.test_fingerprint;
  constants.labels = train.labels;
  constants.metric = sgd::metric_of(train.mean_square, train.rows.row_count());
  constants.file_index.assign(train.order.features().begin(), train.order.features().end());
  return constants;
}

sgd::LinearModel linear_model(const sgd::Weights& weights, const sgd::RunSettings& settings,
                              const sgd::RunConstants& constants) {
  sgd::LinearModel model = sgd::model_of(constants.labels);
  model.loss = settings.loss;
  const std::size_t columns = model.column_count();
  const double scale = std::ldexp(1.0, constants.scale_exponent);
  std::vector<double> row(columns);
  for (const std::uint32_t rank : ranks_by_feature(constants.file_index)) {
    const std::span<const double> scaled(&weights.w[rank * columns], columns);
    std::transform(scaled.begin(), scaled.end(), row.begin(), [&](double w) { return w * scale; });
    model.add_feature(constants.file_index[rank], row);
  }
  model.feature_count =
      *std::max_element(constants.file_index.begin(), constants.file_index.end()) + 1;
  if (settings.bias) model.intercept = weights.bias;
  return model;
}

}  // namespace hogwild::daemon
