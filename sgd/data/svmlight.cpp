#include "sgd/data/svmlight.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sgd/data/fingerprint.hpp"
#include "sgd/data/parallel.hpp"
#include "sgd/data/svmlight_line.hpp"

namespace hogwild::sgd {
namespace {

/// Bytes of text that are read in one go; lines are never cut.
constexpr std::size_t kChunkBytes = std::size_t{1} << 20U;

/// Lines that lie together in the text: where their rows go, and what came of them.
struct Chunk {
  std::string_view text{};
  // Room: as many rows as the chunk has lines, as many entries as it has colons.
  std::size_t first_row = 0;
  std::size_t row_room = 0;
  std::size_t first_entry = 0;
  std::size_t entry_room = 0;
  // Result. Rows are counted from first_row.
  std::size_t rows = 0;
  std::size_t entries = 0;
  std::uint32_t feature_count = 0;
  std::vector<FurtherLabel> further_label{};
  std::vector<std::pair<std::size_t, std::size_t>> skipped{};  ///< before this row, so many lines
  std::optional<LineFault> fault{};
};

std::vector<Chunk> cut_into_chunks(std::string_view text) {
  std::vector<Chunk> chunks;
  while (!text.empty()) {
    // find() goes on from the last cut, so that a line longer than chunks is searched once.
    const std::size_t newline = text.find('\n', std::min(kChunkBytes, text.size()) - 1);
    const std::size_t length = newline == std::string_view::npos ? text.size() : newline + 1;
    chunks.push_back({.text = text.substr(0, length)});
    text.remove_prefix(length);
  }
  return chunks;
}

struct Tally {
  std::size_t newlines = 0;
  std::size_t colons = 0;
};

/// Counts line ends and colons. In blocks of bytes that counters of a byte can hold, so that the
/// compiler makes vector code of it.
Tally count_marks(std::string_view text) {
  constexpr std::size_t kLanes = 64;
  constexpr std::size_t kMostRounds = 255;
  Tally tally;
  std::size_t at = 0;
  while (text.size() - at >= kLanes) {
    std::uint8_t newlines[kLanes] = {};
    std::uint8_t colons[kLanes] = {};
    const std::size_t rounds = std::min(kMostRounds, (text.size() - at) / kLanes);
    for (std::size_t round = 0; round < rounds; ++round, at += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        newlines[lane] = static_cast<std::uint8_t>(newlines[lane] + (text[at + lane] == '\n'));
        colons[lane] = static_cast<std::uint8_t>(colons[lane] + (text[at + lane] == ':'));
      }
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      tally.newlines += newlines[lane];
      tally.colons += colons[lane];
    }
  }
  for (; at < text.size(); ++at) {
    tally.newlines += text[at] == '\n' ? 1U : 0U;
    tally.colons += text[at] == ':' ? 1U : 0U;
  }
  return tally;
}

/// Reads one data set out of a text; used once.
class Parser {
 public:
  Parser(const Text& text, std::string name, unsigned threads, LoadProgress* progress)
      : text_(text), lines_text_(text.view()), threads_(threads), progress_(progress) {
    dataset_.name = std::move(name);
  }

  void skip_byte_order_mark() {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (lines_text_.starts_with(kByteOrderMark)) lines_text_.remove_prefix(kByteOrderMark.size());
  }

  std::expected<Dataset, DataError> run() {
    chunks_ = cut_into_chunks(lines_text_);
    make_room();
    read_chunks();
    for (const Chunk& chunk : chunks_) {
      if (chunk.fault) return std::unexpected(locate(*chunk.fault));
    }
    close_gaps();
    return std::move(dataset_);
  }

 private:
  void make_room() {
    for_each_part(chunks_.size(), threads_, [&](std::size_t part) {
      Chunk& chunk = chunks_[part];
      const Tally tally = count_marks(chunk.text);
      chunk.row_room = tally.newlines + (chunk.text.ends_with('\n') ? 0U : 1U);
      chunk.entry_room = tally.colons;
      release(chunk);
    });
    std::size_t rows = 0;
    std::size_t entries = 0;
    for (Chunk& chunk : chunks_) {
      chunk.first_row = std::exchange(rows, rows + chunk.row_room);
      chunk.first_entry = std::exchange(entries, entries + chunk.entry_room);
    }
    dataset_.rows = SparseRows(rows, entries);
    dataset_.label.resize(rows);
    row_hash_ = Array<std::uint64_t>(rows);
  }

  void read_chunks() {
    // The first chunk with a fault decides, so those before it are read in any case.
    std::atomic<std::size_t> first_fault{std::numeric_limits<std::size_t>::max()};
    for_each_part(chunks_.size(), threads_, [&](std::size_t part) {
      // Relaxed: a late value costs a chunk read in vain.
      if (part > first_fault.load(std::memory_order_relaxed)) return;
      Chunk& chunk = chunks_[part];
      read_chunk(chunk);
      release(chunk);
      if (progress_ != nullptr) {
        progress_->bytes += chunk.text.size();
        progress_->text_bytes += chunk.text.size();
        progress_->rows += chunk.rows;
      }
      if (!chunk.fault) return;
      std::size_t known = first_fault.load(std::memory_order_relaxed);
      while (part < known && !first_fault.compare_exchange_weak(known, part)) {
      }
    });
  }

  void read_chunk(Chunk& chunk) {
    SvmlightLineReader reader(lines_text_.data() + lines_text_.size());
    const char* const end = chunk.text.data() + chunk.text.size();
    for (const char* line = chunk.text.data(); line < end;) {
      const std::size_t entry = chunk.first_entry + chunk.entries;
      auto read = reader.read(line, {.feature = dataset_.rows.feature().data() + entry,
                                     .value = dataset_.rows.value().data() + entry,
                                     .size = chunk.entry_room - chunk.entries});
      if (!read) {
        chunk.fault = std::move(read.error());
        return;
      }
      if (!read->is_row) {
        note_skipped(chunk);
      } else if (chunk.rows == chunk.row_room) {
        chunk.fault = LineFault{line, "the file was changed while it was read"};
        return;
      } else {
        add_row(chunk, *read, reader.further_labels());
      }
      line = read->next;
    }
  }

  static void note_skipped(Chunk& chunk) {
    if (chunk.skipped.empty() || chunk.skipped.back().first != chunk.rows) {
      chunk.skipped.emplace_back(chunk.rows, 0);
    }
    ++chunk.skipped.back().second;
  }

  void add_row(Chunk& chunk, const SvmlightLine& line, std::span<const float> further_labels) {
    const std::size_t row = chunk.first_row + chunk.rows;
    const std::size_t entry = chunk.first_entry + chunk.entries;
    const auto features = dataset_.rows.feature().subspan(entry, line.entry_count);
    const auto values = dataset_.rows.value().subspan(entry, line.entry_count);
    std::uint64_t labels = std::isnan(line.label) ? 0 : label_hash(line.label);
    for (const float label : further_labels) {
      labels += label_hash(label);
      chunk.further_label.push_back({.row = chunk.rows, .label = label});
    }
    dataset_.label[row] = line.label;
    dataset_.rows.starts()[row + 1] = entry + line.entry_count;
    row_hash_[row] = row_hash(labels, features, values);
    if (!features.empty()) {
      chunk.feature_count = std::max(chunk.feature_count, features.back() + 1);
    }
    ++chunk.rows;
    chunk.entries += line.entry_count;
  }

  /// Moves rows to where they belong when lines were no rows, or colons no entries; adds up what
  /// the chunks know.
  void close_gaps() {
    std::size_t rows = 0;
    std::size_t entries = 0;
    for (Chunk& chunk : chunks_) {
      move_rows(chunk, rows, entries);
      for (const auto& [row, count] : chunk.skipped) dataset_.lines.skip(rows + row, count);
      for (const FurtherLabel& further : chunk.further_label) {
        dataset_.further_label.push_back({.row = rows + further.row, .label = further.label});
      }
      dataset_.feature_count = std::max(dataset_.feature_count, chunk.feature_count);
      for (std::size_t row = rows; row < rows + chunk.rows; ++row) {
        dataset_.fingerprint += fingerprint_term(row_hash_[row], row);
      }
      rows += chunk.rows;
      entries += chunk.entries;
    }
    dataset_.fingerprint += fingerprint_base(rows);
    dataset_.rows.truncate(rows, entries);
    dataset_.label.resize(rows);
  }

  void move_rows(const Chunk& chunk, std::size_t to_row, std::size_t to_entry) {
    if (to_row == chunk.first_row && to_entry == chunk.first_entry) return;
    const auto feature = dataset_.rows.feature();
    const auto value = dataset_.rows.value();
    const auto start = dataset_.rows.starts();
    const std::size_t entry_gap = chunk.first_entry - to_entry;
    std::copy_n(feature.begin() + static_cast<std::ptrdiff_t>(chunk.first_entry), chunk.entries,
                feature.begin() + static_cast<std::ptrdiff_t>(to_entry));
    std::copy_n(value.begin() + static_cast<std::ptrdiff_t>(chunk.first_entry), chunk.entries,
                value.begin() + static_cast<std::ptrdiff_t>(to_entry));
    for (std::size_t i = 0; i < chunk.rows; ++i) {
      start[to_row + i + 1] = start[chunk.first_row + i + 1] - entry_gap;
      dataset_.label[to_row + i] = dataset_.label[chunk.first_row + i];
      row_hash_[to_row + i] = row_hash_[chunk.first_row + i];
    }
  }

  void release(const Chunk& chunk) const {
    text_.release(static_cast<std::size_t>(chunk.text.data() - text_.view().data()),
                  chunk.text.size());
  }

  [[nodiscard]] DataError locate(const LineFault& fault) const {
    const std::string_view before(lines_text_.data(), fault.at);
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {.file = dataset_.name,
            .line = 1 + count_marks(before).newlines,
            .column = before.size() - line_start + 1,
            .reason = fault.reason};
  }

  // Fixed after construction.
  const Text& text_;
  std::string_view lines_text_;
  unsigned threads_;
  LoadProgress* progress_;
  // Threads write the rows of their chunks.
  std::vector<Chunk> chunks_;
  Dataset dataset_;
  Array<std::uint64_t> row_hash_;
};

}  // namespace

std::expected<Dataset, DataError> parse_svmlight(const Text& text, std::string name,
                                                 unsigned threads, LoadProgress* progress) {
  Parser parser(text, std::move(name), threads, progress);
  parser.skip_byte_order_mark();
  auto dataset = parser.run();
  if (dataset && dataset->row_count() == 0) return std::unexpected(no_rows(dataset->name));
  return dataset;
}

std::expected<Dataset, DataError> parse_svmlight_lines(const Text& text, std::string name,
                                                       unsigned threads) {
  return Parser(text, std::move(name), threads, nullptr).run();
}

DataError no_rows(const std::string& name) {
  return {.file = name, .reason = "no rows; expected svmlight text"};
}

}  // namespace hogwild::sgd
