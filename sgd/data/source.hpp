#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/load_progress.hpp"
#include "sgd/data/row_sink.hpp"
#include "sgd/data/synthetic.hpp"
#include "sgd/data/training_rows.hpp"

namespace hogwild::sgd {

/// A file of svmlight text, plain or packed, or a cache; "-" is standard input.
struct FileSource {
  std::string path;
};

/// `synth:rcv1?…`: what the argument said, and what it left open.
struct SyntheticSource {
  std::optional<std::uint64_t> rows;
  std::uint64_t seed = 1;
  std::optional<DataPart> part;
};

/// `lyrl2004:DIR?…`: a directory with the files of RCV1-v2.
struct Lyrl2004Source {
  std::string directory;
  std::string topic{};  ///< empty: every topic is a label
  std::optional<DataPart> part{};
};

/// A DATA argument, understood but not yet opened.
struct DataSource {
  std::variant<FileSource, SyntheticSource, Lyrl2004Source> where;
  std::string text;  ///< as it was given

  /// True for `synth:`, which every node can make by itself.
  [[nodiscard]] bool is_synthetic() const { return std::holds_alternative<SyntheticSource>(where); }
};

/// Understands `PATH`, `-`, `synth:rcv1[?n=N&seed=S&part=train|test]` or
/// `lyrl2004:DIR[?topic=T&part=train|test]`.
/// The error says what is wrong with it and what would be right.
[[nodiscard]] std::expected<DataSource, std::string> parse_data_source(std::string_view text);

/// Reads or makes data other than caches and feeds it to `sink`. `default_part` is for `synth:` and
/// `lyrl2004:` without a part; without `n` the training part of `synth:` has 200,000 rows and the
/// test part 23,149. Any number of threads gives the same. `progress` may be null. Throws
/// std::bad_alloc where memory is short.
[[nodiscard]] std::expected<void, DataError> feed_data(const DataSource& source,
                                                       DataPart default_part, unsigned threads,
                                                       LoadProgress* progress, RowSink& sink);

/// What feed_data() has, as a data set in the order of its source; or what a cache holds.
[[nodiscard]] std::expected<Dataset, DataError> load_data(const DataSource& source,
                                                          DataPart default_part, unsigned threads,
                                                          LoadProgress* progress = nullptr);

/// What feed_data() has (the training part, where nothing else is said), laid out for training as
/// it comes, so that it is in memory once. A cache is used where it is mapped, without a pass over
/// its rows but for its hashes.
/// Errors: those of feed_data() and TrainingBuilder::finish().
[[nodiscard]] std::expected<TrainingSet, DataError> load_training(const DataSource& source,
                                                                  unsigned threads,
                                                                  LoadProgress* progress = nullptr);

}  // namespace hogwild::sgd
