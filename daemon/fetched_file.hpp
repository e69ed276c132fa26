#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <string>

namespace hogwild::daemon {

/// A file that arrives in pieces, in order.
///
/// Owns a descriptor. Blocks for as long as the disk takes: not for the network thread. Movable.
class FetchedFile {
 public:
  /// `directory`/`name`, called `name`.partial until it is complete: what an earlier process stored
  /// of it stays. With an empty name a file that has none, and is gone with this process.
  /// Error: a sentence with the path.
  [[nodiscard]] static std::expected<FetchedFile, std::string> open(
      const std::filesystem::path& directory, const std::string& name);
  ~FetchedFile();
  FetchedFile(FetchedFile&& other) noexcept;
  FetchedFile& operator=(FetchedFile&& other) noexcept;

  /// What is stored already, and the id of these contents; 0 where there is nothing of use.
  [[nodiscard]] std::uint64_t have_bytes() const { return have_bytes_; }
  [[nodiscard]] std::uint64_t id() const { return id_; }

  [[nodiscard]] std::expected<void, std::string> write(std::uint64_t offset,
                                                       std::span<const std::byte> bytes,
                                                       bool begins_anew);
  /// Gives the file its name; nothing is left out of it any more.
  [[nodiscard]] std::expected<void, std::string> complete();
  /// What is stored is of no use.
  void discard();
  /// Under this path this process can open it.
  [[nodiscard]] std::string path() const;

 private:
  FetchedFile(int descriptor, std::filesystem::path path);

  int descriptor_;
  std::filesystem::path path_;  ///< when complete; empty: it has no name
  std::uint64_t have_bytes_ = 0;
  std::uint64_t id_ = 0;
};

}  // namespace hogwild::daemon
