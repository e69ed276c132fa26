#include <zlib.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "sgd/data/text.hpp"
#include "sgd/data/text_builder.hpp"

namespace hogwild::sgd {
namespace {

/// zlib's state for reading gzip members.
class Inflater {
 public:
  Inflater() {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
};

/// Unpacks the one member at the beginning of `packed`: the bytes that it took, or what is wrong.
std::expected<std::size_t, std::string> unpack_member(std::string_view packed,
                                                      TextBuilder& builder) {
  constexpr std::size_t kBlock = std::size_t{1} << 20U;
  Inflater inflater;
  z_stream& stream = inflater.stream();
  std::size_t taken = 0;
  for (;;) {
    const std::size_t offered =
        std::min<std::size_t>(packed.size() - taken, std::numeric_limits<uInt>::max());
    // zlib's interface is not const-correct; it does not write there.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + taken));
    stream.avail_in = static_cast<uInt>(offered);
    stream.next_out = reinterpret_cast<Bytef*>(builder.reserve(kBlock));
    stream.avail_out = static_cast<uInt>(kBlock);
    const int result = inflate(&stream, Z_NO_FLUSH);
    taken += offered - stream.avail_in;
    builder.grow(kBlock - stream.avail_out);
    switch (result) {
      case Z_STREAM_END:
        return taken;
      case Z_OK:
        break;
      case Z_BUF_ERROR:  // no progress: there is always room, so input is missing
        return std::unexpected("the gzip data end early");
      case Z_MEM_ERROR:
        throw std::bad_alloc();
      default:
        return std::unexpected(std::string("the gzip data are corrupt") +
                               (stream.msg != nullptr ? std::string(" (") + stream.msg + ")" : ""));
    }
  }
}

}  // namespace

bool looks_gzipped(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

std::expected<Text, DataError> gunzip(std::string_view packed, const std::string& file) {
  TextBuilder builder;
  std::size_t offset = 0;
  do {
    auto taken = unpack_member(packed.substr(offset), builder);
    if (!taken) {
      return std::unexpected(DataError{
          .file = file,
          .reason = taken.error() + ", " + std::to_string(builder.size()) +
                    " bytes of text after the beginning; expected complete gzip members"});
    }
    offset += *taken;
  } while (looks_gzipped(packed.substr(offset)));
  if (packed.find_first_not_of('\0', offset) != std::string_view::npos) {
    return std::unexpected(DataError{.file = file,
                                     .reason = "byte " + std::to_string(offset + 1) +
                                               " follows the last gzip member and is no beginning "
                                               "of another one; expected the end of the file"});
  }
  return std::move(builder).finish();
}

}  // namespace hogwild::sgd
