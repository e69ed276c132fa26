#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/load_progress.hpp"
#include "sgd/data/text_blocks.hpp"

namespace hogwild::sgd {

/// Makes rows of some lines of a text, perhaps none. Lines in errors and in the data set count from
/// the beginning of what it is given. Threads: several at a time.
using ParseText = std::function<std::expected<Dataset, DataError>(const Text&)>;

/// The rows of each block of a text, in their order.
///
/// Whichever thread is free fetches the next block, one at a time, and parses it while others fetch
/// theirs: so unpacking runs beside parsing without a queue, and no more text is in memory than a
/// block a thread. `progress` may be null.
/// Errors: the first bad line of the text, or that of TextBlocks; where packed data are damaged and
/// a line is bad, the damage is the reason that counts. Throws what `parse` throws.
[[nodiscard]] std::expected<std::vector<Dataset>, DataError> parse_blocks(TextBlocks blocks,
                                                                          unsigned threads,
                                                                          LoadProgress* progress,
                                                                          const ParseText& parse);

/// Puts the rows of parts one behind the other; the fingerprint is that of the whole.
/// Cost: the rows are copied; each part is freed as it is, so that little more than one copy of all
/// is in memory at any time.
[[nodiscard]] Dataset join_parts(std::vector<Dataset> parts, std::string name, unsigned threads);

}  // namespace hogwild::sgd
