#pragma once

#include <expected>
#include <string>

#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/load_progress.hpp"
#include "sgd/data/text_blocks.hpp"

namespace hogwild::sgd {

/// Reads svmlight text that comes in blocks; the result is that of parse_svmlight() on the whole.
/// See parse_blocks() for how it is shared among threads.
/// Errors: those of parse_blocks(); a text without any row.
/// Throws std::bad_alloc where memory is short.
[[nodiscard]] std::expected<Dataset, DataError> parse_svmlight_blocks(TextBlocks blocks,
                                                                      unsigned threads,
                                                                      LoadProgress* progress);

/// Reads a file of svmlight text, plain or packed (gzip, bzip2 or zstd, told by its first bytes);
/// "-" is standard input. Plain files are mapped, all else is a stream. `progress` may be null.
/// Errors: those of parse_svmlight() and of TextBlocks, and what the system says.
[[nodiscard]] std::expected<Dataset, DataError> load_svmlight(const std::string& path,
                                                              unsigned threads,
                                                              LoadProgress* progress = nullptr);

}  // namespace hogwild::sgd
