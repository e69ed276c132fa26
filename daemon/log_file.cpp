#include "daemon/log_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace hogwild::daemon {
namespace {

std::filesystem::path partial_name(const std::filesystem::path& path) {
  auto name = path;
  name += ".partial";
  return name;
}

std::unexpected<std::string> failure(const std::filesystem::path& path, std::string_view what) {
  return std::unexpected(fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

}  // namespace

std::expected<void, std::string> LogFile::open_for_append(const std::filesystem::path& path) {
  assert(!file_);
  file_.reset(std::fopen(path.c_str(), "ae"));
  if (!file_) return failure(path, "cannot open");
  is_bounded_ = false;
  return {};
}

std::expected<void, std::string> LogFile::open_partial(const std::filesystem::path& path) {
  assert(!file_);
  file_.reset(std::fopen(partial_name(path).c_str(), "we"));
  if (!file_) return failure(partial_name(path), "cannot open");
  path_ = path;
  dropped_lines_ += std::exchange(missed_lines_, 0);
  if (std::fwrite(pending_.data(), 1, pending_.size(), file_.get()) != pending_.size()) {
    ++failed_writes_;
  }
  pending_ = {};
  return {};
}

std::expected<void, std::string> LogFile::finish() {
  if (!file_) return std::unexpected(std::string("the file was never opened"));
  assert(!path_.empty());
  if (std::fflush(file_.get()) != 0) return failure(path_, "cannot write");
  if (::fsync(::fileno(file_.get())) != 0) return failure(path_, "cannot sync");
  if (failed_writes_ != 0)
    return std::unexpected(fmt::format("{}: some lines could not be written", path_.string()));
  if (has_name_) return {};
  if (std::rename(partial_name(path_).c_str(), path_.c_str()) != 0) {
    return failure(path_, "cannot take its name");
  }
  has_name_ = true;
  return {};
}

void LogFile::append(LogLevel level, std::string_view line) {
  if (!has_room(level, line.size() + 1)) {
    ++(file_ ? dropped_lines_ : missed_lines_);
    return;
  }
  bytes_ += line.size() + 1;
  if (file_) {
    write(line);
  } else {
    pending_.append(line).push_back('\n');
  }
}

void LogFile::flush() {
  if (file_ && std::fflush(file_.get()) != 0) ++failed_writes_;
}

bool LogFile::has_room(LogLevel level, std::size_t bytes) const {
  if (!is_bounded_) return true;
  if (!file_) return bytes_ + bytes <= kMostPendingBytes;
  return bytes_ + bytes <= (level == LogLevel::kTraffic ? most_bytes_ : 2 * most_bytes_);
}

void LogFile::write(std::string_view line) {
  const bool is_written = std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size() &&
                          std::fputc('\n', file_.get()) != EOF;
  if (!is_written) ++failed_writes_;
}

}  // namespace hogwild::daemon
