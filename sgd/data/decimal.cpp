#include "sgd/data/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

namespace hogwild::sgd {
namespace {

constexpr double kPowerDouble[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr std::uint32_t kPowerInteger[] = {1,       10,        100,        1'000,      10'000,
                                           100'000, 1'000'000, 10'000'000, 100'000'000};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

const char* skip_digits(const char* at, const char* end) {
  return std::find_if_not(at, end, is_digit);
}

/// The parts of a number's text; nothing in it where `end` is its beginning.
struct Shape {
  const char* digits = nullptr;  ///< behind the sign
  const char* whole_end = nullptr;
  const char* mantissa_end = nullptr;
  const char* exponent = nullptr;  ///< behind the 'e'; `end` where there is none
  const char* end = nullptr;
};

Shape shape_of(const char* text, const char* end) {
  Shape shape{.digits = text, .end = text};
  if (shape.digits != end && (*shape.digits == '-' || *shape.digits == '+')) ++shape.digits;
  shape.whole_end = skip_digits(shape.digits, end);
  shape.mantissa_end = shape.whole_end;
  std::ptrdiff_t digit_count = shape.whole_end - shape.digits;
  if (shape.whole_end != end && *shape.whole_end == '.') {
    shape.mantissa_end = skip_digits(shape.whole_end + 1, end);
    digit_count += shape.mantissa_end - (shape.whole_end + 1);
  }
  if (digit_count == 0) return shape;
  shape.end = shape.mantissa_end;
  shape.exponent = shape.end;
  if (shape.end != end && (*shape.end == 'e' || *shape.end == 'E')) {
    const char* const exponent = shape.end + 1;
    const bool has_sign = exponent != end && (*exponent == '-' || *exponent == '+');
    const char* const exponent_digits = exponent + (has_sign ? 1 : 0);
    const char* const exponent_end = skip_digits(exponent_digits, end);
    if (exponent_end != exponent_digits) {
      shape.exponent = exponent;
      shape.end = exponent_end;
    }
  }
  return shape;
}

/// Whether a number out of a float's range is out of it at the large end: by the power of ten of
/// its first digit that is not 0. REQUIRES: it is out of range, so that digit exists.
bool is_too_large(const Shape& shape) {
  const char* const first = std::find_if(shape.digits, shape.mantissa_end,
                                         [](char c) { return is_digit(c) && c != '0'; });
  const std::ptrdiff_t power =
      first < shape.whole_end ? shape.whole_end - first - 1 : shape.whole_end - first;
  if (shape.exponent == shape.end) return power > 0;
  const bool is_negative = *shape.exponent == '-';
  const char* const digits = shape.exponent + (is_digit(*shape.exponent) ? 0 : 1);
  std::int64_t exponent = 0;
  if (std::from_chars(digits, shape.end, exponent).ec != std::errc{}) return !is_negative;
  return static_cast<std::int64_t>(power) + (is_negative ? -exponent : exponent) > 0;
}

}  // namespace

Decimal read_decimal_slowly(const char* text, const char* end) {
  const Shape shape = shape_of(text, end);
  if (shape.end == text) return {.end = text, .state = DecimalState::kNotANumber};
  float magnitude = 0.0F;
  if (std::from_chars(shape.digits, shape.end, magnitude).ec == std::errc::result_out_of_range) {
    if (is_too_large(shape)) return {.end = shape.end, .state = DecimalState::kTooLarge};
    magnitude = 0.0F;
  }
  return {.end = shape.end, .value = *text == '-' ? -magnitude : magnitude};
}

Decimal read_plain_decimal(const char* text, const char* end) {
  const char* at = text;
  const bool is_negative = *at == '-';
  at += is_negative || *at == '+' ? 1 : 0;
  const DigitRun whole = read_digits(at);
  if (whole.count == 8) return read_decimal_slowly(text, end);
  at += whole.count;
  std::uint64_t mantissa = whole.count == 0 ? 0 : whole.value;
  std::uint32_t scale = 0;
  if (*at == '.') {
    ++at;
    const DigitRun first = read_digits(at);
    at += first.count;
    scale = first.count;
    if (first.count == 8) {
      const DigitRun second = read_digits(at);
      if (second.count == 8 || (second.count > 0 && mantissa != 0)) {
        return read_decimal_slowly(text, end);
      }
      at += second.count;
      scale += second.count;
      mantissa = mantissa * kPowerInteger[8] + first.value;
      if (second.count != 0) mantissa = mantissa * kPowerInteger[second.count] + second.value;
    } else if (first.count != 0) {
      mantissa = mantissa * kPowerInteger[first.count] + first.value;
    }
  }
  if (whole.count + scale == 0 || *at == 'e' || *at == 'E') return read_decimal_slowly(text, end);
  float value = 0.0F;
  if (mantissa <= (std::uint64_t{1} << 24U) && scale < std::size(kPowerOfTen)) {
    value = static_cast<float>(static_cast<std::int32_t>(mantissa)) / kPowerOfTen[scale];
  } else {
    const double quotient = static_cast<double>(mantissa) / kPowerDouble[scale];
    constexpr std::uint64_t kBelowFloat = (std::uint64_t{1} << 29U) - 1;
    constexpr std::uint64_t kHalfway = std::uint64_t{1} << 28U;
    if ((std::bit_cast<std::uint64_t>(quotient) & kBelowFloat) == kHalfway) {
      return read_decimal_slowly(text, end);
    }
    value = static_cast<float>(quotient);
  }
  return {.end = at, .value = is_negative ? -value : value};
}

float round_to_six_digits(float value) {
  if (value >= 1.1e-5F && value <= 1.0F) {
    double scaled = static_cast<double>(value) * 1e5;
    std::uint32_t power = 5;
    while (scaled < 1e5) {
      ++power;
      scaled = static_cast<double>(value) * kPowerDouble[power];
    }
    return static_cast<float>(std::nearbyint(scaled)) / kPowerOfTen[power];
  }
  char digits[32];
  const auto printed =
      std::to_chars(std::begin(digits), std::end(digits), value, std::chars_format::general, 6);
  float rounded = value;
  std::from_chars(std::begin(digits), printed.ptr, rounded);
  return rounded;
}

}  // namespace hogwild::sgd
