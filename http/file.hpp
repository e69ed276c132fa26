#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <string>

namespace hogwild::http {

/// A regular file, open for reading.
///
/// Owns: the descriptor. Threads: one at a time; every call may block on the disk.
class File {
 public:
  /// Opens `path`; the error names it and the cause. Anything but a regular file is an error.
  [[nodiscard]] static std::expected<File, std::string> open(const std::filesystem::path& path);

  /// No file: size() is 0.
  File() = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  /// Its size when it was opened; a file that grows since is read up to here.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Fills all of `buffer` from `offset`; false where the file ends before or cannot be read.
  [[nodiscard]] bool read(std::uint64_t offset, std::span<char> buffer) const;

 private:
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace hogwild::http
