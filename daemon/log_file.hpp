#pragma once

#include <cstdint>
#include <cstdio>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/log_line.hpp"

namespace hogwild::daemon {

/// One file of log lines, which may be opened after the first lines came.
/// Threads: one at a time; the caller locks.
/// Invariant: at most kMostPendingBytes wait for the file to be opened, and a file of a run takes
/// kTraffic lines only while it has fewer than `most_bytes`, others up to twice that.
class LogFile {
 public:
  static constexpr std::size_t kMostPendingBytes = 1U << 20U;

  explicit LogFile(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

  /// Appends to `path` for good, under its own name and without a bound.
  [[nodiscard]] std::expected<void, std::string> open_for_append(const std::filesystem::path& path);
  /// Starts `path` anew under the temporary name `path`.partial, with the lines that came before.
  [[nodiscard]] std::expected<void, std::string> open_partial(const std::filesystem::path& path);
  /// Syncs what came so far and gives the file its name; later lines are appended to it, and may be
  /// synced by another call. Error: the file keeps its temporary name, or was never opened.
  [[nodiscard]] std::expected<void, std::string> finish();

  void append(LogLevel level, std::string_view line);
  void flush();

  [[nodiscard]] std::uint64_t dropped_lines() const { return dropped_lines_; }
  [[nodiscard]] std::uint64_t failed_writes() const { return failed_writes_; }

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  [[nodiscard]] bool has_room(LogLevel level, std::size_t bytes) const;
  void write(std::string_view line);

  std::uint64_t most_bytes_;
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Closer> file_;
  std::string pending_;
  std::uint64_t bytes_ = 0;
  std::uint64_t missed_lines_ = 0;  // without room before the file was opened
  std::uint64_t dropped_lines_ = 0;
  std::uint64_t failed_writes_ = 0;
  bool is_bounded_ = true;
  bool has_name_ = false;  // no longer the temporary one
};

}  // namespace hogwild::daemon
