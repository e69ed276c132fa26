#include "daemon/checkpoint_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "daemon/atomic_file.hpp"
#include "sgd/data/block_hash.hpp"

namespace hogwild::daemon {
namespace {

constexpr std::string_view kMagic = "hwckpt1\n";
/// All versions of the format begin with it.
constexpr std::string_view kAnyMagic = "hwckpt";
constexpr std::size_t kHead = 3 * sizeof(std::uint64_t);

void append_word(std::string& text, std::uint64_t word) {
  char bytes[sizeof word];
  std::memcpy(bytes, &word, sizeof word);  // every supported machine is little-endian
  text.append(bytes, sizeof word);
}

std::uint64_t word_at(std::string_view text, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  return word;
}

std::uint64_t hash_of(std::string_view text) {
  return sgd::hash_bytes(std::as_bytes(std::span(text)), 1);
}

}  // namespace

std::filesystem::path checkpoint_path(const std::filesystem::path& state_directory) {
  return state_directory / "checkpoint";
}

std::expected<std::size_t, std::string> write_checkpoint(const std::filesystem::path& path,
                                                         std::string_view cluster,
                                                         std::span<const std::byte> content) {
  std::string rest;
  rest.reserve(sizeof(std::uint64_t) + cluster.size() + content.size());
  append_word(rest, cluster.size());
  rest += cluster;
  rest.append(reinterpret_cast<const char*>(content.data()), content.size());
  std::string text(kMagic);
  append_word(text, hash_of(rest));
  text += rest;
  if (auto written = write_file_atomically(path, text); !written) {
    return std::unexpected(written.error());
  }
  return text.size();
}

std::expected<std::optional<CheckpointFile>, std::string> read_checkpoint(
    const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return std::nullopt;
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad()) {
    return std::unexpected(fmt::format("{}: cannot be read: {}", path.string(),
                                       std::strerror(errno == 0 ? EIO : errno)));
  }
  const auto damaged = [&](std::string_view what) {
    return std::unexpected(fmt::format(
        "{}: {}; remove it to begin anew, or to join members that go on", path.string(), what));
  };
  if (text.starts_with(kAnyMagic) && !text.starts_with(kMagic)) {
    return damaged("a checkpoint in the form of another version of this program");
  }
  if (!text.starts_with(kMagic)) return damaged("not a checkpoint, or its beginning is damaged");
  if (text.size() < kHead) return damaged("cut short");
  const std::string_view rest = std::string_view(text).substr(2 * sizeof(std::uint64_t));
  const std::uint64_t name_bytes = word_at(text, 2 * sizeof(std::uint64_t));
  if (word_at(text, kMagic.size()) != hash_of(rest) || name_bytes > text.size() - kHead) {
    return damaged(
        fmt::format("damaged: its {} bytes do not have the hash that it names", text.size()));
  }
  CheckpointFile file{.cluster = text.substr(kHead, name_bytes), .content = {}};
  const auto content = std::as_bytes(std::span(text)).subspan(kHead + name_bytes);
  file.content.assign(content.begin(), content.end());
  return file;
}

}  // namespace hogwild::daemon
