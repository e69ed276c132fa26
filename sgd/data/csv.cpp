#include "sgd/data/csv.hpp"

#include <cassert>
#include <utility>

namespace hogwild::sgd {

CsvReader::CsvReader(std::string_view text, std::string name, char delimiter)
    : text_(text), name_(std::move(name)), delimiter_(delimiter) {
  assert(delimiter != '"' && delimiter != '\n' && delimiter != '\r');
}

std::expected<bool, DataError> CsvReader::next(RawRecord& record) {
  record.fields.clear();
  record.places.clear();
  while (at_ < text_.size() && is_at_line_end()) skip_line_end();
  if (at_ == text_.size()) return false;
  for (;;) {
    record.places.push_back(place());
    if (auto read = read_field(record.fields.emplace_back()); !read) {
      return std::unexpected(std::move(read.error()));
    }
    if (at_ == text_.size() || text_[at_] != delimiter_) break;
    ++at_;
  }
  const std::size_t count = record.fields.size();
  if (width_ == 0) width_ = count;
  if (count != width_) {
    return fail(count < width_ ? place() : record.places[width_],
                std::to_string(count) + " fields; expected " + std::to_string(width_) +
                    ", as in the first record");
  }
  if (at_ < text_.size()) skip_line_end();
  return true;
}

/// Leaves the reader at a delimiter, a line end or the end of the text.
std::expected<void, DataError> CsvReader::read_field(std::string& field) {
  if (at_ < text_.size() && text_[at_] == '"') return read_quoted(field);
  const std::size_t first = at_;
  while (at_ < text_.size() && text_[at_] != delimiter_ && !is_at_line_end()) {
    if (text_[at_] == '"') {
      return fail(place(),
                  "a quote inside a field; expected the whole field in quotes, and this "
                  "one written twice");
    }
    ++at_;
  }
  field.assign(text_.substr(first, at_ - first));
  return {};
}

std::expected<void, DataError> CsvReader::read_quoted(std::string& field) {
  const TextPlace opening = place();
  ++at_;
  for (;;) {
    if (at_ == text_.size()) {
      return fail(opening, "a quote that is never closed; expected another one behind the field");
    }
    const char c = text_[at_++];
    if (c == '"') {
      if (at_ == text_.size() || text_[at_] != '"') break;
      ++at_;
    } else if (c == '\n') {
      ++line_;
      line_start_ = at_;
    }
    field += c;
  }
  if (at_ == text_.size() || text_[at_] == delimiter_ || is_at_line_end()) return {};
  return fail(place(), "text behind the closing quote; expected the delimiter or the line's end");
}

/// A CR alone is a letter like any other.
bool CsvReader::is_at_line_end() const {
  return text_[at_] == '\n' ||
         (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
}

void CsvReader::skip_line_end() {
  at_ += text_[at_] == '\r' ? 2 : 1;
  ++line_;
  line_start_ = at_;
}

std::unexpected<DataError> CsvReader::fail(TextPlace place, std::string reason) const {
  return std::unexpected(DataError{
      .file = name_, .line = place.line, .column = place.column, .reason = std::move(reason)});
}

}  // namespace hogwild::sgd
