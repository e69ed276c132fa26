#include "sgd/learn/kernels.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <vector>

namespace hogwild::sgd {
namespace {

constexpr std::uint32_t kFeatures = 300;

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> kernels;
  for (const auto path :
       {InstructionPath::kPortable, InstructionPath::kAvx2, InstructionPath::kAvx512}) {
    if (is_available(path)) kernels.push_back(&kernels_of(path));
  }
  return kernels;
}

/// Rows of 0 to 40 entries, so that every remainder of every vector length occurs. The arrays end
/// with the last entry: who reads further is caught by the address sanitizer.
TrainingRows random_rows(std::size_t rows, std::uint32_t columns, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::vector<std::uint32_t>> features(rows);
  std::size_t nonzeros = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t size = row % 41;
    for (std::uint32_t j = 0; j < kFeatures && features[row].size() < size; ++j) {
      if (random() % 8 == 0) features[row].push_back(j);
    }
    nonzeros += features[row].size();
  }
  SparseRows sparse(rows, nonzeros);
  std::uint64_t at = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    for (const std::uint32_t j : features[row]) {
      sparse.feature()[at] = j;
      sparse.value()[at++] = static_cast<float>(random() % 1000) / 1000.0F - 0.4F;
    }
    sparse.starts()[row + 1] = at;
  }
  if (columns == 1) {
    std::vector<float> sign(rows);
    for (float& s : sign) s = random() % 2 == 0 ? 1.0F : -1.0F;
    return {std::move(sparse), std::move(sign), kFeatures};
  }
  std::vector<std::uint64_t> start{0};
  std::vector<std::uint32_t> positive;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::uint32_t c = 0; c < columns; ++c) {
      if (random() % columns < 2) positive.push_back(c);
    }
    start.push_back(positive.size());
  }
  return {std::move(sparse), RowLabels(columns, true, std::move(start), std::move(positive)),
          kFeatures};
}

float label_sign(const TrainingRows& rows, std::uint64_t row, std::uint32_t column) {
  if (rows.column_count() == 1) return rows.sign(row);
  const auto positives = rows.positives(row);
  return std::find(positives.begin(), positives.end(), column) != positives.end() ? 1.0F : -1.0F;
}

/// What a window should do, in double and one operation after the other.
struct Naive {
  std::vector<double> u;
  WindowTally tally;
  double nearest_to_kink = 1e9;  ///< least |m − 1|, |m|: how clearly every branch was taken

  Naive(const TrainingRows& rows, RowRange range, Loss loss, const WindowFrame& frame,
        const std::vector<float>& start, const std::vector<float>& inverse_metric)
      : u(start.begin(), start.end()), tally(static_cast<std::uint32_t>(frame.bias.size())) {
    const std::uint32_t columns = column_count();
    const std::uint32_t width = rows.column_count();
    const std::uint64_t group = columns > 1 ? 1 : loss == Loss::kHinge ? 16 : 4;
    for (std::uint64_t first = range.first; first < range.first + range.count; first += group) {
      const std::uint64_t end = std::min<std::uint64_t>(first + group, range.first + range.count);
      std::vector<double> step;
      const std::vector<double> bias = tally.bias;
      const double threshold =
          frame.threshold + frame.l1 * frame.lookahead * static_cast<double>(tally.examples);
      for (std::uint64_t row = first; row < end; ++row) {
        for (std::uint32_t c = 0; c < columns; ++c) {
          const std::uint32_t candidate = c / width;
          const double denominator =
              frame.denominator[candidate] +
              frame.lambda[candidate] * frame.lookahead * static_cast<double>(tally.examples);
          const double sign = label_sign(rows, row, c % width);
          const double margin = sign * (dot(rows, row, c, threshold, inverse_metric) / denominator +
                                        frame.bias[c] + frame.lookahead * bias[c]);
          nearest_to_kink = std::min({nearest_to_kink, std::abs(margin - 1), std::abs(margin)});
          const auto weight = static_cast<double>(sign > 0 ? frame.class_weight[c].positive
                                                           : frame.class_weight[c].negative);
          const double slope = std::min(weight * slope_of(loss, margin),
                                        static_cast<double>(frame.largest_slope[candidate]));
          tally.loss[c] += weight * loss_value(loss, margin);
          tally.curvature[c] += slope * slope;
          tally.bias[c] += sign * slope * static_cast<double>(frame.bias_step[c]);
          tally.errors[c] += margin > 0 ? 0U : 1U;
          step.push_back(frame.lookahead * sign * slope);
        }
        tally.examples += 1;
        tally.nonzeros += rows.features(row).size();
      }
      for (std::uint64_t row = first; row < end; ++row) {
        for (std::uint32_t c = 0; c < columns; ++c) {
          add(rows, row, c, step[(row - first) * columns + c], inverse_metric);
        }
      }
    }
  }

  [[nodiscard]] std::uint32_t column_count() const {
    return static_cast<std::uint32_t>(tally.errors.size());
  }

  [[nodiscard]] double dot(const TrainingRows& rows, std::uint64_t row, std::uint32_t c,
                           double threshold, const std::vector<float>& inverse_metric) const {
    double sum = 0;
    for (std::size_t i = 0; i < rows.features(row).size(); ++i) {
      const std::size_t at = rows.features(row)[i] * column_count() + c;
      const double size = std::abs(u[at]) - threshold * static_cast<double>(inverse_metric[at]);
      if (size > 0) sum += static_cast<double>(rows.values(row)[i]) * (u[at] > 0 ? size : -size);
    }
    return sum;
  }

  static double slope_of(Loss loss, double margin) {
    if (loss == Loss::kLogistic) return 1.0 / (1.0 + std::exp(margin));
    if (margin >= 1) return 0.0;
    return loss == Loss::kHinge ? 1.0 : 2.0 * (1.0 - margin);
  }

  void add(const TrainingRows& rows, std::uint64_t row, std::uint32_t c, double step,
           const std::vector<float>& inverse_metric) {
    for (std::size_t i = 0; i < rows.features(row).size(); ++i) {
      const std::size_t at = rows.features(row)[i] * column_count() + c;
      u[at] +=
          step * static_cast<double>(inverse_metric[at]) * static_cast<double>(rows.values(row)[i]);
    }
  }
};

struct Window {
  WindowFrame frame;
  std::vector<float> u;
  std::vector<float> inverse_metric;
  std::vector<std::uint8_t> is_dirty;

  /// `columns`: of all candidates.
  explicit Window(std::uint32_t columns, std::uint32_t candidates = 1)
      : frame(candidates, columns), is_dirty((kFeatures * columns + kBlock - 1) / kBlock) {
    frame.lookahead = 2.0;
    for (std::uint32_t k = 0; k < candidates; ++k) {
      frame.denominator[k] = 1.5 + 0.75 * k;
      frame.lambda[k] = 1e-3 * (k + 1);
      frame.largest_slope[k] = 3.0F + 0.5F * static_cast<float>(k);
    }
    std::fill(frame.bias.begin(), frame.bias.end(), 0.1037F);
    std::fill(frame.bias_step.begin(), frame.bias_step.end(), 0.01F);
    std::mt19937 random(5);
    for (std::uint32_t i = 0; i < kFeatures * columns; ++i) {
      u.push_back(static_cast<float>(random() % 2000) / 1000.0F - 1.0F);
      inverse_metric.push_back(0.5F + static_cast<float>(random() % 500) / 1000.0F);
    }
  }
};

/// Each margin and each entry of u may be off by a few roundings of the terms that make it: at most
/// 200 terms of at most 10 in size here, so 200 · 10 · 2⁻²³ = 2.4e-4.
constexpr double kTolerance = 2.4e-4;

constexpr Loss kLosses[] = {Loss::kHinge, Loss::kLogistic, Loss::kSquaredHinge};

/// What a window does beside the plain rule.
enum class Extra { kNone, kClassWeights, kL1, kBoth };

void add_extra(Extra extra, WindowFrame& frame) {
  if (extra == Extra::kClassWeights || extra == Extra::kBoth) {
    for (std::size_t c = 0; c < frame.class_weight.size(); ++c) {
      frame.class_weight[c] = {.positive = 1.5F, .negative = c % 2 == 0 ? 0.25F : 0.75F};
    }
  }
  if (extra == Extra::kL1 || extra == Extra::kBoth) {
    frame.threshold = 0.2;
    frame.l1 = 1e-3;
  }
}

void check_window(const Kernels& kernels, std::uint32_t width, Loss loss, RowRange range,
                  Extra extra = Extra::kNone, std::uint32_t candidates = 1) {
  const TrainingRows rows = random_rows(150, width, 11 + width);
  const std::uint32_t columns = width * candidates;
  Window window(columns, candidates);
  add_extra(extra, window.frame);
  const Naive naive(rows, range, loss, window.frame, window.u, window.inverse_metric);
  // Else a rounding might take the other branch, and the comparison would mean nothing.
  BOOST_TEST_REQUIRE((loss == Loss::kLogistic || naive.nearest_to_kink > 1e-6));
  const std::vector<float> before = window.u;
  WindowTally tally(columns);
  kernels.train_window(rows, range, loss, window.frame,
                       {window.u.data(), window.inverse_metric.data(), window.is_dirty.data()},
                       tally);
  BOOST_TEST(tally.examples == naive.tally.examples);
  BOOST_TEST(tally.nonzeros == naive.tally.nonzeros);
  for (std::uint32_t c = 0; c < columns; ++c) {
    BOOST_TEST(tally.errors[c] == naive.tally.errors[c]);
    BOOST_TEST(std::abs(tally.loss[c] - naive.tally.loss[c]) < range.count * kTolerance);
    BOOST_TEST(std::abs(tally.curvature[c] - naive.tally.curvature[c]) < range.count * kTolerance);
    BOOST_TEST(std::abs(tally.bias[c] - naive.tally.bias[c]) < range.count * kTolerance);
  }
  std::size_t far = 0;
  std::size_t unflagged = 0;
  for (std::size_t i = 0; i < window.u.size(); ++i) {
    if (!(std::abs(static_cast<double>(window.u[i]) - naive.u[i]) < kTolerance)) ++far;
    if (window.u[i] != before[i] && window.is_dirty[i / kBlock] == 0) ++unflagged;
  }
  BOOST_TEST(far == 0U);
  BOOST_TEST(unflagged == 0U);
  // Nobody asks for flags: the same arithmetic.
  Window unmarked(columns, candidates);
  add_extra(extra, unmarked.frame);
  WindowTally again(columns);
  kernels.train_window(rows, range, loss, unmarked.frame,
                       {unmarked.u.data(), unmarked.inverse_metric.data(), nullptr}, again);
  BOOST_TEST((unmarked.u == window.u));
  BOOST_TEST((again.loss == tally.loss));
}

/// One block's arrays with something in each.
struct Block {
  std::vector<float> u, start, inverse_metric, metric, metric_factor;
  std::vector<std::int32_t> made, sent, published;

  explicit Block(unsigned seed) {
    std::mt19937 random(seed);
    for (std::uint32_t i = 0; i < kBlock; ++i) {
      metric.push_back(static_cast<float>(random() % 1000) / 1e4F);
      metric_factor.push_back(7.0F);
      inverse_metric.push_back(1.0F / (1.0F + 5.0F * metric[i]));
      start.push_back((static_cast<float>(random() % 4000) - 2000.0F) / 16.0F * inverse_metric[i]);
      u.push_back(start[i] + (static_cast<float>(random() % 2000) - 1000.0F) / 100.0F);
      made.push_back(static_cast<std::int32_t>(random()));
      sent.push_back(
          static_cast<std::int32_t>(static_cast<std::uint32_t>(made[i]) - random() % 99));
      published.push_back(static_cast<std::int32_t>(random() % 20000) - 10000);
    }
  }

  BlockExchange exchange() {
    return {.u = u.data(),
            .start = start.data(),
            .inverse_metric = inverse_metric.data(),
            .metric = metric.data(),
            .metric_factor = metric_factor.data(),
            .made = made.data(),
            .sent = sent.data(),
            .published = published.data(),
            .built_lookahead = 2.0F,
            .lookahead = 3.0F,
            .cluster = 1.5F};
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels)

BOOST_AUTO_TEST_CASE(best_path_is_available_and_its_name_reads_back) {
  const InstructionPath best = best_instruction_path();
  BOOST_TEST(is_available(best));
  BOOST_TEST((parse_instruction_path(to_string(best)) == best));
  BOOST_TEST(!parse_instruction_path("mmx").has_value());
  for (const Kernels* each : available_kernels()) {
    BOOST_TEST((&kernels_of(each->path) == each));
  }
}

BOOST_AUTO_TEST_CASE(sparse_dot_is_the_sum_for_rows_of_every_length) {
  std::mt19937 random(3);
  std::vector<float> u(kFeatures);
  for (float& w : u) w = static_cast<float>(random() % 2000) / 1000.0F - 1.0F;
  std::vector<std::uint32_t> feature(80);
  std::vector<float> value(80);
  for (std::size_t i = 0; i < feature.size(); ++i) {
    feature[i] = static_cast<std::uint32_t>(random() % kFeatures);
    value[i] = static_cast<float>(random() % 1000) / 1000.0F;
  }
  for (const Kernels* each : available_kernels()) {
    for (std::size_t size = 0; size + 8 <= feature.size(); ++size) {
      double sum = 0;
      double magnitude = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const double term = static_cast<double>(value[i]) * static_cast<double>(u[feature[i]]);
        sum += term;
        magnitude += std::abs(term);
      }
      const float dot = each->sparse_dot(feature.data(), value.data(), size, u.data());
      const double tolerance = static_cast<double>(size) * 0x1p-23 * magnitude;
      BOOST_TEST(std::abs(static_cast<double>(dot) - sum) <= tolerance,
                 to_string(each->path) << ", " << size << " entries");
    }
  }
}

BOOST_AUTO_TEST_CASE(window_of_signs_is_what_the_naive_one_is) {
  for (const Kernels* each : available_kernels()) {
    for (const Loss loss : kLosses) {
      check_window(*each, 1, loss, {0, 150});  // whole groups and a part, up to the last row
      check_window(*each, 1, loss, {33, 50});
      check_window(*each, 1, loss, {149, 1});
    }
  }
}

BOOST_AUTO_TEST_CASE(window_of_columns_is_what_the_naive_one_is) {
  for (const Kernels* each : available_kernels()) {
    for (const Loss loss : kLosses) {
      check_window(*each, 3, loss, {0, 150});   // most columns have a loss: all are updated
      check_window(*each, 70, loss, {0, 150});  // more than a block a feature
    }
  }
}

BOOST_AUTO_TEST_CASE(window_of_candidates_is_what_the_naive_one_is) {
  for (const Kernels* each : available_kernels()) {
    for (const Loss loss : kLosses) {
      check_window(*each, 1, loss, {0, 150}, Extra::kNone, 3);
      check_window(*each, 4, loss, {0, 150}, Extra::kBoth, 2);
    }
  }
}

BOOST_AUTO_TEST_CASE(weighted_and_thresholded_windows_are_what_the_naive_ones_are) {
  for (const Kernels* each : available_kernels()) {
    for (const Loss loss : kLosses) {
      for (const Extra extra : {Extra::kClassWeights, Extra::kL1, Extra::kBoth}) {
        check_window(*each, 1, loss, {0, 150}, extra);
        check_window(*each, 3, loss, {0, 150}, extra);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(few_columns_with_a_loss_are_updated_one_by_one_and_no_other_changes) {
  for (const Kernels* each : available_kernels()) {
    constexpr std::uint32_t kColumns = 40;
    const TrainingRows rows = random_rows(60, kColumns, 23);
    Window window(kColumns);
    std::fill(window.u.begin(), window.u.end(), 0.0F);
    window.frame.lambda = {0};
    // All columns say no, and are right, but where they are positive.
    std::fill(window.frame.bias.begin(), window.frame.bias.end(), -30.0F);
    std::fill(window.frame.bias_step.begin(), window.frame.bias_step.end(), 0.0F);
    const Naive naive(rows, {40, 1}, Loss::kHinge, window.frame, window.u, window.inverse_metric);
    WindowTally tally(kColumns);
    each->train_window(rows, {40, 1}, Loss::kHinge, window.frame,
                       {window.u.data(), window.inverse_metric.data(), window.is_dirty.data()},
                       tally);
    BOOST_TEST(rows.positives(40).size() > 0U);
    BOOST_TEST(rows.positives(40).size() * 8 <= kColumns);
    std::size_t changed = 0;
    for (std::size_t i = 0; i < window.u.size(); ++i) {
      BOOST_TEST(std::abs(static_cast<double>(window.u[i]) - naive.u[i]) < kTolerance);
      changed += window.u[i] != 0.0F ? 1U : 0U;
    }
    BOOST_TEST(changed > 0U);
    BOOST_TEST(changed <= rows.positives(40).size() * rows.features(40).size());
  }
}

BOOST_AUTO_TEST_CASE(margin_that_is_no_number_makes_the_loss_no_number) {
  SparseRows sparse(20, 20);
  for (std::size_t row = 0; row < 20; ++row) {
    sparse.starts()[row + 1] = row + 1;
    sparse.feature()[row] = 0;
    sparse.value()[row] = 1.0F;
  }
  const TrainingRows rows(std::move(sparse), std::vector<float>(20, 1.0F), kFeatures);
  for (const Kernels* each : available_kernels()) {
    for (const Loss loss : kLosses) {
      Window window(1);
      window.u[0] = std::numeric_limits<float>::quiet_NaN();
      WindowTally tally(1);
      each->train_window(rows, {0, 20}, loss, window.frame,
                         {window.u.data(), window.inverse_metric.data(), nullptr}, tally);
      BOOST_TEST(!std::isfinite(tally.loss[0]));
    }
  }
}

BOOST_AUTO_TEST_CASE(exchange_moves_whole_units_and_keeps_the_rest) {
  for (const Kernels* each : available_kernels()) {
    Block block(9);
    const Block before = block;
    const BlockOutcome outcome = each->exchange_block(block.exchange());
    BOOST_TEST(outcome.has_changed);
    BOOST_TEST(!outcome.has_more);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const double learned =
          (static_cast<double>(before.u[i]) - static_cast<double>(before.start[i])) /
          static_cast<double>(before.inverse_metric[i]) / 2.0;
      const auto units = static_cast<std::int32_t>(static_cast<std::uint32_t>(block.made[i]) -
                                                   static_cast<std::uint32_t>(before.made[i]));
      // Half a unit, and what float arithmetic may add where it is close to a half.
      const double rest = learned - units / 64.0;
      BOOST_TEST(std::abs(rest) <= 0.5 / 64.0 + 1e-4);
      const auto unsent = static_cast<std::int32_t>(static_cast<std::uint32_t>(block.made[i]) -
                                                    static_cast<std::uint32_t>(before.sent[i]));
      const double base = (before.published[i] + 1.5 * unsent) / 64.0;
      const double inverse = 1.0 / (1.0 + 7.0 * static_cast<double>(before.metric[i]));
      BOOST_TEST(std::abs(static_cast<double>(block.inverse_metric[i]) - inverse) < 1e-6);
      BOOST_TEST(std::abs(static_cast<double>(block.start[i]) - base * inverse) < 1e-3);
      BOOST_TEST(std::abs(static_cast<double>(block.u[i]) - (base + 3.0 * rest) * inverse) < 2e-3);
    }
    BOOST_TEST((block.sent == before.sent));
    BOOST_TEST((block.published == before.published));
  }
}

BOOST_AUTO_TEST_CASE(exchange_of_what_was_not_trained_adds_nothing) {
  for (const Kernels* each : available_kernels()) {
    Block block(9);
    block.u = block.start;
    const std::vector<std::int32_t> made = block.made;
    BOOST_TEST(!each->exchange_block(block.exchange()).has_changed);
    BOOST_TEST((block.made == made));
  }
}

BOOST_AUTO_TEST_CASE(a_huge_value_goes_out_in_pieces_and_no_number_becomes_a_bound) {
  for (const Kernels* each : available_kernels()) {
    Block block(9);
    block.made.assign(kBlock, 0);
    block.sent.assign(kBlock, 0);
    block.published.assign(kBlock, 0);
    block.inverse_metric.assign(kBlock, 1.0F);
    block.metric_factor.assign(kBlock, 0.0F);
    block.start.assign(kBlock, 0.0F);
    block.u.assign(kBlock, 0.0F);
    block.u[0] = 2.0F * 100'000.0F;  // s · 6.4 million units: two merges
    block.u[1] = -2.0F * 100'000.0F;
    block.u[2] = std::numeric_limits<float>::quiet_NaN();
    BlockExchange exchange = block.exchange();
    exchange.lookahead = 2.0F;
    BOOST_TEST(each->exchange_block(exchange).has_more);
    BOOST_TEST(block.made[0] == 1 << 22);
    BOOST_TEST(block.made[1] == -(1 << 22));
    BOOST_TEST(std::abs(block.made[2]) == 1 << 22);
    block.u[2] = block.start[2];
    BOOST_TEST(!each->exchange_block(exchange).has_more);
    BOOST_TEST(block.made[0] == 6'400'000);
    BOOST_TEST(block.made[1] == -6'400'000);
    BOOST_TEST(block.made[3] == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_sum_past_its_range_is_told_on_either_side_and_not_before) {
  for (const Kernels* each : available_kernels()) {
    for (const auto& [made, has_overflowed] : {std::pair{(1 << 30) - 1, false},
                                               {1 << 30, true},
                                               {-(1 << 30), false},
                                               {-(1 << 30) - 1, true}}) {
      Block block(9);
      block.u = block.start;  // nothing was learned
      block.made.assign(kBlock, 0);
      block.made[kBlock - 1] = made;
      BOOST_TEST(each->exchange_block(block.exchange()).has_overflowed == has_overflowed);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
