#pragma once

#include <expected>
#include <string>

#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/load_progress.hpp"
#include "sgd/data/row_sink.hpp"
#include "sgd/data/text.hpp"

namespace hogwild::sgd {

/// Feeds the rows of svmlight/LIBSVM text:
///
///   line    = [labels] [qid:N] {id:value} [# comment]
///   labels  = number {"," number}          several are kept, see Dataset::further_label
///   id      = 1 … 2³¹ − 1, ascending or not, no id twice; qid is ignored
///   number  = [+|-] digits [. digits] [e[+|-]digits], and ".5", "1."
///
/// Spaces and tabs separate, also before a label; lines end in LF or CRLF, the last one in nothing;
/// a byte order mark is skipped. A line of labels alone is a row; one that begins with a feature is
/// a row without label; an empty line or one that is only a comment is none. Values are the float
/// nearest to the text, bit for bit std::from_chars (too small is 0, too large an error); labels
/// are under 2²⁴ in size.
///
/// Errors: the first bad line of the file, whatever the number of threads; a text without any row.
/// Rows come out with ascending features. Cost: one pass over the text, by blocks shared among
/// `threads`, 0.4 ns a byte. Mapped text is released behind the parser. `progress`, where there is
/// one, counts the bytes and rows that are read. Throws std::bad_alloc where memory is short.
[[nodiscard]] std::expected<void, DataError> feed_svmlight(const Text& text,
                                                           const std::string& name,
                                                           unsigned threads, LoadProgress* progress,
                                                           RowSink& sink);

/// The rows that feed_svmlight() has, as a data set.
[[nodiscard]] std::expected<Dataset, DataError> parse_svmlight(const Text& text, std::string name,
                                                               unsigned threads,
                                                               LoadProgress* progress = nullptr);

/// As parse_svmlight(), for lines out of the middle of a text: it is no error where none is a row,
/// and a byte order mark is not skipped. Lines in errors and in the data set count from `text`. The
/// fingerprint is left out.
[[nodiscard]] std::expected<Dataset, DataError> parse_svmlight_lines(const Text& text,
                                                                     std::string name);

/// What is wrong with a text that has no row.
[[nodiscard]] DataError no_rows(const std::string& name);

}  // namespace hogwild::sgd
