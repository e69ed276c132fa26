#include "sgd/replica/data_transfer.hpp"

#include <algorithm>
#include <cassert>

namespace hogwild::sgd {
namespace {

constexpr std::uint8_t kPieceType = 1;
/// Before somebody is asked again who, or whose like, could not give anything.
constexpr std::chrono::milliseconds kPause{30};
/// Replies one after the other that are of other contents than what was fetched before.
constexpr std::uint32_t kMostDisagreed = 8;
/// A longer one is no data of ours, whatever it says.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 50U;

Bytes refusal() { return {std::byte{0}}; }

}  // namespace

Bytes encode_piece_request(const PieceRequest& request) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(kPieceType);
  writer.u64(request.run);
  writer.u8(static_cast<std::uint8_t>(request.part));
  writer.u64(request.offset);
  return bytes;
}

std::optional<PieceRequest> decode_piece_request(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  const std::uint8_t type = reader.u8();
  PieceRequest request;
  request.run = reader.u64();
  const std::uint8_t part = reader.u8();
  request.offset = reader.u64();
  if (!reader.done() || type != kPieceType || part > 1) return std::nullopt;
  request.part = static_cast<DataPart>(part);
  return request;
}

// ── Giving ──

void DataDonor::offer(RunId run, DataPart part, OfferedData data) {
  if (run != run_) offered_ = {};
  run_ = run;
  offered_[static_cast<std::size_t>(part)] = std::move(data);
}

Bytes DataDonor::on_request(std::span<const std::byte> request, Instant now) {
  const auto asked = decode_piece_request(request);
  if (!asked || asked->run != run_) return refusal();
  const auto& data = offered_[static_cast<std::size_t>(asked->part)];
  if (!data || asked->offset >= data->bytes) return refusal();
  if (bytes_per_second_ > 0) {
    // Saved up for a tenth of a second at most; a piece may overdraw.
    const double passed = std::chrono::duration<double>(now - allowance_at_).count();
    allowance_ = std::min(allowance_ + passed * bytes_per_second_, bytes_per_second_ / 10);
    allowance_at_ = now;
    if (allowance_ < 0) return refusal();
  }
  const std::size_t size = std::min<std::uint64_t>(kPieceBytes, data->bytes - asked->offset);
  allowance_ -= static_cast<double>(size);
  given_bytes_total_ += size;
  Bytes reply;
  reply.reserve(17 + size);
  ByteWriter writer(reply);
  writer.u8(1);
  writer.u64(data->id);
  writer.u64(data->bytes);
  const std::size_t head = reply.size();
  reply.resize(head + size);
  data->read(asked->offset, std::span(reply).subspan(head));
  return reply;
}

// ── Fetching ──

DataFetch::DataFetch(RunId run, DataPart part, std::uint64_t id, std::uint64_t have)
    : run_(run), part_(part), id_(id), have_(have) {}

std::optional<Bytes> DataFetch::next_request(Instant now) {
  if (is_asking_ || now < next_) return std::nullopt;
  is_asking_ = true;
  next_ = Instant::max();
  return encode_piece_request({run_, part_, have_});
}

void DataFetch::find_nobody(Instant now) { next_ = now + kPause; }

std::optional<DataFetch::Piece> DataFetch::on_reply(std::optional<std::span<const std::byte>> reply,
                                                    Instant now) {
  assert(is_asking_);
  is_asking_ = false;
  next_ = now + kPause;
  if (!reply) return std::nullopt;
  ByteReader reader(*reply);
  if (reader.u8() != 1) {
    // Perhaps the contents are others than those that were fetched in part, and shorter.
    if (total_ == 0) have_ = 0;
    return std::nullopt;
  }
  const std::uint64_t id = reader.u64();
  const std::uint64_t total = reader.u64();
  if (!reader.ok() || total == 0 || total > kMostBytes) return std::nullopt;
  const std::span<const std::byte> bytes = reply->subspan(17);
  const bool is_other = id != id_ || (total_ != 0 && total != total_);
  if (is_other && total_ != 0 && ++disagreed_ < kMostDisagreed) {
    next_ = now;  // another donor may agree with the one before
    return std::nullopt;
  }
  disagreed_ = 0;
  if (is_other && have_ > 0) {
    id_ = id;
    have_ = 0;
    total_ = total;
    next_ = now;
    return Piece{0, {}, true};
  }
  if (bytes.empty() ||
      bytes.size() > std::min<std::uint64_t>(total - have_, DataDonor::kPieceBytes)) {
    return std::nullopt;
  }
  const Piece piece{have_, bytes, is_other};
  id_ = id;
  total_ = total;
  have_ += bytes.size();
  next_ = is_complete() ? Instant::max() : now;
  return piece;
}

}  // namespace hogwild::sgd
