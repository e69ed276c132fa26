#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "sgd/data/load_error.hpp"

namespace hogwild::sgd {

/// Where something is in a text, both from 1; the column in bytes.
struct TextPlace {
  std::uint64_t line = 1;
  std::uint64_t column = 1;
};

/// The fields of a record of raw data, and where each begins.
struct RawRecord {
  std::vector<std::string> fields{};
  std::vector<TextPlace> places{};
};

/// Reads comma-separated values (RFC 4180) record by record.
///
/// A field in double quotes may hold delimiters, line ends, and quotes written twice; one without
/// holds none of them. Records end at LF or CRLF, the last one perhaps at the end of the text. A
/// line without any character is no record. Each record has as many fields as the first.
/// Threads: one.
class CsvReader {
 public:
  /// `text` must outlive it; `name` is for messages. REQUIRES: delimiter is no quote, no line end.
  CsvReader(std::string_view text, std::string name, char delimiter);

  /// The next record; false at the end, and `record` is then empty.
  /// Errors: at the first place that is not as expected; the reader is then of no more use.
  [[nodiscard]] std::expected<bool, DataError> next(RawRecord& record);

 private:
  [[nodiscard]] std::expected<void, DataError> read_field(std::string& field);
  [[nodiscard]] std::expected<void, DataError> read_quoted(std::string& field);
  [[nodiscard]] bool is_at_line_end() const;
  void skip_line_end();
  [[nodiscard]] TextPlace place() const { return {line_, at_ - line_start_ + 1}; }
  [[nodiscard]] std::unexpected<DataError> fail(TextPlace place, std::string reason) const;

  // Fixed after construction.
  std::string_view text_;
  std::string name_;
  char delimiter_;
  // Where it is.
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  std::size_t line_start_ = 0;
  std::size_t width_ = 0;  ///< fields of the first record; 0: none yet
};

}  // namespace hogwild::sgd
