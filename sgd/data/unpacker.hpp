#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hogwild::sgd {

/// How a file is packed, told by its first bytes.
enum class Packing { kNone, kGzip, kBzip2, kZstd };

/// Bytes that packing_of() needs to see, where the file has so many.
inline constexpr std::size_t kPackingBytes = 4;

/// The packing whose files begin as `bytes` do. It answers the same at each member of a file.
[[nodiscard]] Packing packing_of(std::string_view bytes);

/// "gzip", "bzip2" or "zstd"; "" for none.
[[nodiscard]] std::string_view to_string(Packing packing);

/// Unpacks the members (gzip), streams (bzip2) or frames (zstd) of a file, one after the other;
/// here they are all called members. The bytes come and go in pieces of any size.
/// Threads: one. Throws std::bad_alloc.
class Unpacker {
 public:
  /// What one step did. No progress at all means that more packed bytes are needed.
  struct Step {
    std::size_t taken = 0;          ///< packed bytes
    std::size_t made = 0;           ///< unpacked bytes
    bool has_ended_member = false;  ///< the next packed byte begins another member, or none
  };

  virtual ~Unpacker() = default;
  /// Goes on unpacking, as far as input and room last or to the end of the member.
  /// Error: in what way the data are corrupt ("" where the library does not say).
  /// REQUIRES: `room` is not empty.
  [[nodiscard]] virtual std::expected<Step, std::string> step(std::string_view packed,
                                                              std::span<char> room) = 0;
};

/// The unpacker for `packing`, at the beginning of a first member. REQUIRES: not kNone.
[[nodiscard]] std::unique_ptr<Unpacker> make_unpacker(Packing packing);

}  // namespace hogwild::sgd
