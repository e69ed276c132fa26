#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>

#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/load_progress.hpp"
#include "sgd/data/row_sink.hpp"
#include "sgd/data/text.hpp"
#include "sgd/data/text_blocks.hpp"

namespace hogwild::sgd {

/// A text that comes in blocks of whole lines.
struct LineStream {
  /// The next block, or none at the end. Threads: one at a time.
  std::function<std::expected<std::optional<Text>, DataError>()> next;
  /// Unpacked from data that may be damaged: then the text is wrong before a checksum tells.
  bool is_packed = false;
};

/// The blocks of `blocks`, which must outlive it.
[[nodiscard]] LineStream texts_of(TextBlocks& blocks);

/// Makes rows of some lines of a text, perhaps none. Lines in errors and in the data set count from
/// the beginning of what it is given. Threads: several at a time.
using ParseText = std::function<std::expected<Dataset, DataError>(const Text&)>;

/// Feeds the rows of a text to `sink`, the first of them as row `first_row`; how many there are.
///
/// Whichever thread is free fetches the next block, one at a time, and parses it while others fetch
/// theirs: so unpacking runs beside parsing without a queue, and no more text is in memory than a
/// block a thread. Rows get their index when all blocks before theirs are parsed; nobody waits for
/// that: who completes the sequence hands on what has gathered. `progress` may be null.
/// Errors: the first of the text, of `parse` as well as of `stream`; lines count from the beginning
/// of the text. Where a packed text has a bad line, damage that is found behind it is the error
/// instead. The sink then has some of the rows. Throws what `parse` and `sink` throw.
[[nodiscard]] std::expected<std::uint64_t, DataError> feed_blocks(
    const LineStream& stream, const ParseText& parse, unsigned threads, LoadProgress* progress,
    RowSink& sink, std::uint64_t first_row = 0);

}  // namespace hogwild::sgd
