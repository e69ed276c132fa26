#include "sgd/data/block_parser.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "sgd/data/fingerprint.hpp"
#include "sgd/data/parallel.hpp"

namespace hogwild::sgd {
namespace {

/// Parses the blocks of a text on several threads; used once.
class BlockParser {
 public:
  BlockParser(TextBlocks blocks, LoadProgress* progress, const ParseText& parse)
      : parse_(parse), progress_(progress), blocks_(std::move(blocks)) {}

  /// The rows of each block, in their order.
  std::expected<std::vector<Dataset>, DataError> run(unsigned threads) {
    for_each_part(threads, threads, [&](std::size_t) {
      while (parse_one()) {
      }
    });
    std::vector<Dataset> parts;
    parts.reserve(parts_.size());
    for (auto& part : parts_) {
      if (!part) return std::unexpected(cause_of(std::move(part.error())));
      parts.push_back(std::move(*part));
    }
    if (stream_fault_) return std::unexpected(std::move(*stream_fault_));
    return parts;
  }

 private:
  using Part = std::expected<Dataset, DataError>;

  /// Why a line is bad: packed data that are damaged give a wrong text before their checksum tells.
  /// So looks for it, as far as that takes about a second.
  DataError cause_of(DataError bad_line) {
    constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 28U;
    for (std::uint64_t bytes = 0; blocks_.packing() != Packing::kNone && bytes < kMostBytes;) {
      if (stream_fault_) return std::move(*stream_fault_);
      const auto block = blocks_.next();
      if (!block) return block.error();
      if (!*block) break;
      bytes += (*block)->text.view().size();
    }
    return bad_line;
  }

  /// Fetches a block and parses it. False at the end.
  bool parse_one() {
    Part* part = nullptr;
    TextBlock block;
    {
      const std::lock_guard lock(mutex_);
      if (is_over_) return false;
      auto fetched = blocks_.next();
      is_over_ = !fetched || !*fetched;
      if (!fetched) stream_fault_ = std::move(fetched.error());
      if (is_over_) return false;
      block = std::move(**fetched);
      part = &parts_.emplace_back();  // a deque: it stays where it is
    }
    *part = parse_(block.text);
    if (*part) {
      if (progress_ != nullptr) {
        progress_->text_bytes += block.text.view().size();
        progress_->rows += (*part)->row_count();
      }
      return true;
    }
    part->error().line += block.lines_before;
    // Blocks before this one have all been fetched; those behind it cannot hold the first fault.
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    return false;
  }

  const ParseText& parse_;
  LoadProgress* progress_;
  std::mutex mutex_;  ///< of all below, but for the parts, which belong to who fetched their block
  TextBlocks blocks_;
  std::deque<Part> parts_;
  std::optional<DataError> stream_fault_;  ///< of the text behind the last part
  bool is_over_ = false;
};

/// Sums of the hashes of labels, one a row of `part`; see fingerprint.hpp.
std::vector<std::uint64_t> label_hashes(const Dataset& part) {
  std::vector<std::uint64_t> hashes(part.row_count());
  for (std::size_t row = 0; row < hashes.size(); ++row) {
    if (!std::isnan(part.label[row])) hashes[row] = label_hash(part.label[row]);
  }
  for (const FurtherLabel& further : part.further_label) {
    hashes[further.row] += label_hash(further.label);
  }
  return hashes;
}

/// Copies the rows of `part` to their place in `whole`; their share of the fingerprint.
std::uint64_t copy_rows(const Dataset& part, std::size_t first_row, std::uint64_t first_entry,
                        Dataset& whole) {
  const std::vector<std::uint64_t> labels = label_hashes(part);
  std::uint64_t terms = 0;
  for (std::size_t row = 0; row < part.row_count(); ++row) {
    const std::uint64_t hash =
        row_hash(labels[row], part.rows.features(row), part.rows.values(row));
    terms += fingerprint_term(hash, first_row + row);
    whole.rows.starts()[first_row + row + 1] = first_entry + part.rows.starts()[row + 1];
    whole.label[first_row + row] = part.label[row];
  }
  const auto entry = static_cast<std::ptrdiff_t>(first_entry);
  std::ranges::copy(part.rows.feature(), whole.rows.feature().begin() + entry);
  std::ranges::copy(part.rows.value(), whole.rows.value().begin() + entry);
  return terms;
}

}  // namespace

std::expected<std::vector<Dataset>, DataError> parse_blocks(TextBlocks blocks, unsigned threads,
                                                            LoadProgress* progress,
                                                            const ParseText& parse) {
  return BlockParser(std::move(blocks), progress, parse).run(threads);
}

Dataset join_parts(std::vector<Dataset> parts, std::string name, unsigned threads) {
  std::vector<std::size_t> first_row(parts.size() + 1);
  std::vector<std::uint64_t> first_entry(parts.size() + 1);
  Dataset whole{.name = std::move(name)};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    first_row[i + 1] = first_row[i] + parts[i].row_count();
    first_entry[i + 1] = first_entry[i] + parts[i].rows.nonzero_count();
    whole.feature_count = std::max(whole.feature_count, parts[i].feature_count);
    whole.lines.append(parts[i].lines, first_row[i]);
    for (const FurtherLabel& further : parts[i].further_label) {
      whole.further_label.push_back({first_row[i] + further.row, further.label});
    }
  }
  whole.rows = SparseRows(first_row.back(), first_entry.back());
  whole.label.resize(first_row.back());
  std::vector<std::uint64_t> terms(parts.size());
  for_each_part(parts.size(), threads, [&](std::size_t i) {
    const Dataset part = std::move(parts[i]);
    terms[i] = copy_rows(part, first_row[i], first_entry[i], whole);
  });
  whole.fingerprint =
      std::accumulate(terms.begin(), terms.end(), fingerprint_base(whole.row_count()));
  return whole;
}

}  // namespace hogwild::sgd
