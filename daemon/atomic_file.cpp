#include "daemon/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace hogwild::daemon {
namespace {

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// A temporary file beside `target`: closed and removed unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target)
      : path_(target.parent_path() / fmt::format(".{}.XXXXXX", target.filename().string())),
        descriptor_(mkostemp(path_.data(), O_CLOEXEC)) {}
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (descriptor_ >= 0 && !is_renamed_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

  bool write(std::string_view content) { return write_all(descriptor_, content); }

  /// The rights that a file made by open() would have, and the content on the disk.
  bool settle() {
    return ::fchmod(descriptor_, 0666U & ~current_umask()) == 0 && ::fsync(descriptor_) == 0;
  }

  bool rename_to(const std::filesystem::path& target) {
    is_renamed_ = ::rename(path_.c_str(), target.c_str()) == 0;
    return is_renamed_;
  }

 private:
  static mode_t current_umask() {
    // umask() can only be read by setting it, which would race with other threads.
    unsigned mask = 022;
    if (std::FILE* const status = std::fopen("/proc/self/status", "re")) {
      char line[128];
      while (std::fgets(line, sizeof line, status) != nullptr) {
        if (std::sscanf(line, "Umask: %o", &mask) == 1) break;
      }
      std::fclose(status);
    }
    return static_cast<mode_t>(mask);
  }

  std::string path_;
  int descriptor_;
  bool is_renamed_ = false;
};

/// Makes the rename last through a power cut. Best effort: some file systems cannot sync
/// directories.
void sync_directory(const std::filesystem::path& directory) {
  const auto* const name = directory.empty() ? "." : directory.c_str();
  const int descriptor = ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

std::unexpected<std::string> failure(const std::filesystem::path& path, std::string_view what) {
  return std::unexpected(fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

/// A device, a pipe or a directory: a file must not take its place.
bool is_special(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error);
}

std::expected<void, std::string> write_special(const std::filesystem::path& path,
                                               std::string_view content) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return failure(path, "cannot be opened for writing");
  std::expected<void, std::string> written;
  if (!write_all(descriptor, content)) written = failure(path, "cannot write");
  ::close(descriptor);
  return written;
}

}  // namespace

std::expected<void, std::string> check_writable(const std::filesystem::path& path) {
  if (is_special(path)) {
    if (::access(path.c_str(), W_OK) == 0 && !std::filesystem::is_directory(path)) return {};
    if (std::filesystem::is_directory(path)) errno = EISDIR;
    return failure(path, "cannot be written");
  }
  if (!TemporaryFile(path).is_open()) return failure(path, "cannot create a file beside it");
  return {};
}

std::expected<void, std::string> write_file_atomically(const std::filesystem::path& path,
                                                       std::string_view content) {
  if (is_special(path)) return write_special(path, content);
  TemporaryFile temporary(path);
  if (!temporary.is_open()) return failure(path, "cannot create a file beside it");
  if (!temporary.write(content)) return failure(path, "cannot write");
  if (!temporary.settle()) return failure(path, "cannot sync");
  if (!temporary.rename_to(path)) return failure(path, "cannot take its name");
  sync_directory(path.parent_path());
  return {};
}

}  // namespace hogwild::daemon
