#include "daemon/cluster_key.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>

#include "daemon/hmac.hpp"

namespace hogwild::daemon {
namespace {

constexpr std::size_t kTextBytes = 44;  // 32 bytes as base64
constexpr std::size_t kLongestFile = 64U << 10U;

using Secret = std::array<std::byte, ClusterKey::kBytes>;

/// The bytes of a key, or nothing where the text is none.
std::optional<Secret> decode_key(std::string_view text) {
  if (text.size() != kTextBytes || text.back() != '=' || text[kTextBytes - 2] == '=') {
    return std::nullopt;
  }
  std::array<unsigned char, 33> decoded;  // OpenSSL counts the padding as a byte
  const int length =
      ::EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size()));
  if (length != static_cast<int>(decoded.size())) return std::nullopt;
  Secret secret;
  std::memcpy(secret.data(), decoded.data(), secret.size());
  ::OPENSSL_cleanse(decoded.data(), decoded.size());
  return secret;
}

ClusterKey to_key(const Secret& secret) {
  constexpr std::string_view kSalt = "hogwild cluster key";
  constexpr std::string_view kIdLabel = "hogwild key id";
  ClusterKey key;
  key.root = hmac_sha256(std::as_bytes(std::span(kSalt)), secret);
  const auto id = hmac_sha256(key.root, std::as_bytes(std::span(kIdLabel)));
  std::memcpy(&key.id, id.data(), sizeof key.id);
  return key;
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  const auto begin = std::min(line.find_first_not_of(kBlank), line.size());
  const auto end = line.find_last_not_of(kBlank) + 1;
  return line.substr(begin, std::max(begin, end) - begin);
}

}  // namespace

ClusterKey::~ClusterKey() { ::OPENSSL_cleanse(root.data(), root.size()); }

std::string key_id_text(std::uint16_t id) { return fmt::format("{:04x}", id); }

std::expected<KeyRing, std::string> parse_keys(std::string_view text) {
  KeyRing ring;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.front() == '#') continue;
    auto secret = decode_key(line);
    if (!secret) {
      return std::unexpected(
          fmt::format("line {}: expected a key as `hogwild keygen` prints it: 44 letters of "
                      "base64, got {}",
                      number, line.size()));
    }
    const ClusterKey key = to_key(*secret);
    ::OPENSSL_cleanse(secret->data(), secret->size());
    if (std::ranges::find(ring, key.id, &ClusterKey::id) != ring.end()) {
      return std::unexpected(
          fmt::format("line {}: a key with the id {} stands above already, expected another one",
                      number, key_id_text(key.id)));
    }
    if (ring.size() == kMostKeys) {
      return std::unexpected(
          fmt::format("line {}: expected at most {} keys: retire old ones", number, kMostKeys));
    }
    ring.push_back(key);
  }
  if (ring.empty()) return std::unexpected("no key in it, expected one as `hogwild keygen` prints");
  return ring;
}

std::expected<KeyRing, std::string> read_key_file(const std::filesystem::path& path) {
  const auto complain = [&](const std::string& what) {
    return std::unexpected(fmt::format("--key-file {}: {}", path.string(), what));
  };
  std::ifstream in(path, std::ios::binary);
  struct stat status {};
  if (!in || ::stat(path.c_str(), &status) != 0) {
    return complain(fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  // As ssh does with private keys; but a group may read, since that is how secrets are mounted.
  if (S_ISREG(status.st_mode) && (status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0) {
    return complain(
        fmt::format("mode {:04o} lets others read or change the cluster's key, expected 0600 (or "
                    "0640): chmod 600 {}",
                    static_cast<unsigned>(status.st_mode & 07777U), path.string()));
  }
  std::string text(kLongestFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return complain("cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kLongestFile) return complain("longer than 64 KiB, expected a few keys");
  auto keys = parse_keys(text);
  ::OPENSSL_cleanse(text.data(), text.size());
  if (!keys) return complain(keys.error());
  return keys;
}

std::string new_key_text() {
  std::array<unsigned char, ClusterKey::kBytes> secret;
  if (::RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) {
    throw std::runtime_error("no randomness for a key");
  }
  std::array<unsigned char, kTextBytes + 1> text;
  ::EVP_EncodeBlock(text.data(), secret.data(), static_cast<int>(secret.size()));
  const std::string line(reinterpret_cast<const char*>(text.data()), kTextBytes);
  const KeyRing ring = parse_keys(line).value();
  return fmt::format(
      "# hogwild cluster key {}: the first key of a file seals, all of them open\n{}\n",
      key_id_text(ring.front().id), line);
}

}  // namespace hogwild::daemon
