#include "sgd/data/plain_entries.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace hogwild::sgd {
namespace {

constexpr std::size_t kWindow = 64;         // bytes looked at together
constexpr std::size_t kEntriesAWindow = 3;  // at most; longer ones are read one by one
constexpr std::size_t kGroup = 48;          // entries gathered before their digits are read
static_assert(kGroup + 4 <= kPlainEntriesRoom);
constexpr std::int32_t kExactMantissa = 1 << 24;

/// 10^digits, and their negatives behind them.
alignas(64) constexpr float kSignedPowers[2][16] = {
    {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F, 1e8F},
    {-1e0F, -1e1F, -1e2F, -1e3F, -1e4F, -1e5F, -1e6F, -1e7F, -1e8F}};

/// Entries whose digits have been found but not read.
struct Gathered {
  // Digits of the id, digits of the value; aligned to the end of the word, zero bytes in front.
  alignas(32) std::uint64_t digits[kGroup + 4][2];
  alignas(32) float power[kGroup + 4];
  std::size_t count = 0;
};

/// `size` bytes at the end of a word, '0' taken off each. REQUIRES: 1 <= size <= 8.
[[gnu::target("avx2,bmi,bmi2"), gnu::always_inline]] inline std::uint64_t right_aligned(
    const char* text, std::uint32_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  return (word ^ 0x3030303030303030U) << ((64U - 8U * size) & 63U);
}

/// Adds the entry whose tokens end at `colon` and `end`. False where it is none for this way.
[[gnu::target("avx2,bmi,bmi2"), gnu::always_inline]] inline bool gather(const char* at,
                                                                        const char* colon,
                                                                        const char* end,
                                                                        Gathered& into) {
  const auto id_size = static_cast<std::uint32_t>(colon - at);
  const char* number = colon + 1;
  const std::size_t is_negative = *number == '-' ? 1 : 0;
  number += is_negative;
  std::uint16_t beginning = 0;
  std::memcpy(&beginning, number, sizeof beginning);
  constexpr std::uint16_t kZeroPoint = '0' | '.' << 8U;
  const float* power = kSignedPowers[is_negative];
  auto size = static_cast<std::uint32_t>(end - number);
  if (beginning == kZeroPoint) [[likely]] {
    number += 2;
    size -= 2;
    power += size & 15U;
  }
  if (((id_size - 1U) | (size - 1U)) >= 8U) return false;
  const std::size_t i = into.count++;
  into.digits[i][0] = right_aligned(at, id_size);
  into.digits[i][1] = right_aligned(number, size);
  into.power[i] = *power;
  return true;
}

/// Gathers entries from `at` on; false where the next one is none for this way.
[[gnu::target("avx2,bmi,bmi2"), gnu::always_inline]] inline bool gather_group(const char*& at,
                                                                              std::size_t most,
                                                                              Gathered& into) {
  const __m256i blank = _mm256_set1_epi8(' ');
  const __m256i colon_byte = _mm256_set1_epi8(':');
  while (into.count + kEntriesAWindow <= most) {
    const auto low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const auto high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
    const auto bits = [](__m256i low_half, __m256i high_half)
        __attribute__((target("avx2,bmi,bmi2"), always_inline)) {
      return static_cast<std::uint32_t>(_mm256_movemask_epi8(low_half)) |
             std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(high_half))} << 32U;
    };
    const std::uint64_t colons =
        bits(_mm256_cmpeq_epi8(low, colon_byte), _mm256_cmpeq_epi8(high, colon_byte));
    // A control character or a space is its own minimum with a space.
    const std::uint64_t blanks = bits(_mm256_cmpeq_epi8(_mm256_min_epu8(low, blank), low),
                                      _mm256_cmpeq_epi8(_mm256_min_epu8(high, blank), high));
    std::uint64_t ends = colons | blanks;
    std::uint64_t place[2 * kEntriesAWindow];
#pragma GCC unroll 6
    for (std::uint64_t& p : place) {
      p = _tzcnt_u64(ends);
      ends = _blsr_u64(ends);
    }
    // Six ends, each second one a colon, a space behind the first two entries.
    const bool is_plain = place[5] < kWindow && at[place[1]] == ' ' && at[place[3]] == ' ' &&
                          (_pext_u64(colons, colons | blanks) & 63U) == 0b010101U;
    if (is_plain) {
      const char* const window = at;
#pragma GCC unroll 3
      for (std::size_t i = 0; i < kEntriesAWindow; ++i) {
        if (!gather(at, window + place[2 * i], window + place[2 * i + 1], into)) return false;
        at = window + place[2 * i + 1] + 1;
      }
      if (at[-1] != ' ') return false;
      continue;
    }
    if (place[1] >= kWindow || at[place[0]] != ':' || at[place[1]] == ':') return false;
    const char* const end = at + place[1];
    if (!gather(at, at + place[0], end, into)) return false;
    at = end + 1;
    if (*end != ' ') return false;
  }
  return true;
}

/// Reads the digits of four entries from `i` on: ids less one, and values. False where one is not
/// what it seemed: a byte is no digit, or the id is 0.
///
/// Exact: up to 2²⁴ mantissa and power are floats, so that their quotient is rounded once. Above,
/// it is rounded to a double first; m/10^k with m < 10⁸ and k <= 8 is never nearer than 2⁻⁵² of
/// itself to the middle of two floats, but on it, so that rounding twice is rounding once.
[[gnu::target("avx2,bmi,bmi2"), gnu::always_inline]] inline bool convert_four(
    const Gathered& gathered, std::size_t i, std::uint32_t* feature, float* value) {
  const auto first = _mm256_load_si256(reinterpret_cast<const __m256i*>(gathered.digits[i]));
  const auto second = _mm256_load_si256(reinterpret_cast<const __m256i*>(gathered.digits[i + 2]));
  const __m256i nine = _mm256_set1_epi8(9);
  // Pairs, fours, then eights of digits; a pack interleaves the two in 128-bit lanes.
  const __m256i tens = _mm256_set1_epi16(1 << 8 | 10);
  const __m256i hundreds = _mm256_set1_epi32(1 << 16 | 100);
  const __m256i thousands = _mm256_set1_epi32(1 << 16 | 10'000);
  const __m256i fours =
      _mm256_packus_epi32(_mm256_madd_epi16(_mm256_maddubs_epi16(first, tens), hundreds),
                          _mm256_madd_epi16(_mm256_maddubs_epi16(second, tens), hundreds));
  // Lanes now: entry 0, entry 2, entry 1, entry 3, of each the id and the mantissa.
  const __m256i numbers = _mm256_permute4x64_epi64(_mm256_madd_epi16(fours, thousands), 0xd8);
  const __m256i parted =
      _mm256_permutevar8x32_epi32(numbers, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
  const __m128i id = _mm256_castsi256_si128(parted);
  const __m128i mantissa = _mm256_extracti128_si256(parted, 1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(feature), _mm_sub_epi32(id, _mm_set1_epi32(1)));
  const __m128 power = _mm_load_ps(gathered.power + i);
  __m128 quotient = _mm_div_ps(_mm_cvtepi32_ps(mantissa), power);
  if (_mm_movemask_epi8(_mm_cmpgt_epi32(mantissa, _mm_set1_epi32(kExactMantissa))) != 0) {
    quotient = _mm256_cvtpd_ps(_mm256_div_pd(_mm256_cvtepi32_pd(mantissa), _mm256_cvtps_pd(power)));
  }
  _mm_storeu_ps(value, quotient);

  // Both numbers of an entry, 16 bytes, must be digits.
  const auto digits_of = [&](__m256i bytes)
      __attribute__((target("avx2,bmi,bmi2"), always_inline)) {
    return static_cast<std::uint32_t>(
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(bytes, nine), bytes)));
  };
  const std::uint64_t is_digit = digits_of(first) | std::uint64_t{digits_of(second)} << 32U;
  const __m128i is_zero = _mm_cmpeq_epi32(id, _mm_setzero_si128());
  return is_digit == ~std::uint64_t{0} && _mm_movemask_epi8(is_zero) == 0;
}

[[gnu::target("avx2,bmi,bmi2")]] PlainEntries read_with_avx2(const char* text, EntryRoom room) {
  PlainEntries entries{.end = text, .retry = text};
  Gathered gathered;
  const char* at = text;
  for (bool goes_on = true; goes_on;) {
    gathered.count = 0;
    // Entries are stored four at a time.
    const std::size_t left = room.size - entries.count;
    if (left < kPlainEntriesRoom) break;
    goes_on = gather_group(at, kGroup, gathered);
    const std::size_t count = gathered.count;
    for (std::size_t i = count; i < count + 3; ++i) {
      // Something to divide, where the last four are not four.
      gathered.digits[i][0] = gathered.digits[i][1] = 1;
      gathered.power[i] = 1.0F;
    }
    bool is_good = true;
    for (std::size_t i = 0; i < count; i += 4) {
      const std::size_t here = entries.count + i;
      is_good &= convert_four(gathered, i, room.feature + here, room.value + here);
    }
    if (!is_good) break;
    entries.count += count;
    if (count > 0) entries.end = at - 1;
  }
  entries.retry = at;
  return entries;
}

}  // namespace

PlainEntries read_plain_entries(const char* text, EntryRoom room) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
  if (!has_avx2) return {.end = text, .retry = text};
  return read_with_avx2(text, room);
}

}  // namespace hogwild::sgd

#else

namespace hogwild::sgd {

PlainEntries read_plain_entries(const char* text, EntryRoom /*room*/) {
  return {.end = text, .retry = text};
}

}  // namespace hogwild::sgd

#endif
