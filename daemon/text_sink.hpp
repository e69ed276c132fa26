#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace hogwild::daemon {

/// Where a command writes a large text: standard output, a file, or a gzip file where the name ends
/// in `.gz`. A file appears under its name only when finish() succeeds; until then it has a
/// temporary one, which is removed when the sink is destroyed. A device or a pipe is written to as
/// it is.
class TextSink {
 public:
  /// Standard output where `path` is empty or `-`. Error: a sentence with the path and the reason.
  [[nodiscard]] static std::expected<TextSink, std::string> open(const std::filesystem::path& path);

  TextSink(TextSink&&) noexcept;
  TextSink& operator=(TextSink&&) noexcept;
  ~TextSink();

  [[nodiscard]] std::expected<void, std::string> write(std::string_view text);
  [[nodiscard]] std::expected<void, std::string> finish();

 private:
  class File;
  explicit TextSink(std::unique_ptr<File> file);
  std::unique_ptr<File> file_;
};

}  // namespace hogwild::daemon
