#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sgd/data/load_error.hpp"
#include "sgd/data/load_progress.hpp"

namespace hogwild::sgd {

/// An open file or standard input, closed at the end of its scope (standard input is left open).
class OpenFile {
 public:
  /// Opens `path` for reading; "-" is standard input. Error: what the system says.
  [[nodiscard]] static std::expected<OpenFile, DataError> open(const std::string& path);

  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// Bytes of a regular file that can be mapped; none for all else: a pipe, standard input, which
  /// may start in its middle, and files that report no size but may have contents (/proc).
  [[nodiscard]] std::optional<std::size_t> mappable_size() const { return mappable_size_; }
  /// Bytes of a regular file, standard input included; none where nobody knows.
  [[nodiscard]] std::optional<std::size_t> size() const { return size_; }

 private:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  std::optional<std::size_t> mappable_size_;
  std::optional<std::size_t> size_;
};

/// The bytes of a file, a pipe or standard input, read in order with a look ahead. Threads: one.
class Input {
 public:
  /// The longest look ahead that peek() promises.
  static constexpr std::size_t kBufferBytes = std::size_t{1} << 18U;

  /// `progress` counts the bytes that are read; it may be null.
  Input(OpenFile file, std::string name, LoadProgress* progress);

  /// Bytes that come next: at least `wanted` of them where the file has so many, none at its end.
  /// Valid until the next call. REQUIRES: wanted <= kBufferBytes.
  [[nodiscard]] std::expected<std::string_view, DataError> peek(std::size_t wanted);
  /// Goes on behind the first `count` bytes of what peek() gave.
  void take(std::size_t count);
  /// Bytes taken so far.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  OpenFile file_;
  std::string name_;
  LoadProgress* progress_;
  std::vector<char> buffer_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace hogwild::sgd
