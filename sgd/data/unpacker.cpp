#include "sgd/data/unpacker.hpp"

#include <bzlib.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <new>

namespace hogwild::sgd {
namespace {

/// As many of `size` as zlib and bzip2 count at once.
unsigned at_once(std::size_t size) {
  return static_cast<unsigned>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

class GzipUnpacker final : public Unpacker {
 public:
  GzipUnpacker() {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  GzipUnpacker(const GzipUnpacker&) = delete;
  GzipUnpacker& operator=(const GzipUnpacker&) = delete;
  ~GzipUnpacker() override { inflateEnd(&stream_); }

  std::expected<Step, std::string> step(std::string_view packed, std::span<char> room) override {
    const unsigned offered = at_once(packed.size());
    const unsigned free = at_once(room.size());
    // zlib's interface is not const-correct; it does not write there.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = offered;
    stream_.next_out = reinterpret_cast<Bytef*>(room.data());
    stream_.avail_out = free;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return std::unexpected(std::string(stream_.msg == nullptr ? "" : stream_.msg));
    }
    const bool has_ended = result == Z_STREAM_END;
    if (has_ended) inflateReset(&stream_);
    return Step{offered - stream_.avail_in, free - stream_.avail_out, has_ended};
  }

 private:
  z_stream stream_{};
};

class Bzip2Unpacker final : public Unpacker {
 public:
  Bzip2Unpacker() { begin(); }
  Bzip2Unpacker(const Bzip2Unpacker&) = delete;
  Bzip2Unpacker& operator=(const Bzip2Unpacker&) = delete;
  ~Bzip2Unpacker() override { BZ2_bzDecompressEnd(&stream_); }

  std::expected<Step, std::string> step(std::string_view packed, std::span<char> room) override {
    const unsigned offered = at_once(packed.size());
    const unsigned free = at_once(room.size());
    stream_.next_in = const_cast<char*>(packed.data());
    stream_.avail_in = offered;
    stream_.next_out = room.data();
    stream_.avail_out = free;
    const int result = BZ2_bzDecompress(&stream_);
    if (result == BZ_MEM_ERROR) throw std::bad_alloc();
    if (result == BZ_DATA_ERROR) return std::unexpected(std::string("a checksum differs"));
    if (result == BZ_DATA_ERROR_MAGIC) return std::unexpected(std::string("no bzip2 header"));
    if (result != BZ_OK && result != BZ_STREAM_END) return std::unexpected(std::string());
    const Step done{offered - stream_.avail_in, free - stream_.avail_out, result == BZ_STREAM_END};
    if (done.has_ended_member) {
      BZ2_bzDecompressEnd(&stream_);
      begin();
    }
    return done;
  }

 private:
  void begin() {
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
  }

  bz_stream stream_{};
};

class ZstdUnpacker final : public Unpacker {
 public:
  ZstdUnpacker() : context_(ZSTD_createDCtx()) {
    if (!context_) throw std::bad_alloc();
  }

  std::expected<Step, std::string> step(std::string_view packed, std::span<char> room) override {
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(result) != 0U) return std::unexpected(std::string(ZSTD_getErrorName(result)));
    // Called with nothing between two frames, it says 0 or not as it likes.
    const bool has_moved = in.pos > 0 || out.pos > 0;
    return Step{in.pos, out.pos, has_moved && result == 0};
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_;
};

/// Frames of zstd that hold no data: 0x184D2A50 to …5F, little-endian. pzstd begins files so.
bool is_skippable_frame(std::string_view bytes) {
  return bytes.size() >= 4 && (static_cast<unsigned char>(bytes[0]) & 0xf0U) == 0x50U &&
         bytes.substr(1, 3) == "\x2a\x4d\x18";
}

}  // namespace

Packing packing_of(std::string_view bytes) {
  if (bytes.starts_with("\x1f\x8b")) return Packing::kGzip;
  if (bytes.starts_with("BZh") && bytes.size() > 3 && bytes[3] >= '1' && bytes[3] <= '9') {
    return Packing::kBzip2;
  }
  if (bytes.starts_with("\x28\xb5\x2f\xfd") || is_skippable_frame(bytes)) return Packing::kZstd;
  return Packing::kNone;
}

std::string_view to_string(Packing packing) {
  switch (packing) {
    case Packing::kNone:
      return "";
    case Packing::kGzip:
      return "gzip";
    case Packing::kBzip2:
      return "bzip2";
    case Packing::kZstd:
      return "zstd";
  }
  return "";
}

std::unique_ptr<Unpacker> make_unpacker(Packing packing) {
  assert(packing != Packing::kNone);
  if (packing == Packing::kGzip) return std::make_unique<GzipUnpacker>();
  if (packing == Packing::kBzip2) return std::make_unique<Bzip2Unpacker>();
  return std::make_unique<ZstdUnpacker>();
}

}  // namespace hogwild::sgd
