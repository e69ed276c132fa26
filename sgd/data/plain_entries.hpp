#pragma once

#include <cstddef>
#include <cstdint>

namespace hogwild::sgd {

/// Where the entries of a line go.
struct EntryRoom {
  std::uint32_t* feature = nullptr;
  float* value = nullptr;
  std::size_t size = 0;
};

/// Room that read_plain_entries() wants behind what it reads; with less it reads nothing.
inline constexpr std::size_t kPlainEntriesRoom = 52;

/// What read_plain_entries() read.
struct PlainEntries {
  const char* end = nullptr;  ///< behind the last of them, or the beginning where there is none
  std::size_t count = 0;
  const char* retry = nullptr;  ///< as far as this, another attempt finds nothing more
};

/// Reads entries at `text` that have the form which files are full of, as many as follow one
/// another: an id of 1 to 8 digits, a colon, a value that is "0." and 1 to 8 digits or a whole
/// number of as many, with or without a minus; then one space, or whatever ends the line. Their
/// values are the nearest floats, as read_decimal() has them.
///
/// Nothing is said about what comes behind: another form, the end of a line, or a fault.
/// Source: finding token ends with SIMD compares before reading any token is simdjson's (Langdale,
/// Lemire 2019); eight digits at a time are Muła's.
/// REQUIRES: 64 readable bytes behind the text; a zero or a line end at its end.
/// Cost: about 3 ns an entry with AVX2, which is asked for at run time; reads nothing without.
[[nodiscard]] PlainEntries read_plain_entries(const char* text, EntryRoom room);

}  // namespace hogwild::sgd
