#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "sgd/data/input.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/text.hpp"
#include "sgd/data/unpacker.hpp"

namespace hogwild::sgd {

/// Whole lines of a text, and where they stand in it.
struct TextBlock {
  Text text{};
  std::uint64_t lines_before = 0;
};

/// A text that comes in order from a file, a pipe or standard input, plain or packed (told by its
/// first bytes), as blocks of whole lines. Never more of it is in memory than a block and a line.
///
/// Members of a packed file, one behind the other, are one text; zero bytes may follow the last. A
/// byte order mark at the beginning is dropped. Where blocks are cut depends on the text alone.
/// Threads: one at a time.
class TextBlocks {
 public:
  /// Bytes of a block; it is longer where a line is, and the last one is shorter.
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20U;

  /// Error: the file cannot be read.
  [[nodiscard]] static std::expected<TextBlocks, DataError> open(
      Input input, std::size_t block_bytes = kBlockBytes);

  /// The next block, or none at the end. Each ends in a line end, but for the last perhaps.
  /// Errors: the file cannot be read; packed data that are corrupt, end early, or are followed by
  /// something else. After one, the stream is over.
  /// Cost: that of unpacking: gzip about 3 ns a byte of text.
  [[nodiscard]] std::expected<std::optional<TextBlock>, DataError> next();

  [[nodiscard]] const std::string& name() const { return input_.name(); }
  [[nodiscard]] Packing packing() const { return packing_; }

 private:
  TextBlocks(Input input, Packing packing, std::size_t block_bytes);

  /// Fills `room` with text as far as there is any; less than all of it only at the end.
  std::expected<std::size_t, DataError> fill(std::span<char> room);
  std::expected<std::size_t, DataError> read_plain(std::span<char> room);
  std::expected<std::size_t, DataError> read_packed(std::span<char> room);
  /// True where another member begins, false at the end of the file.
  std::expected<bool, DataError> begin_member();
  [[nodiscard]] std::unexpected<DataError> fault(const std::string& what) const;

  // Fixed after construction.
  Packing packing_;
  std::size_t block_bytes_;

  Input input_;
  std::unique_ptr<Unpacker> unpacker_;  ///< none for plain text
  bool is_in_member_ = false;
  bool is_over_ = false;
  std::string begun_line_;         ///< what the last block left behind its last line
  std::uint64_t text_bytes_ = 0;   ///< unpacked so far
  std::uint64_t lines_given_ = 0;  ///< in blocks
};

/// All of a file or standard input, unpacked where it is packed.
[[nodiscard]] std::expected<Text, DataError> read_unpacked(const std::string& path);

}  // namespace hogwild::sgd
