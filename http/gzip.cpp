#include "http/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <memory>
#include <new>

namespace hogwild::http {
namespace {

constexpr int kFastLevel =
    1;  // Text shrinks to a fifth; level 6 takes three times as long for a tenth more.
constexpr int kGzipWindowBits = 15 + 16;  // 16 asks zlib for gzip's own header and trailer.
constexpr int kMemoryLevel = 8;           // zlib's default.

}  // namespace

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, kFastLevel, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, decltype(&deflateEnd)> ends(&stream, deflateEnd);
  constexpr std::size_t kMostAtOnce = std::numeric_limits<uInt>::max();
  std::string out;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    const auto taken = std::min(bytes.size(), kMostAtOnce);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib reads only
    stream.avail_in = static_cast<uInt>(taken);
    bytes.remove_prefix(taken);
    do {
      const std::size_t used = out.size();
      out.resize(used + std::max<std::size_t>(4096, taken / 4));
      const auto room = std::min(out.size() - used, kMostAtOnce);
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
      stream.avail_out = static_cast<uInt>(room);
      state = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
      assert(state != Z_STREAM_ERROR);
      out.resize(used + room - stream.avail_out);
    } while (stream.avail_out == 0 && state != Z_STREAM_END);
  }
  return out;
}

}  // namespace hogwild::http
