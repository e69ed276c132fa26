#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hogwild::membership {

/// Takes little-endian fields off a span. Reading past the end gives zeros and makes ok() false for
/// good, so that a decoder checks once for several fields.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

  template <std::unsigned_integral Word>
  Word word() {
    Word value = 0;
    const std::span<const std::byte> field = raw(sizeof(Word));
    for (std::size_t i = 0; i < field.size(); ++i) {
      value =
          static_cast<Word>(value | static_cast<Word>(std::to_integer<Word>(field[i]) << (8 * i)));
    }
    return value;
  }

  /// The next `size` bytes; none, and no longer ok, if there are fewer.
  std::span<const std::byte> raw(std::size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::span<const std::byte> field = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return field;
  }

 private:
  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

}  // namespace hogwild::membership
