#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "sgd/data/load_error.hpp"

namespace hogwild::sgd {

/// Readable zero bytes behind every Text, so that a parser may load words at its end.
inline constexpr std::size_t kTextPadding = 64;

/// The bytes of a file, mapped or read into memory.
///
/// Owns the mapping or the memory. A mapped file that another process cuts short while it is read
/// ends this process with SIGBUS; one that is changed gives changed text, never a write elsewhere.
/// Invariant: kTextPadding zero bytes follow view(), but of a slice.
class Text {
 public:
  /// Empty.
  Text();
  /// A copy of `bytes`.
  [[nodiscard]] static Text copy_of(std::string_view bytes);

  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

  /// Takes over `size` bytes and kTextPadding zeros behind them, which std::free can free.
  [[nodiscard]] static Text adopt(char* heap, std::size_t size);
  /// Maps the first `size` bytes of a file; an errno where that fails. REQUIRES: size > 0.
  [[nodiscard]] static std::expected<Text, int> map(int descriptor, std::size_t size);

  /// A part of this text, which must outlive it. What follows the part is readable, but not zero.
  /// When it is gone, a mapping gives back the part's pages (they are read again from the file when
  /// touched again). REQUIRES: the range lies in view().
  [[nodiscard]] Text slice(std::size_t offset, std::size_t length) const;

 private:
  struct Release {
    std::size_t reserved = 0;  ///< bytes mapped; 0 where the memory is the heap's
    std::size_t slice = 0;     ///< bytes of somebody else's memory, of which this is a part
    void operator()(const char* data) const;
  };
  Text(const char* data, std::size_t size, Release release);

  std::unique_ptr<const char, Release> data_;
  std::size_t size_ = 0;
};

/// The contents of `path`, or of standard input for "-". Regular files are mapped, others read to
/// their end. Errors: what the system says.
[[nodiscard]] std::expected<Text, DataError> read_text(const std::string& path);

}  // namespace hogwild::sgd
