#include "daemon/fetched_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sgd/data/cache_image.hpp"

namespace hogwild::daemon {
namespace {

std::filesystem::path partial_path(const std::filesystem::path& path) {
  std::filesystem::path partial = path;
  partial += ".partial";
  return partial;
}

std::unexpected<std::string> failure(const std::filesystem::path& path, std::string_view what) {
  return std::unexpected(fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

/// A file in `directory` that no other process finds.
int open_nameless(const std::filesystem::path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return descriptor;
  std::string name = (directory / ".hogwild-fetch-XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

std::expected<FetchedFile, std::string> FetchedFile::open(const std::filesystem::path& directory,
                                                          const std::string& name) {
  if (name.empty()) {
    const int descriptor = open_nameless(directory);
    if (descriptor < 0) return failure(directory, "cannot make a file for the run's data");
    return FetchedFile(descriptor, {});
  }
  const std::filesystem::path path = directory / name;
  const int descriptor = ::open(partial_path(path).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return failure(partial_path(path), "cannot open");
  FetchedFile file(descriptor, path);
  std::array<std::byte, 4096> beginning;
  const ssize_t got = ::pread(descriptor, beginning.data(), beginning.size(), 0);
  struct stat status;
  if (got <= 0 || ::fstat(descriptor, &status) != 0) return file;
  const auto id = sgd::cache_id(std::span(beginning).first(static_cast<std::size_t>(got)));
  if (!id) return file;
  file.id_ = *id;
  file.have_bytes_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

FetchedFile::FetchedFile(int descriptor, std::filesystem::path path)
    : descriptor_(descriptor), path_(std::move(path)) {}

FetchedFile::~FetchedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FetchedFile::FetchedFile(FetchedFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      have_bytes_(other.have_bytes_),
      id_(other.id_) {}

FetchedFile& FetchedFile::operator=(FetchedFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  have_bytes_ = other.have_bytes_;
  id_ = other.id_;
  return *this;
}

std::expected<void, std::string> FetchedFile::write(std::uint64_t offset,
                                                    std::span<const std::byte> bytes,
                                                    bool begins_anew) {
  if (begins_anew && ::ftruncate(descriptor_, 0) != 0) return failure(path(), "cannot empty it");
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failure(path(), "cannot write the run's data");
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

std::expected<void, std::string> FetchedFile::complete() {
  if (path_.empty()) return {};
  if (::fsync(descriptor_) != 0 || ::rename(partial_path(path_).c_str(), path_.c_str()) != 0) {
    return failure(path_, "cannot complete it");
  }
  return {};
}

void FetchedFile::discard() {
  if (path_.empty()) return;
  ::unlink(path_.c_str());
  ::unlink(partial_path(path_).c_str());
}

std::string FetchedFile::path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

}  // namespace hogwild::daemon
