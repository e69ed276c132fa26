#include "sgd/replica/wire.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hogwild::sgd {

static_assert(std::endian::native == std::endian::little, "raw() copies native integers");

void ByteWriter::u16(std::uint16_t value) { raw(std::span<const std::uint16_t>(&value, 1)); }

void ByteWriter::u64(std::uint64_t value) { raw(std::span<const std::uint64_t>(&value, 1)); }

void ByteWriter::f64(double value) { u64(std::bit_cast<std::uint64_t>(value)); }

void ByteWriter::long_varint(std::uint64_t value) {
  while (value >= 0x80U) {
    u8(static_cast<std::uint8_t>(value | 0x80U));
    value >>= 7U;
  }
  u8(static_cast<std::uint8_t>(value));
}

void ByteWriter::text(std::string_view value) {
  varint(value.size());
  raw(std::span<const char>(value));
}

std::uint8_t ByteReader::u8() {
  if (in_.empty()) {
    fail();
    return 0;
  }
  const auto value = std::to_integer<std::uint8_t>(in_.front());
  in_ = in_.subspan(1);
  return value;
}

double ByteReader::f64() { return std::bit_cast<double>(u64()); }

std::uint64_t ByteReader::long_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = u8();
    const std::uint64_t part = byte & 0x7fU;
    if (shift == 63 && part > 1) break;  // more than 64 bits
    value |= part << shift;
    if ((byte & 0x80U) == 0) return ok_ ? value : 0;
  }
  fail();
  return 0;
}

bool ByteReader::small_varints(unsigned count, std::array<std::uint8_t, 16>& out) {
  if (in_.size() < out.size()) return false;  // near the end they go one by one
  std::memcpy(out.data(), in_.data(), out.size());
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101U;
  constexpr std::uint64_t kHigh = kOnes << 7U;
  std::array<std::uint64_t, 2> words;
  std::memcpy(words.data(), out.data(), out.size());
  std::uint64_t others = 0;  // bytes that are long or zero, of those that count
  for (unsigned i = 0; i < 2; ++i) {
    const unsigned own = std::clamp(count, 8 * i, 8 * i + 8) - 8 * i;
    const std::uint64_t mask = own == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * own) - 1;
    const std::uint64_t word = (words[i] & mask) | (kOnes & ~mask);
    others |= (word | (word - kOnes)) & kHigh;  // a byte of 0 borrows into its highest bit
  }
  if (others != 0) return false;
  in_ = in_.subspan(count);
  return true;
}

bool ByteReader::rest_is_zero() const {
  return std::all_of(in_.begin(), in_.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

std::string ByteReader::text(std::size_t most) {
  const std::uint64_t size = varint();
  if (size > most) {
    fail();
    return {};
  }
  const auto bytes = raw<char>(size);
  return {bytes.begin(), bytes.end()};
}

}  // namespace hogwild::sgd
