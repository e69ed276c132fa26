#include "sgd/data/input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace hogwild::sgd {

std::expected<OpenFile, DataError> OpenFile::open(const std::string& path) {
  const bool is_standard_input = path == "-";
  OpenFile file(is_standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.descriptor_ < 0 || fstat(file.descriptor_, &status) != 0) {
    return std::unexpected(DataError{
        .file = path, .reason = "cannot be opened: " + std::generic_category().message(errno)});
  }
  if (S_ISREG(status.st_mode) && status.st_size > 0) {
    file.size_ = static_cast<std::size_t>(status.st_size);
    if (!is_standard_input) file.mappable_size_ = file.size_;
  }
  return file;
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      mappable_size_(other.mappable_size_),
      size_(other.size_) {}

OpenFile::~OpenFile() {
  if (descriptor_ > STDIN_FILENO) close(descriptor_);
}

Input::Input(OpenFile file, std::string name, LoadProgress* progress)
    : file_(std::move(file)), name_(std::move(name)), progress_(progress), buffer_(kBufferBytes) {
  if (progress_ != nullptr) progress_->total_bytes += file_.size().value_or(0);
}

std::expected<std::string_view, DataError> Input::peek(std::size_t wanted) {
  assert(wanted <= kBufferBytes);
  if (last_ - first_ < wanted && first_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + first_, last_ - first_);
    last_ -= std::exchange(first_, 0);
  }
  while (last_ - first_ < wanted) {
    const ssize_t got = read(file_.descriptor(), buffer_.data() + last_, kBufferBytes - last_);
    if (got == 0) break;
    if (got > 0) {
      last_ += static_cast<std::size_t>(got);
      if (progress_ != nullptr) progress_->bytes += static_cast<std::uint64_t>(got);
    } else if (errno != EINTR) {
      return std::unexpected(DataError{
          .file = name_, .reason = "cannot be read: " + std::generic_category().message(errno)});
    }
  }
  return std::string_view(buffer_.data() + first_, last_ - first_);
}

void Input::take(std::size_t count) {
  assert(count <= last_ - first_);
  first_ += count;
  offset_ += count;
}

}  // namespace hogwild::sgd
