#include "sgd/model/prediction_stream.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sgd/data/array.hpp"
#include "sgd/data/parallel.hpp"
#include "sgd/data/svmlight.hpp"
#include "sgd/data/svmlight_line.hpp"

namespace hogwild::sgd {
namespace {

using Lines = std::expected<std::string, PredictionFailure>;

/// Gives out pieces in order, and writes their lines in that order.
///
/// Each piece that was fetched gets its turn, whatever became of it, so nobody waits for ever.
/// Threads: any number in run(), which returns when all pieces were written or something failed.
template <class Source>
class OrderedWork {
 public:
  OrderedWork(Source& source, const WriteLines& write) : write_(write), source_(source) {}

  /// Works until there is no more. `predict` makes the lines of a piece.
  template <class Predict>
  void run(Predict predict) {
    for (auto fetched = fetch(); fetched; fetched = fetch()) {
      Lines lines;
      std::exception_ptr thrown;
      try {
        lines = predict(fetched->piece);
      } catch (...) {
        thrown = std::current_exception();
      }
      await_turn(fetched->number);
      if (!is_over_.load(std::memory_order_relaxed)) finish(lines, std::move(thrown));
      // Release: who has the next turn sees what was kept in this one.
      turn_.store(fetched->number + 1, std::memory_order_release);
      turn_.notify_all();
    }
  }

  /// What went wrong, if anything. REQUIRES: no thread is in run(). Throws what predicting threw.
  [[nodiscard]] std::optional<PredictionFailure> failure() const {
    if (exception_) std::rethrow_exception(exception_);
    return failure_;
  }

 private:
  struct Fetched {
    std::uint64_t number = 0;
    typename Source::Piece piece{};
  };

  std::optional<Fetched> fetch() {
    const std::lock_guard lock(fetching_);
    if (is_over_.load(std::memory_order_relaxed)) return std::nullopt;
    try {
      std::optional<typename Source::Piece> piece = source_.next();
      if (!piece) return std::nullopt;
      return Fetched{fetched_++, std::move(*piece)};
    } catch (...) {
      is_over_.store(true, std::memory_order_relaxed);  // nobody knows where the source is now
      throw;
    }
  }

  void await_turn(std::uint64_t number) {
    for (std::uint64_t turn = turn_.load(std::memory_order_acquire); turn != number;
         turn = turn_.load(std::memory_order_acquire)) {
      turn_.wait(turn, std::memory_order_acquire);
    }
  }

  /// Writes what a piece gave, or keeps why there is nothing. REQUIRES: its turn.
  void finish(const Lines& lines, std::exception_ptr thrown) {
    exception_ = std::move(thrown);
    if (!exception_) {
      try {
        failure_ = write(lines);
      } catch (...) {
        exception_ = std::current_exception();
      }
    }
    // Relaxed: who reads it late fetches a piece in vain.
    if (exception_ || failure_) is_over_.store(true, std::memory_order_relaxed);
  }

  std::optional<PredictionFailure> write(const Lines& lines) const {
    if (!lines) return lines.error();
    auto written = write_(*lines);
    if (written) return std::nullopt;
    return PredictionFailure{.is_of_data = false, .message = std::move(written.error())};
  }

  const WriteLines& write_;
  std::atomic<bool> is_over_{false};
  std::atomic<std::uint64_t> turn_{0};  ///< the piece whose lines are written next
  std::mutex fetching_;
  // Who holds the mutex.
  Source& source_;
  std::uint64_t fetched_ = 0;
  // Who has the turn.
  std::optional<PredictionFailure> failure_;
  std::exception_ptr exception_;
};

/// Blocks of a text; one that cannot be read is a piece as well, so that what is before it counts.
class BlockSource {
 public:
  using Piece = std::expected<TextBlock, DataError>;

  explicit BlockSource(TextBlocks blocks) : blocks_(std::move(blocks)) {}

  std::optional<Piece> next() {
    auto block = blocks_.next();
    if (!block) return Piece(std::unexpected(std::move(block.error())));
    if (!*block) return std::nullopt;
    return Piece(std::move(**block));
  }

 private:
  TextBlocks blocks_;
};

/// Where a fault in a block is in its file.
DataError locate(const std::string& file, const TextBlock& block, const LineFault& fault) {
  const std::string_view before(block.text.view().data(), fault.at);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto newlines = std::count(before.begin(), before.end(), '\n');
  return {.file = file,
          .line = block.lines_before + 1 + static_cast<std::uint64_t>(newlines),
          .column = before.size() - line_start + 1,
          .reason = fault.reason};
}

/// Predicts the rows of blocks of text. Threads: one; each has its own.
class BlockPredictor {
 public:
  BlockPredictor(const Predictor& predictor, const std::string& file)
      : rows_(predictor), file_(file) {}

  Lines predict(const BlockSource::Piece& piece) {
    if (!piece) return failed(piece.error());
    const std::string_view text = piece->text.view();
    make_room(text.size());
    SvmlightLineReader reader(text.data() + text.size());
    std::string lines;
    for (const char* line = text.data(); line < text.data() + text.size();) {
      const auto read = reader.read(line, room_);
      if (!read) return failed(locate(file_, *piece, read.error()));
      if (read->is_row) predict_row(*read, reader.further_labels(), lines);
      line = read->next;
    }
    return lines;
  }

  [[nodiscard]] PredictionTally take_tally() { return rows_.take_tally(); }

 private:
  static Lines failed(const DataError& error) {
    return std::unexpected(PredictionFailure{.is_of_data = true, .message = error.message()});
  }

  void make_room(std::size_t text_size) {
    const std::size_t most_entries = text_size / 4 + 1;  // " 1:1" is the shortest
    if (room_.size >= most_entries) return;
    feature_ = Array<std::uint32_t>(most_entries);
    value_ = Array<float>(most_entries);
    room_ = {.feature = feature_.data(), .value = value_.data(), .size = most_entries};
  }

  void predict_row(const SvmlightLine& line, std::span<const float> further, std::string& lines) {
    labels_.clear();
    if (!std::isnan(line.label)) labels_.push_back(line.label);
    labels_.insert(labels_.end(), further.begin(), further.end());
    rows_.predict({room_.feature, line.entry_count}, {room_.value, line.entry_count}, labels_,
                  lines);
  }

  RowPredictor rows_;
  const std::string& file_;
  Array<std::uint32_t> feature_;
  Array<float> value_;
  EntryRoom room_;
  std::vector<float> labels_;
};

/// Ranges of the rows of a data set.
class RangeSource {
 public:
  struct Piece {
    std::size_t first = 0;
    std::size_t last = 0;
  };

  explicit RangeSource(std::size_t rows) : rows_(rows) {}

  std::optional<Piece> next() {
    constexpr std::size_t kStep = 4096;
    if (at_ == rows_) return std::nullopt;
    const std::size_t first = std::exchange(at_, std::min(rows_, at_ + kStep));
    return Piece{first, at_};
  }

 private:
  std::size_t rows_;
  std::size_t at_ = 0;
};

std::string predict_range(const Dataset& dataset, RangeSource::Piece range, RowPredictor& rows) {
  std::string lines;
  std::vector<float> labels;
  auto further =
      std::lower_bound(dataset.further_label.begin(), dataset.further_label.end(), range.first,
                       [](const FurtherLabel& label, std::size_t row) { return label.row < row; });
  for (std::size_t row = range.first; row < range.last; ++row) {
    labels.clear();
    if (!std::isnan(dataset.label[row])) labels.push_back(dataset.label[row]);
    for (; further != dataset.further_label.end() && further->row == row; ++further) {
      labels.push_back(further->label);
    }
    rows.predict(dataset.rows.features(row), dataset.rows.values(row), labels, lines);
  }
  return lines;
}

PredictionTally sum_of(std::vector<PredictionTally> tallies) {
  PredictionTally sum;
  for (PredictionTally& tally : tallies) sum += std::move(tally);
  return sum;
}

}  // namespace

std::expected<PredictionTally, PredictionFailure> predict_text(TextBlocks blocks,
                                                               const Predictor& predictor,
                                                               unsigned threads,
                                                               const WriteLines& write) {
  const std::string file = blocks.name();
  BlockSource source(std::move(blocks));
  OrderedWork<BlockSource> work(source, write);
  std::vector<PredictionTally> tallies(threads);
  for_each_part(threads, threads, [&](std::size_t thread) {
    BlockPredictor mine(predictor, file);
    work.run([&mine](const BlockSource::Piece& piece) { return mine.predict(piece); });
    tallies[thread] = mine.take_tally();
  });
  if (auto failure = work.failure()) return std::unexpected(std::move(*failure));
  PredictionTally tally = sum_of(std::move(tallies));
  if (tally.rows > 0) return tally;
  return std::unexpected(PredictionFailure{.is_of_data = true, .message = no_rows(file).message()});
}

std::expected<PredictionTally, PredictionFailure> predict_dataset(const Dataset& dataset,
                                                                  const Predictor& predictor,
                                                                  unsigned threads,
                                                                  const WriteLines& write) {
  RangeSource source(dataset.row_count());
  OrderedWork<RangeSource> work(source, write);
  std::vector<PredictionTally> tallies(threads);
  for_each_part(threads, threads, [&](std::size_t thread) {
    RowPredictor mine(predictor);
    work.run([&](RangeSource::Piece range) { return Lines(predict_range(dataset, range, mine)); });
    tallies[thread] = mine.take_tally();
  });
  if (auto failure = work.failure()) return std::unexpected(std::move(*failure));
  return sum_of(std::move(tallies));
}

}  // namespace hogwild::sgd
