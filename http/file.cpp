#include "http/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace hogwild::http {
namespace {

std::string failure(const std::filesystem::path& path, int error) {
  return path.string() + ": " + std::generic_category().message(error);
}

}  // namespace

std::expected<File, std::string> File::open(const std::filesystem::path& path) {
  File file;
  // Without O_NONBLOCK a named pipe in the place of the file would hold the thread.
  file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor_ < 0) return std::unexpected(failure(path, errno));
  struct stat status {};
  if (::fstat(file.descriptor_, &status) != 0) return std::unexpected(failure(path, errno));
  if (!S_ISREG(status.st_mode)) return std::unexpected(path.string() + ": not a regular file");
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(std::exchange(other.size_, 0)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool File::read(std::uint64_t offset, std::span<char> buffer) const {
  while (!buffer.empty()) {
    const auto count =
        ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    buffer = buffer.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

}  // namespace hogwild::http
