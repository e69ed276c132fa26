#include "daemon/training_data.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "daemon/exit_code.hpp"
#include "daemon/memory_allowance.hpp"
#include "sgd/data/cache.hpp"
#include "sgd/data/cache_image.hpp"
#include "sgd/data/recipe.hpp"
#include "sgd/data/source.hpp"
#include "sgd/learn/learner_memory.hpp"
#include "sgd/replica/part.hpp"

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

/// The test data that `learn` names, if any, laid out for the training data that is there.
std::expected<void, DataFailure> add_named_test(const LearnOptions& learn, unsigned threads,
                                                sgd::LoadProgress* progress, TrainingData& data) {
  if (learn.test.empty()) return {};
  const sgd::TrainingSet& train = *data.train;
  return add_test(learn, train.order, train.labels, train.scale, threads, progress, data);
}

/// Ranks in the order of the features that they stand for.
std::vector<std::uint32_t> ranks_by_feature(const std::vector<std::uint32_t>& features) {
  std::vector<std::uint32_t> ranks(features.size());
  std::iota(ranks.begin(), ranks.end(), 0U);
  std::sort(ranks.begin(), ranks.end(),
            [&](std::uint32_t a, std::uint32_t b) { return features[a] < features[b]; });
  return ranks;
}

std::expected<sgd::TrainingSet, DataFailure> open_cache(const std::string& path, unsigned threads,
                                                        sgd::LoadProgress* progress) {
  const auto cache = sgd::Cache::open(path, threads, progress);
  if (!cache) return bad_data(cache.error());
  return cache->training_set();
}

std::expected<void, DataFailure> check_memory(const std::string& what,
                                              const sgd::TrainingSet& train,
                                              const LearnOptions& learn, unsigned threads) {
  const std::uint64_t columns = learn.lambda.size() * train.labels.column_count();
  const std::uint64_t needed = sgd::learner_bytes(train.rows.feature_count(), columns, threads);
  auto complaint = memory_complaint("training on " + what + " with " +
                                        std::to_string(train.rows.feature_count()) +
                                        " features and " + std::to_string(threads) + " threads",
                                    needed, available_bytes());
  if (complaint.empty()) return {};
  return std::unexpected(DataFailure{kFailed, complaint + "; expected fewer threads or features"});
}

/// Training rows, wherever they came from, that fit with what training on them takes. Where the
/// rows themselves are more than the memory they are read as they are needed.
std::expected<void, DataFailure> take(const std::string& what, sgd::TrainingSet train,
                                      const LearnOptions& learn, unsigned threads,
                                      TrainingData& data) {
  if (auto fits = check_memory(what, train, learn, threads); !fits) return fits;
  if (train.rows.sparse().byte_count() > available_bytes()) train.rows.read_by_range();
  data.train = std::move(train);
  return {};
}

std::unexpected<DataFailure> other_data(std::string_view what) {
  return std::unexpected(DataFailure{
      kBadData, "the " + std::string(what) + " that came from other members is not the run's"});
}

sgd::RowScale scale_of(const sgd::RunConstants& constants) {
  return {.factor = std::ldexp(1.0F, constants.scale_exponent)};
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
    if (auto declared = sgd::declare(learn.shape, *train); !declared) {
      return std::unexpected(DataFailure{kBadData, learn.train + " has " + declared.error()});
    }
    auto complaint = sgd::class_weight_complaint(learn.class_weight, train->labels);
    if (!complaint.empty()) {
      return std::unexpected(DataFailure{kUsage, std::move(complaint)});
    }
    if (const auto taken = take(learn.train, std::move(*train), learn, threads, data); !taken) {
      return std::unexpected(taken.error());
    }
  }
  if (const auto added = add_named_test(learn, threads, progress, data); !added) {
    return std::unexpected(added.error());
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
  const auto added =
      add_test(learn, order, constants.labels, scale_of(constants), threads, progress, data);
  if (!added) return std::unexpected(added.error());
  data.load_s = seconds_since(start);
  return data;
}

std::expected<TrainingData, DataFailure> load_fetched_data(const FetchedData& fetched,
                                                           const LearnOptions& learn,
                                                           const sgd::RunConstants& constants,
                                                           unsigned threads,
                                                           sgd::LoadProgress* progress) {
  const Clock::time_point start = Clock::now();
  TrainingData data;
  if (fetched.train_cache.empty()) {
    LearnOptions train_only = learn;
    train_only.test.clear();
    auto loaded = load_training_data(train_only, threads, progress);
    if (!loaded) return loaded;
    data = std::move(*loaded);
  } else {
    auto train = open_cache(fetched.train_cache, threads, progress);
    if (!train) return std::unexpected(train.error());
    if (const auto taken = take("the run's data", std::move(*train), learn, threads, data);
        !taken) {
      return std::unexpected(taken.error());
    }
    sgd::RunConstants own = run_constants(data);
    own.test_fingerprint = constants.test_fingerprint;
    if (own != constants) return other_data("training data");
  }
  if (!fetched.test_cache.empty()) {
    auto test = open_cache(fetched.test_cache, threads, progress);
    if (!test) return std::unexpected(test.error());
    const auto features = test->order.features();
    if (test->fingerprint != constants.test_fingerprint || test->labels != constants.labels ||
        test->scale.factor != scale_of(constants).factor ||
        !std::equal(features.begin(), features.end(), constants.file_index.begin(),
                    constants.file_index.end())) {
      return other_data("test data");
    }
    data.test = std::move(test->rows);
    data.test_fingerprint = test->fingerprint;
  } else if (const auto added = add_named_test(learn, threads, progress, data); !added) {
    return std::unexpected(added.error());
  }
  data.load_s = seconds_since(start);
  return data;
}

std::expected<TrainingData, DataFailure> lay_out_part(const TrainingData& own,
                                                      const LearnOptions& learn,
                                                      const sgd::RunConstants& constants,
                                                      unsigned threads,
                                                      sgd::LoadProgress* progress) {
  const Clock::time_point start = Clock::now();
  TrainingData data;
  auto part = sgd::laid_out_for(*own.train, constants);
  if (!part) {
    return std::unexpected(DataFailure{kBadData, learn.train + ": " + part.error()});
  }
  if (const auto fits = check_memory(learn.train, *part, learn, threads); !fits) {
    return std::unexpected(fits.error());
  }
  data.train = std::move(*part);
  if (const auto added = add_named_test(learn, threads, progress, data); !added) {
    return std::unexpected(added.error());
  }
  data.load_s = seconds_since(start);
  return data;
}

std::optional<sgd::OfferedData> offered_data(std::shared_ptr<const TrainingData> data,
                                             const sgd::RunConstants& constants,
                                             sgd::DataPart part) {
  /// What an image views, and the image.
  struct Offer {
    std::shared_ptr<const TrainingData> data;
    sgd::FeatureOrder order;
    sgd::RowScale scale;
    sgd::LabelEncoding labels;
    std::vector<double> mean_square;
    std::optional<sgd::CacheImage> image;
  };
  const bool is_train = part == sgd::DataPart::kTrain;
  if (is_train ? !data->train.has_value() : !data->test.has_value()) return std::nullopt;
  auto offer = std::make_shared<Offer>();
  offer->data = std::move(data);
  const std::uint32_t feature_count =
      *std::max_element(constants.file_index.begin(), constants.file_index.end()) + 1;
  if (is_train) {
    const sgd::TrainingSet& train = *offer->data->train;
    offer->image.emplace(sgd::CacheParts{train.rows, train.order, train.labels, train.scale,
                                         train.mean_square, train.fingerprint, train.shared_source},
                         feature_count, 1);
  } else {
    // Made from what every node with these rows has, so that all give the same bytes.
    offer->order = sgd::FeatureOrder::of_features(constants.file_index);
    offer->scale = scale_of(constants);
    offer->labels = constants.labels;
    offer->mean_square.assign(constants.file_index.size(), 0.0);
    offer->image.emplace(sgd::CacheParts{*offer->data->test,
                                         offer->order,
                                         offer->labels,
                                         offer->scale,
                                         offer->mean_square,
                                         offer->data->test_fingerprint,
                                         {}},
                         feature_count, 1);
  }
  const sgd::CacheImage& image = *offer->image;
  return sgd::OfferedData{
      image.id(), image.file_bytes(),
      [offer](std::uint64_t offset, std::span<std::byte> out) { offer->image->read(offset, out); }};
}

sgd::RunConstants run_constants(const TrainingData& data) {
  const sgd::TrainingSet& train = *data.train;
  sgd::RunConstants constants;
  constants.rows = train.rows.row_count();
  constants.scale_exponent = std::ilogb(train.scale.factor);
  constants.train_fingerprint = train.fingerprint;
  constants.test_fingerprint = data.test_fingerprint;
  constants.labels = train.labels;
  constants.positives = sgd::count_positives(train.rows.labels());
  constants.metric = sgd::metric_of(train.mean_square, train.rows.row_count());
  constants.file_index.assign(train.order.features().begin(), train.order.features().end());
  return constants;
}

sgd::LinearModel linear_model(const sgd::Weights& weights, const sgd::RunInfo& info,
                              const sgd::Sigmoids& sigmoids) {
  const sgd::RunConstants& constants = info.constants;
  sgd::LinearModel model = sgd::model_of(constants.labels);
  model.loss = info.settings.loss;
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
  if (info.settings.bias) model.intercept = weights.bias;
  model.sigmoids = sigmoids;
  model.recipe = info.recipe;
  return model;
}

std::expected<std::string, sgd::DataError> read_recipe(const std::filesystem::path& path) {
  if (path.empty()) return {};
  const auto recipe = sgd::load_recipe(path.string());
  if (!recipe) return std::unexpected(recipe.error());
  return sgd::to_text(*recipe);
}

sgd::RowSpan held_back(const sgd::RunInfo& info) {
  return {info.trained_rows(), info.constants.rows};
}

std::string held_back_complaint(const LearnOptions& learn, std::uint64_t rows) {
  const bool wants = learn.probabilities && learn.loss != sgd::Loss::kLogistic;
  if (!wants || sgd::held_back_rows(learn.loss, true, rows) > 0) return {};
  return "--probabilities: " + std::to_string(rows) +
         " rows are too few to keep a tenth back; expected 10 or more, or --loss logistic";
}

}  // namespace hogwild::daemon
