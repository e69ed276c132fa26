#include "sgd/learn/measures.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <memory>
#include <thread>

#include "sgd/learn/row_scores.hpp"

namespace hogwild::sgd {
namespace {

constexpr double kLossUnit = 1.0 / (1 << 26);

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

template <typename Measure>
double mean_over(std::span<const LabelCounts> labels, Measure measure) {
  double sum = 0.0;
  for (const LabelCounts& counts : labels) sum += measure(counts);
  return labels.empty() ? 0.0 : sum / static_cast<double>(labels.size());
}

void append(std::vector<double>& to, std::vector<double>&& from) {
  if (to.empty()) {
    to = std::move(from);
  } else {
    to.insert(to.end(), from.begin(), from.end());
  }
}

/// Measures rows. Threads: one.
class RowMeasurer {
 public:
  RowMeasurer(const Weights& weights, const TrainingRows& rows, const Sigmoids& sigmoids)
      : weights_(weights),
        rows_(rows),
        sigmoids_(sigmoids),
        score_(rows.column_count()),
        tally_(rows.column_count() == 1 ? 2 : rows.column_count(), rows.labels().is_multilabel()) {}

  void add(std::uint64_t row) {
    if (score_.size() == 1) return add_of_two(row);
    scores_of(weights_, rows_, row, score_);
    if (rows_.labels().is_multilabel()) return add_set(rows_.positives(row));
    add_class(rows_.positives(row));
  }

  [[nodiscard]] MeasureTally take() { return std::move(tally_); }

 private:
  void add_of_two(std::uint64_t row) {
    const double score = score_of(weights_, rows_, row);
    const bool is_positive = rows_.sign(row) > 0.0F;
    tally_.add_decision(is_positive ? 1 : 0, score > 0.0 ? 1 : 0);
    tally_.add_score(is_positive, score);
    if (sigmoids_.empty()) return;
    const Sigmoid& positive = sigmoids_[0];
    tally_.add_probability(is_positive ? positive(score) : positive.opposite()(score));
  }

  void add_class(std::span<const std::uint32_t> positives) {
    const auto best = std::max_element(score_.begin(), score_.end()) - score_.begin();
    const bool is_known = positives.size() == 1;
    tally_.add_decision(is_known ? positives[0] : MeasureTally::kNoLabel,
                        static_cast<std::uint32_t>(best));
    if (sigmoids_.empty() || !is_known) return;
    to_probabilities(sigmoids_, false, score_);
    tally_.add_probability(score_[positives[0]]);
  }

  void add_set(std::span<const std::uint32_t> positives) {
    tally_.add_row();
    auto next = positives.begin();
    for (std::size_t c = 0; c < score_.size(); ++c) {
      const bool is_actual = next != positives.end() && *next == c;
      if (is_actual) ++next;
      tally_.add_label(c, is_actual, score_[c] > 0.0);
      if (sigmoids_.empty()) continue;
      const Sigmoid& positive = sigmoids_[c];
      tally_.add_probability(is_actual ? positive(score_[c]) : positive.opposite()(score_[c]));
    }
  }

  // Fixed after construction.
  const Weights& weights_;
  const TrainingRows& rows_;
  const Sigmoids& sigmoids_;
  // Of the row at hand.
  std::vector<double> score_;
  // Gathered.
  MeasureTally tally_;
};

}  // namespace

double precision_of(const LabelCounts& counts) { return ratio(counts.both, counts.predicted); }

double recall_of(const LabelCounts& counts) { return ratio(counts.both, counts.actual); }

double f1_of(const LabelCounts& counts) {
  return ratio(2 * counts.both, counts.actual + counts.predicted);  // 2·tp + fp + fn
}

double Measures::majority_accuracy() const {
  std::uint64_t most = 0;
  for (const LabelCounts& counts : labels) most = std::max(most, counts.actual);
  return ratio(most, rows);
}

double Measures::balanced_accuracy() const {
  double sum = 0.0;
  std::size_t present = 0;
  for (const LabelCounts& counts : labels) {
    if (counts.actual == 0) continue;
    sum += recall_of(counts);
    ++present;
  }
  return present == 0 ? 0.0 : sum / static_cast<double>(present);
}

double Measures::accuracy() const {
  std::uint64_t correct = 0;
  for (const LabelCounts& counts : labels) correct += counts.both;
  return ratio(correct, rows);
}

double Measures::macro_precision() const { return mean_over(labels, precision_of); }

double Measures::macro_recall() const { return mean_over(labels, recall_of); }

MeasureTally::MeasureTally(std::size_t labels, bool is_multilabel)
    : is_multilabel_(is_multilabel),
      labels_(labels),
      confusion_(is_multilabel || labels > kMostConfusedClasses ? 0 : labels * labels) {}

void MeasureTally::add_decision(std::uint32_t actual, std::uint32_t predicted) {
  ++rows_;
  labels_[predicted].predicted += 1;
  if (actual == kNoLabel) return;
  labels_[actual].actual += 1;
  labels_[actual].both += actual == predicted ? 1U : 0U;
  if (!confusion_.empty()) confusion_[actual * labels_.size() + predicted] += 1;
}

void MeasureTally::add_label(std::size_t label, bool is_actual, bool is_predicted) {
  LabelCounts& counts = labels_[label];
  counts.actual += is_actual ? 1U : 0U;
  counts.predicted += is_predicted ? 1U : 0U;
  counts.both += is_actual && is_predicted ? 1U : 0U;
}

void MeasureTally::add_probability(double probability) {
  const double loss = -std::log(std::max(probability, std::numeric_limits<double>::epsilon()));
  // A score that is not a number, and only that, makes a loss that is none.
  loss_ += std::isfinite(loss) ? static_cast<std::uint64_t>(std::llround(loss / kLossUnit)) : 0;
  ++loss_count_;
}

MeasureTally& MeasureTally::operator+=(MeasureTally&& other) {
  if (labels_.empty()) return *this = std::move(other);
  rows_ += other.rows_;
  for (std::size_t i = 0; i < other.labels_.size(); ++i) labels_[i] += other.labels_[i];
  for (std::size_t i = 0; i < other.confusion_.size(); ++i) confusion_[i] += other.confusion_[i];
  append(positive_scores_, std::move(other.positive_scores_));
  append(negative_scores_, std::move(other.negative_scores_));
  loss_ += other.loss_;
  loss_count_ += other.loss_count_;
  return *this;
}

Measures MeasureTally::finish() && {
  Measures measures{.rows = rows_,
                    .is_multilabel = is_multilabel_,
                    .labels = std::move(labels_),
                    .confusion = std::move(confusion_)};
  measures.roc_auc = roc_auc(positive_scores_, negative_scores_);
  if (loss_count_ > 0) {
    measures.log_loss = static_cast<double>(loss_) * kLossUnit / static_cast<double>(loss_count_);
  }
  return measures;
}

double roc_auc(std::vector<double>& positive, std::vector<double>& negative) {
  if (positive.empty() || negative.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(positive.begin(), positive.end());
  std::sort(negative.begin(), negative.end());
  // Twice the pairs in order, so that ties are whole numbers: at most 2·(n/2)², under 2⁶⁴ for the
  // 2³¹ rows that there can be.
  std::uint64_t twice = 0;
  auto below = negative.begin();
  auto not_above = negative.begin();
  for (const double score : positive) {
    while (below != negative.end() && *below < score) ++below;
    not_above = std::max(not_above, below);
    while (not_above != negative.end() && *not_above <= score) ++not_above;
    twice +=
        static_cast<std::uint64_t>((below - negative.begin()) + (not_above - negative.begin()));
  }
  return static_cast<double>(twice) /
         (2.0 * static_cast<double>(positive.size()) * static_cast<double>(negative.size()));
}

Measures measure(const Weights& weights, const TrainingRows& rows, const Sigmoids& sigmoids,
                 unsigned threads) {
  assert(weights.column_count() == rows.column_count());
  assert(sigmoids.empty() || sigmoids.size() == rows.column_count());
  constexpr std::uint64_t kRowsAtOnce = 256;
  std::atomic<std::uint64_t> next{0};
  std::vector<MeasureTally> tallies(std::max(1U, threads));
  const auto work = [&](MeasureTally& tally) {
    RowMeasurer mine(weights, rows, sigmoids);
    // Relaxed: which thread measures a row makes no difference.
    for (auto first = next.fetch_add(kRowsAtOnce, std::memory_order_relaxed);
         first < rows.row_count(); first = next.fetch_add(kRowsAtOnce, std::memory_order_relaxed)) {
      const std::uint64_t last = std::min(rows.row_count(), first + kRowsAtOnce);
      rows.will_read(first, last - first);
      for (std::uint64_t row = first; row < last; ++row) mine.add(row);
    }
    tally = mine.take();
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < tallies.size(); ++i) {
      helpers.emplace_back([&work, &tally = tallies[i]] { work(tally); });
    }
    work(tallies[0]);
  }
  for (std::size_t i = 1; i < tallies.size(); ++i) tallies[0] += std::move(tallies[i]);
  return std::move(tallies[0]).finish();
}

Sigmoids fit_sigmoids(const Weights& weights, const TrainingRows& rows, RowSpan held_back) {
  assert(held_back.first < held_back.last && held_back.last <= rows.row_count());
  const std::size_t columns = rows.column_count();
  const std::size_t count = held_back.count();
  std::vector<double> score(columns);
  std::vector<double> scores(count * columns);  // a column after the other
  const auto is_positive = std::make_unique<bool[]>(count * columns);
  rows.will_read(held_back.first, count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t row = held_back.first + i;
    if (columns == 1) {
      scores[i] = score_of(weights, rows, row);
      is_positive[i] = rows.sign(row) > 0.0F;
      continue;
    }
    scores_of(weights, rows, row, score);
    for (std::size_t c = 0; c < columns; ++c) scores[c * count + i] = score[c];
    for (const std::uint32_t c : rows.positives(row)) is_positive[c * count + i] = true;
  }
  Sigmoids sigmoids;
  for (std::size_t c = 0; c < columns; ++c) {
    sigmoids.push_back(fit_sigmoid({&scores[c * count], count}, {&is_positive[c * count], count}));
  }
  return sigmoids;
}

}  // namespace hogwild::sgd
