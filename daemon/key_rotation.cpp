#include "daemon/key_rotation.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "daemon/cluster_key.hpp"

namespace hogwild::daemon {
namespace {

/// A key with the comments that stand before it.
std::vector<std::string> blocks_of(std::string_view text) {
  std::vector<std::string> blocks(1);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    blocks.back() += line;
    if (blocks.back().back() != '\n') blocks.back() += '\n';
    const auto first = line.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && line[first] != '#') blocks.emplace_back();
  }
  return blocks;  // the last one holds comments alone, or nothing
}

std::string system_error() { return std::strerror(errno); }

/// Writes what nobody else may read, beside `path`, and puts it in its place.
std::expected<void, std::string> replace(const std::filesystem::path& path,
                                         std::string_view content) {
  struct stat old {};
  const bool is_there = ::stat(path.c_str(), &old) == 0;
  std::string part = path.string() + ".XXXXXX";
  const int descriptor = ::mkostemp(part.data(), O_CLOEXEC);
  if (descriptor < 0) return std::unexpected(system_error());
  const bool is_written =
      ::write(descriptor, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
      (!is_there || (::fchown(descriptor, old.st_uid, old.st_gid) == 0 &&
                     ::fchmod(descriptor, old.st_mode & 07777U) == 0)) &&
      ::fsync(descriptor) == 0 && std::rename(part.c_str(), path.c_str()) == 0;
  const std::string why = is_written ? "" : system_error();
  ::close(descriptor);
  if (is_written) return {};
  ::unlink(part.c_str());
  return std::unexpected(why);
}

}  // namespace

std::expected<std::string, std::string> rotated(std::string_view text, RotationStep step,
                                                std::string_view new_key) {
  if (step == RotationStep::kAdd) {
    std::string result(text);
    if (!result.empty() && result.back() != '\n') result += '\n';
    return result + std::string(new_key);
  }
  auto blocks = blocks_of(text);
  const std::string rest = std::move(blocks.back());
  blocks.pop_back();
  if (blocks.size() < 2) {
    return std::unexpected(step == RotationStep::kPromote
                               ? "it has one key, which seals already; add one first"
                               : "it has one key, and without any nothing would be sealed");
  }
  if (step == RotationStep::kPromote) {
    std::rotate(blocks.begin(), blocks.end() - 1, blocks.end());
  } else {
    blocks.resize(1);
  }
  std::string result;
  for (const std::string& block : blocks) result += block;
  return result + rest;
}

std::expected<std::string, std::string> rotate_key_file(const std::filesystem::path& path,
                                                        RotationStep step) {
  const auto complain = [&](const std::string& why) {
    return std::unexpected(fmt::format("{}: {}", path.string(), why));
  };
  std::string text;
  if (step != RotationStep::kAdd || std::filesystem::exists(path)) {
    if (const auto keys = read_key_file(path); !keys) return std::unexpected(keys.error());
    std::ifstream in(path, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), {});
    if (in.bad()) return complain("cannot be read");
  }
  auto result = rotated(text, step, step == RotationStep::kAdd ? new_key_text() : "");
  if (!result) return complain(result.error());
  const auto keys = parse_keys(*result);
  if (!keys) return complain(keys.error());
  const auto written = replace(path, *result);
  ::OPENSSL_cleanse(text.data(), text.size());
  ::OPENSSL_cleanse(result->data(), result->size());
  if (!written) return complain(written.error());
  std::string others;
  for (const ClusterKey& key : *keys) others += (others.empty() ? "" : ", ") + key_id_text(key.id);
  return fmt::format("{} seals with {} and opens {}", path.string(), key_id_text(keys->front().id),
                     others);
}

}  // namespace hogwild::daemon
