#include "sgd/data/svmlight_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "sgd/data/dataset.hpp"
#include "sgd/data/decimal.hpp"
#include "sgd/data/plain_entries.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::uint32_t kMaxId = 0x7fffffffU;
constexpr float kMaxLabel = 16777215.0F;  // beyond, floats do not tell whole numbers apart

constexpr std::array<bool, 256> kEndsToken = [] {
  std::array<bool, 256> ends{};
  for (const char c : std::string_view(" \t\r\n#\0", 6)) ends[static_cast<unsigned char>(c)] = true;
  return ends;
}();

bool ends_token(char c) { return kEndsToken[static_cast<unsigned char>(c)]; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

const char* skip_blanks(const char* at) {
  while (*at == ' ' || *at == '\t') ++at;
  return at;
}

/// True where each feature is larger than the one before it. REQUIRES: features are below 2^31.
bool is_ascending(const std::uint32_t* feature, std::size_t count) {
  constexpr std::size_t kLanes = 8;
  // Where features ascend, a difference less one has no top bit.
  std::uint32_t differences[kLanes] = {};
  std::size_t i = 1;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      differences[lane] |= feature[i + lane] - feature[i + lane - 1] - 1U;
    }
  }
  for (; i < count; ++i) differences[0] |= feature[i] - feature[i - 1] - 1U;
  std::uint32_t any = 0;
  for (const std::uint32_t difference : differences) any |= difference;
  return any >> 31U == 0;
}

bool begins_with(const char* at, const char* end, std::string_view prefix) {
  return std::string_view(at, end).starts_with(prefix);
}

}  // namespace

/// Where the next line begins, when `at` is at the end of what counts in this one; else null.
const char* SvmlightLineReader::line_after(const char* at) const {
  if (at == end_) return at;
  if (*at == '\n') return at + 1;
  if (*at == '\r') {
    if (at + 1 == end_) return end_;
    return at[1] == '\n' ? at + 2 : nullptr;
  }
  if (*at != '#') return nullptr;
  const char* const found = std::find(at, end_, '\n');
  return found == end_ ? end_ : found + 1;
}

std::expected<SvmlightLine, LineFault> SvmlightLineReader::read(const char* line, EntryRoom room) {
  SvmlightLine parsed;
  const char* at = skip_blanks(line);
  further_.clear();
  if ((parsed.next = line_after(at)) != nullptr) return parsed;
  parsed.is_row = true;

  auto labelled = read_labels(at, parsed.label);
  if (!labelled) return std::unexpected(std::move(labelled.error()));
  auto first_entry = skip_qid(skip_blanks(*labelled));
  if (!first_entry) return std::unexpected(std::move(first_entry.error()));
  at = *first_entry;

  std::size_t count = 0;
  const char* retry = at;
  for (;;) {
    at = skip_blanks(at);
    if (at >= retry) {
      const PlainEntries plain = read_plain_entries(at, {.feature = room.feature + count,
                                                         .value = room.value + count,
                                                         .size = room.size - count});
      count += plain.count;
      at = skip_blanks(plain.end);
      retry = plain.retry + 1;
    }
    const DigitRun digits = read_digits(at);
    const char* colon = at + digits.count;
    std::uint32_t id = digits.value;
    if (*colon != ':' || digits.count - 1U >= 7U || id == 0) [[unlikely]] {
      if ((parsed.next = line_after(at)) != nullptr) break;
      auto long_id = read_long_id(at);
      if (!long_id) return std::unexpected(std::move(long_id.error()));
      id = long_id->id;
      colon = long_id->colon;
    }
    const Decimal number = read_decimal(colon + 1, end_);
    if (number.state != DecimalState::kOk || !ends_token(*number.end)) [[unlikely]] {
      return std::unexpected(value_fault(id, colon + 1));
    }
    // The text was searched for its colons before; it can hold more only when it was changed since.
    if (count == room.size) [[unlikely]] {
      return std::unexpected(LineFault{at, "the file was changed while it was read"});
    }
    room.feature[count] = id - 1;
    room.value[count] = number.value;
    ++count;
    at = number.end;
  }
  parsed.entry_count = count;
  if (!is_ascending(room.feature, count)) {
    auto sorted = sort_entries(*first_entry, room, count);
    if (!sorted) return std::unexpected(std::move(sorted.error()));
  }
  return parsed;
}

/// Reads `1` or `3,17`; behind them the entries begin. Where the line begins with an entry instead,
/// the label is kNoLabel and nothing is read.
std::expected<const char*, LineFault> SvmlightLineReader::read_labels(const char* at,
                                                                      float& label) {
  label = kNoLabel;
  const char* digits = at;
  while (is_digit(*digits)) ++digits;
  if (*digits == ':' || begins_with(at, end_, "qid:")) return at;
  auto first = read_one_label(at);
  if (!first) return std::unexpected(std::move(first.error()));
  label = *first;
  while (*at == ',') {
    const char* const place = ++at;
    auto next = read_one_label(at);
    if (!next) return std::unexpected(std::move(next.error()));
    if (*next == label || std::find(further_.begin(), further_.end(), *next) != further_.end()) {
      return std::unexpected(
          LineFault{place, "label " + quote(place) + " a second time; expected it once a row"});
    }
    further_.push_back(*next);
  }
  if (!ends_token(*at)) return std::unexpected(unexpected(at, "a space after the label"));
  return at;
}

std::expected<float, LineFault> SvmlightLineReader::read_one_label(const char*& at) const {
  const Decimal number = read_decimal(at, end_);
  if (number.state == DecimalState::kNotANumber) {
    return std::unexpected(unexpected(at, "a label (a number such as +1, -1 or 0)"));
  }
  if (number.state == DecimalState::kTooLarge || std::abs(number.value) > kMaxLabel) {
    return std::unexpected(
        LineFault{at, "label " + quote(at) + "; expected a number from -16777215 to 16777215"});
  }
  at = number.end;
  return number.value;
}

std::expected<const char*, LineFault> SvmlightLineReader::skip_qid(const char* at) const {
  constexpr std::string_view kPrefix = "qid:";
  if (!begins_with(at, end_, kPrefix)) return at;
  const char* digits = at + kPrefix.size();
  if (*digits == '-') ++digits;
  const char* const number_end = std::find_if_not(digits, end_, is_digit);
  if (number_end == digits || !ends_token(*number_end)) {
    return std::unexpected(unexpected(at + kPrefix.size(), "a whole number after qid:"));
  }
  return number_end;
}

/// An id that the fast way does not read: of eight digits or more, or not an id at all.
std::expected<SvmlightLineReader::LongId, LineFault> SvmlightLineReader::read_long_id(
    const char* first) const {
  const char* const id_end = std::find_if_not(first, end_, is_digit);
  if (id_end == first) {
    return std::unexpected(unexpected(first, "a feature (id:value) or the end of the line"));
  }
  if (*id_end != ':') {
    return std::unexpected(unexpected(id_end, "a colon after a feature id"));
  }
  std::uint32_t id = 0;
  const auto result = std::from_chars(first, id_end, id);
  if (result.ec != std::errc{} || id > kMaxId || id == 0) {
    const std::string hint = id == 0 && result.ec == std::errc{} ? " (ids start at 1)" : "";
    return std::unexpected(LineFault{
        first, "feature id " + quote(first) + "; expected an id from 1 to 2147483647" + hint});
  }
  return LongId{.id = id, .colon = id_end};
}

LineFault SvmlightLineReader::value_fault(std::uint32_t id, const char* number) const {
  const std::string feature = "feature " + std::to_string(id);
  const Decimal read = read_decimal(number, end_);
  if (read.state == DecimalState::kTooLarge) {
    return {number, "value " + quote(number) + " of " + feature +
                        " is too large; expected one that is finite in a 32-bit float"};
  }
  if (read.state == DecimalState::kNotANumber) {
    return unexpected(number, ("a finite number as the value of " + feature).c_str());
  }
  return unexpected(read.end, ("a space after the value of " + feature).c_str());
}

LineFault SvmlightLineReader::unexpected(const char* at, const char* wanted) const {
  return {at, "found " + quote(at) + "; expected " + wanted};
}

/// What stands at `at`, as a message shows it: up to the next blank, shortened, unprintable bytes
/// as \xNN.
std::string SvmlightLineReader::quote(const char* at) const {
  constexpr std::ptrdiff_t kLongest = 24;
  if (at == end_) return "the end of the file";
  if (*at == '\n' || (*at == '\r' && (at + 1 == end_ || at[1] == '\n'))) {
    return "the end of the line";
  }
  if (*at == ' ' || *at == '\t') return "a blank";
  const char* const token_end = std::find_if(at + 1, end_, ends_token);
  const char* const shown_end = std::min(token_end, at + kLongest);
  std::string quoted = "\"";
  for (const char* c = at; c != shown_end; ++c) {
    if (*c >= ' ' && *c <= '~') {
      quoted += *c;
    } else {
      constexpr std::string_view kHex = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(*c);
      quoted += "\\x";
      quoted += kHex[byte >> 4U];
      quoted += kHex[byte & 15U];
    }
  }
  return quoted + (shown_end == token_end ? "\"" : "…\"");
}

/// Sorts the entries of a line by feature.
/// Errors: a feature that comes twice, at its second place in the line.
std::expected<void, LineFault> SvmlightLineReader::sort_entries(const char* first_entry,
                                                                EntryRoom room, std::size_t count) {
  if (count > 0xffffffffU)
    return std::unexpected(LineFault{first_entry, "more than 2^32 features"});
  keys_.resize(count);
  for (std::size_t i = 0; i < count; ++i) keys_[i] = (std::uint64_t{room.feature[i]} << 32U) | i;
  std::sort(keys_.begin(), keys_.end());
  std::uint32_t second_place = 0xffffffffU;
  for (std::size_t i = 1; i < count; ++i) {
    if (keys_[i] >> 32U != keys_[i - 1] >> 32U) continue;
    second_place = std::min(second_place, static_cast<std::uint32_t>(keys_[i]));
  }
  if (second_place != 0xffffffffU) {
    const char* at = skip_blanks(first_entry);
    for (std::uint32_t i = 0; i < second_place; ++i) {
      at = skip_blanks(std::find_if(at, end_, ends_token));
    }
    return std::unexpected(LineFault{at, "feature " +
                                             std::to_string(room.feature[second_place] + 1) +
                                             " a second time in this row; expected each id once"});
  }
  values_.assign(room.value, room.value + count);
  for (std::size_t i = 0; i < count; ++i) {
    room.feature[i] = static_cast<std::uint32_t>(keys_[i] >> 32U);
    room.value[i] = values_[static_cast<std::uint32_t>(keys_[i])];
  }
  return {};
}

}  // namespace hogwild::sgd
