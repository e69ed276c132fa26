#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sgd/data/csv.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/recipe.hpp"
#include "sgd/data/text.hpp"

namespace hogwild::sgd {

/// Reads lines of `LABEL<TAB>TEXT`: a record of a label and a text, or of a text alone. Threads:
/// one.
class LineReader {
 public:
  /// `text` must outlive it.
  explicit LineReader(std::string_view text) : text_(text) {}

  /// The next record, of one field or two; false at the end. It never fails, but a CsvReader does.
  std::expected<bool, DataError> next(RawRecord& record);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 0;
};

/// Raw data as records, whatever their form. Threads: one.
class RawRecords {
 public:
  /// `text` must outlive it; `name` is for messages.
  RawRecords(RawForm form, char delimiter, const Text& text, std::string name);

  /// The header of CSV, which is read first. Errors: no record; a name twice.
  std::expected<std::vector<std::string>, DataError> read_header();
  /// The next record; false at the end. Errors: see CsvReader.
  std::expected<bool, DataError> next(RawRecord& record);

  [[nodiscard]] DataError fault(TextPlace place, std::string reason) const;
  /// What is wrong with data without any record.
  [[nodiscard]] DataError no_records() const;

 private:
  std::string name_;
  std::variant<LineReader, CsvReader> reader_;
};

/// A finite number, blanks around it passed over.
[[nodiscard]] std::optional<double> raw_number(std::string_view text);
/// A number that svmlight text may have as a label.
[[nodiscard]] std::optional<float> raw_label(std::string_view text);
/// The label of a record of lines; none where the record is a text alone, or it is empty.
[[nodiscard]] std::string_view label_of_line(const RawRecord& record);
/// The names of a header, for messages.
[[nodiscard]] std::string names_of(const std::vector<std::string>& header);

}  // namespace hogwild::sgd
