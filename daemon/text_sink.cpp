#include "daemon/text_sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>

namespace hogwild::daemon {

class TextSink::File {
 public:
  File(std::filesystem::path path, std::filesystem::path temporary, int descriptor, gzFile gzip)
      : path_(std::move(path)),
        temporary_(std::move(temporary)),
        descriptor_(descriptor),
        gzip_(gzip) {}
  ~File() {
    close();
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::expected<void, std::string> write(std::string_view text) {
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, std::size_t{1} << 24U);
      const auto written =
          gzip_ != nullptr
              ? std::int64_t{gzwrite(gzip_, piece.data(), static_cast<unsigned>(piece.size()))}
              : std::int64_t{::write(descriptor_, piece.data(), piece.size())};
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return std::unexpected(failure());
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  std::expected<void, std::string> finish() {
    if (!close()) return std::unexpected(failure());
    if (temporary_.empty()) return {};
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return std::unexpected(failure());
    temporary_.clear();
    return {};
  }

 private:
  std::string failure() const {
    const std::string what = path_.empty() ? "standard output" : path_.string();
    return "cannot write " + what + ": " + std::strerror(errno);
  }

  // Closing is where a full disk may show.
  bool close() {
    bool is_ok = true;
    if (gzip_ != nullptr) {
      is_ok = gzclose(gzip_) == Z_OK;
      gzip_ = nullptr;
    } else if (descriptor_ > STDERR_FILENO) {
      is_ok = ::close(descriptor_) == 0;
    }
    descriptor_ = -1;
    return is_ok;
  }

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_;
  gzFile gzip_;
};

TextSink::TextSink(std::unique_ptr<File> file) : file_(std::move(file)) {}
TextSink::TextSink(TextSink&&) noexcept = default;
TextSink& TextSink::operator=(TextSink&&) noexcept = default;
TextSink::~TextSink() = default;

std::expected<TextSink, std::string> TextSink::open(const std::filesystem::path& path) {
  if (path.empty() || path == "-") {
    return TextSink(std::make_unique<File>("", "", STDOUT_FILENO, nullptr));
  }
  // A device or a pipe is written to as it is: a file must not take its place.
  std::error_code error;
  const bool is_special =
      std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error);
  std::string temporary = is_special ? std::string() : path.string() + ".XXXXXX";
  const int descriptor = is_special ? ::open(path.c_str(), O_WRONLY | O_CLOEXEC)
                                    : ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) {
    return std::unexpected("cannot write " + path.string() + ": " + std::strerror(errno));
  }
  if (!is_special) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    static_cast<void>(::fchmod(descriptor, 0666 & ~mask));
  }
  gzFile gzip = nullptr;
  if (path.extension() == ".gz") {
    gzip = gzdopen(descriptor, "wb6");
    if (gzip == nullptr) {
      ::close(descriptor);
      if (!is_special) ::unlink(temporary.c_str());
      return std::unexpected("cannot write " + path.string() + ": no memory");
    }
  }
  return TextSink(std::make_unique<File>(path, temporary, descriptor, gzip));
}

std::expected<void, std::string> TextSink::write(std::string_view text) {
  return file_->write(text);
}

std::expected<void, std::string> TextSink::finish() { return file_->finish(); }

}  // namespace hogwild::daemon
