#pragma once

#include <expected>
#include <string>

#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/load_progress.hpp"
#include "sgd/data/row_sink.hpp"
#include "sgd/data/text_blocks.hpp"

namespace hogwild::sgd {

/// As feed_svmlight(), of a text that comes in blocks; see feed_blocks() for how it is shared among
/// threads. Errors: the first of the text, bad lines as well as those of TextBlocks.
[[nodiscard]] std::expected<void, DataError> feed_svmlight_blocks(TextBlocks blocks,
                                                                  unsigned threads,
                                                                  LoadProgress* progress,
                                                                  RowSink& sink);

/// Feeds a file of svmlight text, plain or packed (gzip, bzip2 or zstd, told by its first bytes);
/// "-" is standard input. Plain files are mapped, all else is a stream. `progress` may be null.
/// Errors: those of feed_svmlight() and of TextBlocks, and what the system says.
[[nodiscard]] std::expected<void, DataError> feed_svmlight_file(const std::string& path,
                                                                unsigned threads,
                                                                LoadProgress* progress,
                                                                RowSink& sink);

/// The rows that feed_svmlight_file() has, as a data set.
[[nodiscard]] std::expected<Dataset, DataError> load_svmlight(const std::string& path,
                                                              unsigned threads,
                                                              LoadProgress* progress = nullptr);

}  // namespace hogwild::sgd
