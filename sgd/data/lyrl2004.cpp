#include "sgd/data/lyrl2004.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sgd/data/block_feeder.hpp"
#include "sgd/data/near_names.hpp"
#include "sgd/data/svmlight.hpp"
#include "sgd/data/text_blocks.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::string_view kQrels = "rcv1-v2.topics.qrels";
constexpr std::array<std::string_view, 4> kTrainVectors = {
    "lyrl2004_vectors_test_pt0.dat", "lyrl2004_vectors_test_pt1.dat",
    "lyrl2004_vectors_test_pt2.dat", "lyrl2004_vectors_test_pt3.dat"};
constexpr std::array<std::string_view, 1> kTestVectors = {"lyrl2004_vectors_train.dat"};

/// Ids of documents are under 2²⁴ (RCV1's are under 811,000), so that a float holds each exactly.
constexpr std::uint32_t kMostDocuments = std::uint32_t{1} << 24U;

constexpr std::string_view kBlanks = " \t\r";

/// Splits a line at blanks. REQUIRES: no line end in it.
class Words {
 public:
  explicit Words(std::string_view line) : line_(line) {}

  /// The next word; empty at the end of the line.
  std::string_view next() {
    const std::size_t first = std::min(line_.find_first_not_of(kBlanks, at_), line_.size());
    at_ = std::min(line_.find_first_of(kBlanks, first), line_.size());
    return line_.substr(first, at_ - first);
  }
  /// Column of the word that next() gave last, from 1.
  [[nodiscard]] std::uint64_t column_of(std::string_view word) const {
    return static_cast<std::uint64_t>(word.data() - line_.data()) + 1;
  }

 private:
  std::string_view line_;
  std::size_t at_ = 0;
};

/// The first line of `text`, which is taken from it, without its line end.
std::string_view take_line(std::string_view& text) {
  const std::size_t length = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return line;
}

/// A document id: a whole number under kMostDocuments, in digits alone.
std::optional<std::uint32_t> parse_document(std::string_view word) {
  std::uint32_t document = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), document);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return document < kMostDocuments ? std::optional(document) : std::nullopt;
}

std::string quote(std::string_view word) {
  return word.empty() ? "the end of the line" : "\"" + std::string(word.substr(0, 40)) + "\"";
}

/// Which topics each document has.
class Topics {
 public:
  /// Reads all of a qrels file.
  static std::expected<Topics, DataError> read(TextBlocks blocks) {
    Topics topics;
    for (;;) {
      const auto block = blocks.next();
      if (!block) return std::unexpected(block.error());
      if (!*block) break;
      if (auto fault = topics.take((*block)->text.view())) {
        fault->file = blocks.name();
        fault->line += (*block)->lines_before;
        return std::unexpected(std::move(*fault));
      }
    }
    if (topics.judgements_.empty()) {
      return std::unexpected(
          DataError{.file = blocks.name(), .reason = "no lines; expected TOPIC DID 1"});
    }
    topics.sort();
    return topics;
  }

  /// All topics, sorted.
  [[nodiscard]] std::span<const std::string> names() const { return names_; }
  /// Places in names() of the topics of a document, ascending; none where it is unknown.
  [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t document) const {
    if (document + std::size_t{1} >= first_.size()) return {};
    return std::span(topic_).subspan(first_[document], first_[document + 1] - first_[document]);
  }

 private:
  struct Judgement {
    std::uint32_t document;
    std::uint32_t topic;

    friend auto operator<=>(const Judgement&, const Judgement&) = default;
  };

  std::optional<DataError> take(std::string_view text) {
    for (std::uint64_t line_number = 1; !text.empty(); ++line_number) {
      Words words(take_line(text));
      const std::string_view topic = words.next();
      if (topic.empty()) continue;
      const auto fault = [&](std::string_view word, const char* expected) {
        return DataError{.line = line_number,
                         .column = words.column_of(word),
                         .reason = "found " + quote(word) + "; expected " + expected};
      };
      const std::string_view id = words.next();
      const auto document = parse_document(id);
      if (!document) return fault(id, "a document id, as in TOPIC DID 1");
      const std::string_view one = words.next();
      if (one != "1") return fault(one, "1, as in TOPIC DID 1");
      const std::string_view rest = words.next();
      if (!rest.empty()) return fault(rest, "the end of the line, as in TOPIC DID 1");
      judgements_.push_back({*document, number_of(topic)});
    }
    return std::nullopt;
  }

  /// Topics are numbered as they come, until sort().
  std::uint32_t number_of(std::string_view topic) {
    const auto found = numbers_.find(topic);
    if (found != numbers_.end()) return found->second;
    const auto number = static_cast<std::uint32_t>(numbers_.size());
    numbers_.emplace(topic, number);
    return number;
  }

  void sort() {
    std::vector<std::uint32_t> place(numbers_.size());
    for (const auto& [name, number] : numbers_) {  // a map: in the order of names
      place[number] = static_cast<std::uint32_t>(names_.size());
      names_.push_back(name);
    }
    for (Judgement& judgement : judgements_) judgement.topic = place[judgement.topic];
    std::sort(judgements_.begin(), judgements_.end());
    judgements_.erase(std::unique(judgements_.begin(), judgements_.end()), judgements_.end());
    first_.resize(std::size_t{judgements_.back().document} + 2);
    for (const Judgement& judgement : judgements_) {
      ++first_[judgement.document + 1];
      topic_.push_back(judgement.topic);
    }
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    judgements_ = {};
  }

  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::vector<Judgement> judgements_;
  // Once sorted.
  std::vector<std::string> names_;
  std::vector<std::size_t> first_;  ///< where a document begins in topic_, and where the next does
  std::vector<std::uint32_t> topic_;
};

/// The first line that does not begin with a document id; nothing where all that have words do.
std::optional<DataError> check_documents(std::string_view text, const std::string& file) {
  for (std::uint64_t line = 1; !text.empty(); ++line) {
    Words words(take_line(text));
    const std::string_view word = words.next();
    if (word.empty() || parse_document(word)) continue;
    return DataError{.file = file,
                     .line = line,
                     .column = words.column_of(word),
                     .reason = "found " + quote(word) + "; expected a document id (0 to " +
                               std::to_string(kMostDocuments - 1) + ")"};
  }
  return std::nullopt;
}

/// Reads lines `DID  ID:VALUE …` as svmlight text with the document as its label, then gives each
/// row the labels that `topics` have for it.
class VectorParser {
 public:
  /// `wanted`: the place of the topic that is +1, or none for a label a topic.
  VectorParser(const Topics& topics, std::optional<std::uint32_t> wanted, std::string file)
      : topics_(topics), wanted_(wanted), file_(std::move(file)) {}

  std::expected<Dataset, DataError> operator()(const Text& text) const {
    const auto fault = check_documents(text.view(), file_);
    auto rows = parse_svmlight_lines(text, file_);
    if (fault && (rows || fault->line <= rows.error().line)) return std::unexpected(*fault);
    if (!rows) return rows;
    for (std::uint64_t row = 0; row < rows->row_count(); ++row) {
      const auto document = static_cast<std::uint32_t>(rows->label[row]);
      const auto topics = topics_.of(document);
      if (topics.empty()) {
        return std::unexpected(DataError{.file = file_,
                                         .line = rows->lines.line_of(row),
                                         .column = 1,
                                         .reason = "document " + std::to_string(document) +
                                                   " has no topic in " + std::string(kQrels) +
                                                   "; expected every document there"});
      }
      set_labels(topics, row, *rows);
    }
    return rows;
  }

 private:
  void set_labels(std::span<const std::uint32_t> topics, std::uint64_t row, Dataset& rows) const {
    if (wanted_) {
      const bool has_topic = std::binary_search(topics.begin(), topics.end(), *wanted_);
      rows.label[row] = has_topic ? 1.0F : -1.0F;
      return;
    }
    rows.label[row] = static_cast<float>(topics.front() + 1);
    for (const std::uint32_t topic : topics.subspan(1)) {
      rows.further_label.push_back({.row = row, .label = static_cast<float>(topic + 1)});
    }
  }

  const Topics& topics_;
  std::optional<std::uint32_t> wanted_;
  std::string file_;
};

/// Opens a file of the directory under its original name, or with `.gz` behind it.
std::expected<TextBlocks, DataError> open_blocks(const std::string& directory,
                                                 std::string_view name, LoadProgress* progress) {
  std::string path = directory + "/" + std::string(name);
  if (access(path.c_str(), F_OK) != 0 && access((path + ".gz").c_str(), F_OK) == 0) path += ".gz";
  auto file = OpenFile::open(path);
  if (!file) return std::unexpected(std::move(file.error()));
  return TextBlocks::open(Input(std::move(*file), path, progress));
}

std::expected<std::uint32_t, DataError> find_topic(const Topics& topics, const std::string& topic,
                                                   const std::string& directory) {
  const auto names = topics.names();
  const auto found = std::lower_bound(names.begin(), names.end(), topic);
  if (found != names.end() && *found == topic) {
    return static_cast<std::uint32_t>(found - names.begin());
  }
  std::string near;
  for (const std::string& name : near_names(topic, names, 3)) {
    near += (near.empty() ? "" : ", ") + name;
  }
  return std::unexpected(DataError{.file = directory + "/" + std::string(kQrels),
                                   .reason = "no document has topic \"" + topic +
                                             "\"; expected one of " + std::to_string(names.size()) +
                                             ", such as " + near});
}

}  // namespace

std::string Lyrl2004Options::name() const {
  return "lyrl2004:" + directory + "?" + (topic.empty() ? "" : "topic=" + topic + "&") +
         "part=" + (part == DataPart::kTrain ? "train" : "test");
}

std::expected<void, DataError> feed_lyrl2004(const Lyrl2004Options& options, unsigned threads,
                                             LoadProgress* progress, RowSink& sink) {
  std::span<const std::string_view> names = kTrainVectors;
  if (options.part == DataPart::kTest) names = kTestVectors;
  // All are opened before any is read: a missing one is known at once.
  auto qrels = open_blocks(options.directory, kQrels, progress);
  if (!qrels) return std::unexpected(std::move(qrels.error()));
  std::vector<TextBlocks> vectors;
  for (const std::string_view name : names) {
    auto blocks = open_blocks(options.directory, name, progress);
    if (!blocks) return std::unexpected(std::move(blocks.error()));
    vectors.push_back(std::move(*blocks));
  }
  const auto topics = Topics::read(std::move(*qrels));
  if (!topics) return std::unexpected(topics.error());
  std::optional<std::uint32_t> wanted;
  if (!options.topic.empty()) {
    const auto found = find_topic(*topics, options.topic, options.directory);
    if (!found) return std::unexpected(found.error());
    wanted = *found;
  }
  std::uint64_t rows = 0;
  for (TextBlocks& blocks : vectors) {
    const VectorParser parser(*topics, wanted, blocks.name());
    const auto fresh = feed_blocks(texts_of(blocks), parser, threads, progress, sink, rows);
    if (!fresh) return std::unexpected(fresh.error());
    rows += *fresh;
  }
  if (rows == 0) return std::unexpected(no_rows(options.name()));
  return {};
}

}  // namespace hogwild::sgd
