#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "sgd/data/plain_entries.hpp"

namespace hogwild::sgd {

/// What is wrong with a line, and where in the text.
struct LineFault {
  const char* at = nullptr;
  std::string reason;
};

/// A line of svmlight text.
struct SvmlightLine {
  const char* next = nullptr;  ///< behind its end
  bool is_row = false;         ///< false: empty, or only a comment; the rest says nothing
  float label = 0.0F;          ///< the first one, or kNoLabel
  std::size_t entry_count = 0;
};

/// Reads svmlight text line by line; svmlight.hpp has the grammar.
/// Threads: one. Reads bytes up to 24 behind `text_end`, never writes past a room.
class SvmlightLineReader {
 public:
  /// REQUIRES: 24 zero bytes at text_end.
  explicit SvmlightLineReader(const char* text_end) : end_(text_end) {}

  /// Reads the line at `line`; its entries, features ascending, go into `room`.
  /// Errors: the first place that is not as expected; `room` is undefined then.
  /// REQUIRES: line < text_end. Cost: about 6 ns an entry (10 without AVX2, or where entries are
  /// not plain).
  [[nodiscard]] std::expected<SvmlightLine, LineFault> read(const char* line, EntryRoom room);

  /// The labels of the line read last but its first, in the order of the line.
  [[nodiscard]] std::span<const float> further_labels() const { return further_; }

 private:
  struct LongId {
    std::uint32_t id;
    const char* colon;  ///< behind its digits
  };

  [[nodiscard, gnu::noinline]] const char* line_after(const char* at) const;
  [[nodiscard]] std::expected<const char*, LineFault> read_labels(const char* at, float& label);
  [[nodiscard]] std::expected<float, LineFault> read_one_label(const char*& at) const;
  [[nodiscard]] std::expected<const char*, LineFault> skip_qid(const char* at) const;
  [[nodiscard, gnu::noinline]] std::expected<LongId, LineFault> read_long_id(
      const char* first) const;
  [[nodiscard, gnu::noinline]] LineFault value_fault(std::uint32_t id, const char* number) const;
  [[nodiscard]] LineFault unexpected(const char* at, const char* wanted) const;
  [[nodiscard]] std::string quote(const char* at) const;
  [[nodiscard, gnu::noinline]] std::expected<void, LineFault> sort_entries(const char* first_entry,
                                                                           EntryRoom room,
                                                                           std::size_t count);

  // Fixed after construction.
  const char* end_;
  // Scratch, kept for its memory.
  std::vector<float> further_;
  std::vector<std::uint64_t> keys_;
  std::vector<float> values_;
};

}  // namespace hogwild::sgd
