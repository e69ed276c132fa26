#include "sgd/data/synthetic.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "sgd/data/alias_table.hpp"
#include "sgd/data/dataset_builder.hpp"
#include "sgd/data/decimal.hpp"
#include "sgd/data/entry_bitmap.hpp"
#include "sgd/data/parallel.hpp"
#include "sgd/data/xoshiro.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::uint32_t kTerms = 47'236;
constexpr std::uint32_t kTopics = 50;
constexpr std::uint64_t kCalibrationRows = 23'149;
constexpr double kTopicSpread = 0.7;    // tau
constexpr double kEffectDensity = 0.2;  // share of the terms that tell the classes apart
constexpr double kEffectSize = 1.0;     // kappa
constexpr double kLabelFlip = 0.04;
constexpr double kPositive = 0.474;
constexpr double kRepeat = 0.35;  // chance that a term comes once more
constexpr std::uint32_t kMostRepeats = 50;

// Streams of random numbers. The first three are those of documents.
constexpr std::uint64_t kTrainStream = 0;
constexpr std::uint64_t kTestStream = 1;
constexpr std::uint64_t kCalibrationStream = 2;
constexpr std::uint64_t kIdStream = 10;
constexpr std::uint64_t kTopicStream = 11;
constexpr std::uint64_t kEffectStream = 12;

/// How much more frequent a term is in documents of a class, as a logarithm.
struct ClassEffect {
  std::array<float, 2> of_class{};
};

/// How many mentions of each term to expect in a document, by rank: from the shares of documents
/// that have it, interpolated between these knots on logarithmic scales.
std::vector<double> term_intensities() {
  struct Knot {
    double rank;
    double share;
  };
  constexpr std::array<Knot, 15> kKnots{{{1, .56},
                                         {2, .43},
                                         {5, .38},
                                         {10, .29},
                                         {20, .247},
                                         {50, .164},
                                         {100, .1205},
                                         {200, .0765},
                                         {500, .0375},
                                         {1000, .018},
                                         {2000, .0066},
                                         {5000, .0015},
                                         {10000, .0004},
                                         {20000, .00011},
                                         {47236, .00004}}};
  std::vector<double> intensities(kTerms);
  std::size_t knot = 0;
  for (std::uint32_t i = 0; i < kTerms; ++i) {
    const double rank = i + 1.0;
    while (knot + 2 < kKnots.size() && rank > kKnots[knot + 1].rank) ++knot;
    const auto [rank0, share0] = kKnots[knot];
    const auto [rank1, share1] = kKnots[knot + 1];
    const double along = (std::log(rank) - std::log(rank0)) / (std::log(rank1) - std::log(rank0));
    const double share = std::exp(std::log(share0) + along * (std::log(share1) - std::log(share0)));
    intensities[i] = -std::log(1.0 - share);
  }
  return intensities;
}

/// Features by rank: a shuffle, since ids do not follow frequency in real data.
std::vector<std::uint32_t> shuffled_features(std::uint64_t seed) {
  std::vector<std::uint32_t> features(kTerms);
  std::iota(features.begin(), features.end(), 0U);
  Xoshiro256 random(seed, kIdStream, 0);
  for (std::uint32_t i = kTerms - 1; i > 0; --i) {
    std::swap(features[i], features[random.below(i + 1)]);
  }
  return features;
}

std::vector<ClassEffect> class_effects(std::uint64_t seed) {
  std::vector<ClassEffect> effects(kTerms);
  Xoshiro256 random(seed, kEffectStream, 0);
  for (ClassEffect& effect : effects) {
    const double chance = random.uniform();
    const double first = random.gauss();
    const double second = random.gauss();
    if (chance >= kEffectDensity) continue;
    effect.of_class = {static_cast<float>(kEffectSize * first),
                       static_cast<float>(kEffectSize * second)};
  }
  return effects;
}

AliasTable topic_table(std::uint64_t seed, std::uint32_t topic, std::span<const double> intensities,
                       std::span<const ClassEffect> effects) {
  const std::size_t topic_class = topic >= kTopics / 2 ? 1 : 0;
  std::vector<double> weights(kTerms);
  Xoshiro256 random(seed, kTopicStream, topic);
  for (std::uint32_t i = 0; i < kTerms; ++i) {
    const double effect = static_cast<double>(effects[i].of_class[topic_class]);
    const double mean = effect != 0.0 ? kEffectSize * kEffectSize / 2.0 : 0.0;
    weights[i] = intensities[i] * std::exp(kTopicSpread * random.gauss() -
                                           kTopicSpread * kTopicSpread / 2.0 + effect - mean);
  }
  return AliasTable(weights);
}

/// What all documents of a seed have in common.
struct World {
  std::vector<AliasTable> topics;
  std::vector<std::uint32_t> feature_of_rank;
};

World make_world(std::uint64_t seed, unsigned threads) {
  const std::vector<double> intensities = term_intensities();
  const std::vector<ClassEffect> effects = class_effects(seed);
  const double one = 1.0;
  World world{.topics = std::vector<AliasTable>(kTopics, AliasTable(std::span(&one, 1))),
              .feature_of_rank = shuffled_features(seed)};
  for_each_part(kTopics, threads, [&](std::size_t topic) {
    world.topics[topic] =
        topic_table(seed, static_cast<std::uint32_t>(topic), intensities, effects);
  });
  return world;
}

/// What is drawn first for a document; `random` goes on to its terms.
struct Opening {
  Xoshiro256 random;
  float label;
  std::uint32_t topic;
  std::size_t terms;  ///< different ones
};

Opening open_document(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  Xoshiro256 random(seed, stream, index);
  const bool is_positive = random.uniform() < kPositive;
  const bool is_flipped = random.uniform() < kLabelFlip;
  const std::uint64_t topic = random.below(kTopics / 2) + (is_positive ? kTopics / 2 : 0);
  const double length = std::round(std::exp(std::log(62.6) + 0.62 * random.gauss()));
  return {.random = random,
          .label = is_positive != is_flipped ? 1.0F : -1.0F,
          .topic = static_cast<std::uint32_t>(topic),
          .terms = static_cast<std::size_t>(std::clamp(length, 6.0, 600.0))};
}

/// Draws terms until there are `document.terms` different ones; calls add(rank, times) for each.
/// `seen` must be empty; the ranks stay in it.
template <class Add>
void draw_terms(Opening& document, const World& world, EntryBitmap& seen, const Add& add) {
  const AliasTable& table = world.topics[document.topic];
  for (std::size_t drawn = 0; drawn < document.terms;) {
    const std::uint32_t rank = table.draw(document.random.next());
    const std::uint32_t feature = world.feature_of_rank[rank];
    if (!seen.insert(feature)) continue;
    std::uint32_t times = 1;
    while (times < kMostRepeats && document.random.uniform() < kRepeat) ++times;
    add(feature, times);
    ++drawn;
  }
}

/// The weight of each feature by how rare it is in the calibration documents.
std::vector<float> inverse_frequencies(const World& world, std::uint64_t seed, unsigned threads) {
  constexpr std::size_t kStep = 512;
  std::vector<std::uint32_t> frequency(kTerms);
  for_each_range(kCalibrationRows, kStep, threads, [&](std::size_t first, std::size_t last) {
    EntryBitmap seen(kTerms);
    std::vector<std::uint32_t> features(kTerms);
    std::vector<float> unused(kTerms);
    for (std::size_t row = first; row < last; ++row) {
      Opening document = open_document(seed, kCalibrationStream, row);
      draw_terms(document, world, seen, [&](std::uint32_t feature, std::uint32_t /*times*/) {
        // Relaxed: only the totals matter, and they are read after the threads have ended.
        std::atomic_ref(frequency[feature]).fetch_add(1, std::memory_order_relaxed);
      });
      seen.drain(features.data(), unused.data());
    }
  });
  std::vector<float> weights(kTerms);
  for (std::uint32_t feature = 0; feature < kTerms; ++feature) {
    weights[feature] = static_cast<float>(std::log(static_cast<double>(kCalibrationRows) /
                                                   std::max(1.0, double{1} * frequency[feature])));
  }
  return weights;
}

/// Writes documents into the rows of a data set. Threads: one; each thread has its own.
class DocumentWriter {
 public:
  DocumentWriter(const World& world, std::span<const float> inverse_frequency)
      : world_(world), inverse_frequency_(inverse_frequency), entries_(kTerms) {
    for (std::uint32_t times = 1; times <= kMostRepeats; ++times) {
      repeat_weight_[times] = 1.0F + static_cast<float>(std::log(static_cast<double>(times)));
    }
  }

  /// Draws the terms of `document` and writes them, ascending. REQUIRES: room for all of them.
  void write(Opening& document, std::uint32_t* features, float* values) {
    drawn_.clear();
    double square_sum = 0.0;
    draw_terms(document, world_, entries_, [&](std::uint32_t feature, std::uint32_t times) {
      const float weight = repeat_weight_[times] * inverse_frequency_[feature];
      square_sum += static_cast<double>(weight) * static_cast<double>(weight);
      drawn_.emplace_back(feature, weight);
    });
    const auto factor = static_cast<float>(1.0 / std::sqrt(square_sum));
    for (const auto& [feature, weight] : drawn_) {
      entries_.set_value(feature, round_to_six_digits(weight * factor));
    }
    entries_.drain(features, values);
  }

 private:
  // Fixed after construction.
  const World& world_;
  std::span<const float> inverse_frequency_;
  std::array<float, kMostRepeats + 1> repeat_weight_{};
  // Scratch, kept for its memory.
  EntryBitmap entries_;
  std::vector<std::pair<std::uint32_t, float>> drawn_;
};

}  // namespace

std::string SyntheticOptions::name() const {
  return "synth:rcv1?n=" + std::to_string(rows) + "&seed=" + std::to_string(seed) +
         "&part=" + (part == DataPart::kTrain ? "train" : "test");
}

void feed_synthetic_rcv1(const SyntheticOptions& options, unsigned threads, RowSink& sink) {
  assert(options.rows >= 1 && options.rows <= kMaxSyntheticRows);
  constexpr std::size_t kStep = 512;
  const std::uint64_t stream = options.part == DataPart::kTrain ? kTrainStream : kTestStream;
  const World world = make_world(options.seed, threads);
  const std::vector<float> inverse_frequency = inverse_frequencies(world, options.seed, threads);
  for_each_range(options.rows, kStep, threads, [&](std::size_t first, std::size_t last) {
    DocumentWriter writer(world, inverse_frequency);
    std::vector<Opening> documents;
    std::uint64_t terms = 0;
    for (std::size_t row = first; row < last; ++row) {
      documents.push_back(open_document(options.seed, stream, row));
      terms += documents.back().terms;
    }
    Dataset part{.rows = SparseRows(documents.size(), terms)};
    std::uint64_t start = 0;
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const std::uint64_t end = start + documents[i].terms;
      part.label.push_back(documents[i].label);
      part.rows.starts()[i + 1] = end;
      writer.write(documents[i], part.rows.feature().data() + start,
                   part.rows.value().data() + start);
      start = end;
    }
    const auto features = std::as_const(part).rows.feature();
    part.feature_count = *std::max_element(features.begin(), features.end()) + 1;
    sink.take(std::move(part), first);
  });
}

Dataset make_synthetic_rcv1(const SyntheticOptions& options, unsigned threads) {
  DatasetBuilder builder;
  feed_synthetic_rcv1(options, threads, builder);
  return std::move(builder).finish(options.name(), threads);
}

}  // namespace hogwild::sgd
