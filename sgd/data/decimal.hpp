#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace hogwild::sgd {

static_assert(std::endian::native == std::endian::little, "digits are read as little-endian words");

/// Up to eight decimal digits and their number.
struct DigitRun {
  std::uint32_t value = 0;  ///< of the digits; meaningless when there are none
  std::uint32_t count = 0;  ///< 0 … 8; 8 may be the beginning of more
};

/// Reads the digits at `text`, at most eight, without a branch.
/// REQUIRES: 8 readable bytes. Cost: about 15 instructions.
[[nodiscard]] inline DigitRun read_digits(const char* text) {
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  word ^= 0x3030303030303030U;  // a digit's byte becomes its value, any other one 10 or more
  const std::uint64_t others = (word | (word + 0x7676767676767676U)) & 0x8080808080808080U;
  // A carry out of a byte that is none reaches only later bytes: the first one is always right.
  const auto bits = static_cast<std::uint32_t>(std::countr_zero(others)) & 0x78U;
  word <<= (0U - bits) & 63U;  // missing digits become leading zeros
  word = word * 10U + (word >> 8U);
  const std::uint64_t low = (word & 0x000000ff000000ffU) * 0x000f424000000064U;
  const std::uint64_t high = ((word >> 16U) & 0x000000ff000000ffU) * 0x0000271000000001U;
  return {.value = static_cast<std::uint32_t>((low + high) >> 32U), .count = bits / 8U};
}

/// How the reading of a number ended.
enum class DecimalState : std::uint8_t { kOk, kNotANumber, kTooLarge };

/// A number at the beginning of a text.
struct Decimal {
  const char* end = nullptr;  ///< behind the longest prefix that is a number; the text's beginning
                              ///< where there is none
  float value = 0.0F;         ///< the nearest float
  DecimalState state = DecimalState::kOk;
};

/// Reads [+|-] digits [. digits] [e[+|-]digits], ".5" and "1." included: the float nearest to the
/// text, ties to even, as std::from_chars. What is too small for a float is 0, what rounds past the
/// largest one is kTooLarge. Names of infinities and what is not a number are kNotANumber.
/// REQUIRES: text <= end; 24 readable bytes behind `end`, no digit among them.
[[nodiscard, gnu::cold]] Decimal read_decimal_slowly(const char* text, const char* end);

/// read_decimal_slowly(), faster for up to 7 digits, a point, up to 15 more (up to 8 behind a
/// nonzero whole part), no exponent.
///
/// Exact: mantissa m <= 2²⁴ and power 10^k, k <= 10, are floats, so m/10^k rounds once. Otherwise
/// m < 2⁵³ and 10^k are doubles, and rounding m/10^k twice is rounding it once unless the double
/// lies halfway between two floats; that case goes the slow way.
/// REQUIRES: as there. Cost: about 5 ns.
[[nodiscard]] Decimal read_plain_decimal(const char* text, const char* end);

/// 10^k for the k that are exact in a float.
inline constexpr float kPowerOfTen[] = {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F,
                                        1e6F, 1e7F, 1e8F, 1e9F, 1e10F};

/// read_plain_decimal(), fastest for what files are full of: "0." and up to seven digits.
///
/// That beginning is a branch which the processor foresees, so that the digits behind it need not
/// wait for those before it to be counted. REQUIRES: as there. Cost: about 2 ns.
[[nodiscard, gnu::always_inline]] inline Decimal read_decimal(const char* text, const char* end) {
  if (text[0] == '0' && text[1] == '.') [[likely]] {
    const DigitRun digits = read_digits(text + 2);
    const char* const behind = text + 2 + digits.count;
    if (digits.count - 1U < 7U && *behind != 'e' && *behind != 'E') [[likely]] {
      const auto mantissa = static_cast<float>(static_cast<std::int32_t>(digits.value));
      return {.end = behind, .value = mantissa / kPowerOfTen[digits.count]};
    }
  }
  return read_plain_decimal(text, end);
}

/// The float that `value`, printed with six significant digits (%g), reads back as.
///
/// Exact: with value in [1.1e-5, 1], value·10^k for the k that leaves six whole digits is exact in
/// double (24 + 24 bits); it is rounded to an integer, ties to even as printing does, and the
/// integer divided by 10^k in float, which rounds once. Any other value is printed and read.
[[nodiscard]] float round_to_six_digits(float value);

}  // namespace hogwild::sgd
