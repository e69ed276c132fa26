#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hogwild::sgd {

using Bytes = std::vector<std::byte>;

/// Appends values to a message: fixed widths little-endian, counts as LEB128 varints.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<std::byte>(value)); }
  void u16(std::uint16_t value);
  void u64(std::uint64_t value);
  void f64(double value);
  void varint(std::uint64_t value) {
    if (value < 0x80U) return u8(static_cast<std::uint8_t>(value));  // nearly all of a delta's
    long_varint(value);
  }
  /// Small magnitudes of either sign become small varints: 0, −1, 1, −2 … → 0, 1, 2, 3 …
  void zigzag(std::int64_t value) {
    varint((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void text(std::string_view value);
  /// The values' own bytes; every supported machine is little-endian.
  template <typename T>
  void raw(std::span<const T> values) {
    const auto bytes = std::as_bytes(values);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  [[nodiscard]] std::size_t size() const { return out_.size(); }

 private:
  void long_varint(std::uint64_t value);

  Bytes& out_;
};

/// Reads what ByteWriter wrote, from bytes that anybody may have made up.
///
/// A read past the end, or a varint that is too long, makes the reader fail: it then gives zeros,
/// and ok() is false for good. So a decoder reads everything and asks once.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> in) : in_(in) {}

  [[nodiscard]] std::uint8_t u8();
  [[nodiscard]] std::uint16_t u16() { return fixed<std::uint16_t>(); }
  [[nodiscard]] std::uint64_t u64() { return fixed<std::uint64_t>(); }
  [[nodiscard]] double f64();
  [[nodiscard]] std::uint64_t varint() {
    if (in_.empty() || (in_.front() & std::byte{0x80}) != std::byte{0}) return long_varint();
    const auto value = std::to_integer<std::uint64_t>(in_.front());
    in_ = in_.subspan(1);
    return value;
  }
  /// A varint of what is counted: at most kMostCounted, so that sums of some never wrap.
  [[nodiscard]] std::uint64_t counted() {
    const std::uint64_t value = varint();
    if (value <= kMostCounted) return value;
    fail();
    return 0;
  }
  static constexpr std::uint64_t kMostCounted = std::uint64_t{1} << 48U;
  [[nodiscard]] std::int64_t zigzag() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1U));
  }
  /// `count` varints of one byte each, none of them 0, into the first bytes of `out`; false, and
  /// nothing read, where the next ones are others. REQUIRES: 1 <= count <= 16.
  [[nodiscard]] bool small_varints(unsigned count, std::array<std::uint8_t, 16>& out);
  /// Whether only zero bytes are left.
  [[nodiscard]] bool rest_is_zero() const;
  /// A text of at most `most` bytes; a longer one fails.
  [[nodiscard]] std::string text(std::size_t most);
  /// `count` values by their own bytes. Checked against what is left before anything is allocated.
  template <typename T>
  [[nodiscard]] std::vector<T> raw(std::uint64_t count) {
    if (count > in_.size() / sizeof(T)) {
      fail();
      return {};
    }
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), in_.data(), count * sizeof(T));
    in_ = in_.subspan(count * sizeof(T));
    return values;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  /// True when all was read and nothing failed.
  [[nodiscard]] bool done() const { return ok_ && in_.empty(); }
  [[nodiscard]] std::size_t left() const { return in_.size(); }
  void fail() {
    ok_ = false;
    in_ = {};
  }

 private:
  template <typename T>
  T fixed() {
    T value = 0;
    if (in_.size() < sizeof value) {
      fail();
      return 0;
    }
    std::memcpy(&value, in_.data(), sizeof value);
    in_ = in_.subspan(sizeof value);
    return value;
  }
  std::uint64_t long_varint();

  std::span<const std::byte> in_;
  bool ok_ = true;
};

}  // namespace hogwild::sgd
