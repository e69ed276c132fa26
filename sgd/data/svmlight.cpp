#include "sgd/data/svmlight.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sgd/data/block_feeder.hpp"
#include "sgd/data/dataset_builder.hpp"
#include "sgd/data/plain_entries.hpp"
#include "sgd/data/svmlight_line.hpp"

namespace hogwild::sgd {
namespace {

/// Bytes of a text in memory that are read in one go: they and their rows fit into a core's cache.
constexpr std::size_t kBlockBytes = std::size_t{1} << 19U;

/// Cuts a text that is in memory into blocks of whole lines, in order.
class TextCutter {
 public:
  explicit TextCutter(const Text& text) : text_(text) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.view().starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  std::optional<Text> next() {
    const std::string_view rest = text_.view().substr(at_);
    if (rest.empty()) return std::nullopt;
    const std::size_t newline = rest.find('\n', std::min(kBlockBytes, rest.size()) - 1);
    const std::size_t length = newline == std::string_view::npos ? rest.size() : newline + 1;
    return text_.slice(std::exchange(at_, at_ + length), length);
  }

 private:
  const Text& text_;
  std::size_t at_ = 0;
};

/// Reads the rows of some lines; used once.
class LinesParser {
 public:
  LinesParser(std::string_view text, std::string name)
      : text_(text),
        reader_(text.data() + text.size()),
        feature_(most_entries(text.size())),
        value_(feature_.size()) {
    dataset_.name = std::move(name);
  }

  std::expected<Dataset, DataError> run() {
    const char* const end = text_.data() + text_.size();
    for (const char* line = text_.data(); line < end;) {
      const auto read = reader_.read(line, {.feature = feature_.data() + entries(),
                                            .value = value_.data() + entries(),
                                            .size = feature_.size() - entries()});
      if (!read) return std::unexpected(locate(read.error()));
      if (read->is_row) {
        add_row(*read);
      } else {
        dataset_.lines.skip(dataset_.label.size(), 1);
      }
      line = read->next;
    }
    return finish();
  }

 private:
  /// An entry takes four bytes at least, `1:1` and a blank; and what read_plain_entries() wants.
  static std::size_t most_entries(std::size_t bytes) { return bytes / 4 + 1 + kPlainEntriesRoom; }

  [[nodiscard]] std::size_t entries() const { return starts_.back(); }

  void add_row(const SvmlightLine& line) {
    for (const float label : reader_.further_labels()) {
      dataset_.further_label.push_back({.row = dataset_.label.size(), .label = label});
    }
    dataset_.label.push_back(line.label);
    starts_.push_back(entries() + line.entry_count);
    if (line.entry_count == 0) return;
    // Features ascend, so that the last one is the largest.
    dataset_.feature_count = std::max(dataset_.feature_count, feature_[entries() - 1] + 1);
  }

  Dataset finish() {
    feature_.truncate(entries());
    value_.truncate(entries());
    Array<std::uint64_t> starts(starts_.size());
    std::copy(starts_.begin(), starts_.end(), starts.data());
    dataset_.rows = SparseRows(std::move(starts), std::move(feature_), std::move(value_));
    return std::move(dataset_);
  }

  [[nodiscard]] DataError locate(const LineFault& fault) const {
    const std::string_view before(text_.data(), fault.at);
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto lines = std::count(before.begin(), before.end(), '\n');
    return {.file = dataset_.name,
            .line = 1 + static_cast<std::uint64_t>(lines),
            .column = before.size() - line_start + 1,
            .reason = fault.reason};
  }

  // Fixed after construction.
  std::string_view text_;

  SvmlightLineReader reader_;
  Array<std::uint32_t> feature_;
  Array<float> value_;
  std::vector<std::uint64_t> starts_{0};
  Dataset dataset_;
};

}  // namespace

std::expected<Dataset, DataError> parse_svmlight_lines(const Text& text, std::string name) {
  return LinesParser(text.view(), std::move(name)).run();
}

std::expected<void, DataError> feed_svmlight(const Text& text, const std::string& name,
                                             unsigned threads, LoadProgress* progress,
                                             RowSink& sink) {
  TextCutter cutter(text);
  const auto next = [&]() -> std::expected<std::optional<Text>, DataError> {
    auto block = cutter.next();
    if (block && progress != nullptr) progress->bytes += block->view().size();
    return block;
  };
  const auto parse = [&](const Text& block) { return parse_svmlight_lines(block, name); };
  const auto rows = feed_blocks({.next = next}, parse, threads, progress, sink);
  if (!rows) return std::unexpected(rows.error());
  if (*rows == 0) return std::unexpected(no_rows(name));
  return {};
}

std::expected<Dataset, DataError> parse_svmlight(const Text& text, std::string name,
                                                 unsigned threads, LoadProgress* progress) {
  DatasetBuilder builder;
  const auto fed = feed_svmlight(text, name, threads, progress, builder);
  if (!fed) return std::unexpected(fed.error());
  return std::move(builder).finish(std::move(name), threads);
}

DataError no_rows(const std::string& name) {
  return {.file = name, .reason = "no rows; expected svmlight text"};
}

}  // namespace hogwild::sgd
