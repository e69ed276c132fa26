#include "sgd/data/raw_records.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hogwild::sgd {
namespace {

using Reader = std::variant<LineReader, CsvReader>;

Reader make_reader(RawForm form, char delimiter, const Text& text, const std::string& name) {
  if (form == RawForm::kText) return LineReader(text.view());
  return CsvReader(text.view(), name, delimiter);
}

}  // namespace

std::expected<bool, DataError> LineReader::next(RawRecord& record) {
  record.fields.clear();
  record.places.clear();
  while (at_ < text_.size()) {
    const std::size_t newline = std::min(text_.find('\n', at_), text_.size());
    std::string_view line = text_.substr(at_, newline - at_);
    at_ = std::min(newline + 1, text_.size());
    ++line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::size_t tab = line.find('\t');
    if (tab != std::string_view::npos) {
      record.fields.emplace_back(line.substr(0, tab));
      record.places.push_back({line_, 1});
      line.remove_prefix(tab + 1);
    }
    record.fields.emplace_back(line);
    record.places.push_back({line_, tab == std::string_view::npos ? 1 : tab + 2});
    return true;
  }
  return false;
}

RawRecords::RawRecords(RawForm form, char delimiter, const Text& text, std::string name)
    : name_(std::move(name)), reader_(make_reader(form, delimiter, text, name_)) {}

std::expected<std::vector<std::string>, DataError> RawRecords::read_header() {
  RawRecord header;
  const auto read = next(header);
  if (!read) return std::unexpected(read.error());
  if (!*read) {
    return std::unexpected(
        DataError{.file = name_, .reason = "the file is empty; expected a header and rows"});
  }
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    const auto before = header.fields.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(header.fields.begin(), before, header.fields[i]) != before) {
      return std::unexpected(fault(header.places[i], "a column \"" + header.fields[i] +
                                                         "\" a second time; expected each once"));
    }
  }
  return std::move(header.fields);
}

std::expected<bool, DataError> RawRecords::next(RawRecord& record) {
  return std::visit([&](auto& reader) { return reader.next(record); }, reader_);
}

DataError RawRecords::fault(TextPlace place, std::string reason) const {
  return {.file = name_, .line = place.line, .column = place.column, .reason = std::move(reason)};
}

DataError RawRecords::no_records() const {
  const bool is_csv = std::holds_alternative<CsvReader>(reader_);
  return {.file = name_,
          .reason = std::string("no rows; expected ") +
                    (is_csv ? "records behind the header" : "lines of LABEL<TAB>TEXT, or of TEXT")};
}

std::optional<double> raw_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0.0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<float> raw_label(std::string_view text) {
  const auto number = raw_number(text);
  if (!number || std::abs(*number) >= 0x1p24) return std::nullopt;
  return static_cast<float>(*number);
}

std::string_view label_of_line(const RawRecord& record) {
  return record.fields.size() == 2 ? std::string_view(record.fields[0]) : std::string_view();
}

std::string names_of(const std::vector<std::string>& header) {
  std::string text;
  for (const std::string& name : header) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace hogwild::sgd
