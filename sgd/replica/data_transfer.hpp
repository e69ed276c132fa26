#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "sgd/data/data_part.hpp"
#include "sgd/replica/ids.hpp"
#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

using Instant = std::chrono::steady_clock::time_point;

/// A piece of a run's data, as one member asks another for it over a stream.
///
///     request  u8 1 (kPiece), u64 run, u8 part (0 train, 1 test), u64 offset
///     reply    u8 1, u64 id of the contents, u64 bytes of the whole, the piece; or u8 0: not now
struct PieceRequest {
  RunId run = 0;
  DataPart part = DataPart::kTrain;
  std::uint64_t offset = 0;
};

[[nodiscard]] Bytes encode_piece_request(const PieceRequest& request);
[[nodiscard]] std::optional<PieceRequest> decode_piece_request(std::span<const std::byte> bytes);

/// What a donor gives: a file that need not be one.
struct OfferedData {
  std::uint64_t id = 0;  ///< equal for equal contents
  std::uint64_t bytes = 0;
  std::function<void(std::uint64_t offset, std::span<std::byte> out)> read;
};

/// Gives pieces of this member's data to those that ask, up to a rate.
///
/// Source: docs/protocol.md. A core without I/O. Threads: network thread only.
class DataDonor {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;

  /// `bytes_per_second`: most that it gives in the mean; 0: no limit.
  explicit DataDonor(double bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  void offer(RunId run, DataPart part, OfferedData data);
  /// Never empty: what is not there, or would be too much for now, is refused.
  [[nodiscard]] Bytes on_request(std::span<const std::byte> request, Instant now);
  [[nodiscard]] std::uint64_t given_bytes_total() const { return given_bytes_total_; }

 private:
  double bytes_per_second_;
  RunId run_ = 0;
  std::array<std::optional<OfferedData>, 2> offered_;
  double allowance_ = 0;
  Instant allowance_at_{};
  std::uint64_t given_bytes_total_ = 0;
};

/// Fetches one part of a run's data piece by piece, from whoever has it.
///
/// One request is under way at a time. Pieces of several donors fit together as long as their
/// contents have one id; where several replies are of other ones it begins again. What was fetched
/// before, by this process or an earlier one, is not fetched again.
/// A core without I/O: the caller sends requests and stores pieces. Threads: network thread only.
class DataFetch {
 public:
  /// `have`: bytes that are stored already, of contents `id`.
  DataFetch(RunId run, DataPart part, std::uint64_t id = 0, std::uint64_t have = 0);

  /// The next request to send to any member that has the data, when it is time for one.
  [[nodiscard]] std::optional<Bytes> next_request(Instant now);
  [[nodiscard]] Instant next_deadline() const { return next_; }

  /// Nobody who has the data is there now.
  void find_nobody(Instant now);

  /// Bytes to store.
  struct Piece {
    std::uint64_t offset = 0;
    std::span<const std::byte> bytes;
    bool begins_anew = false;  ///< what was stored before is of other contents
  };
  /// What a reply, or its failure, brings. REQUIRES: next_request() was sent and is unanswered.
  [[nodiscard]] std::optional<Piece> on_reply(std::optional<std::span<const std::byte>> reply,
                                              Instant now);

  [[nodiscard]] bool is_asking() const { return is_asking_; }
  [[nodiscard]] bool is_complete() const { return total_ > 0 && have_ == total_; }
  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] std::uint64_t have_bytes() const { return have_; }
  [[nodiscard]] std::uint64_t total_bytes() const { return total_; }  ///< 0: not known yet

 private:
  RunId run_;
  DataPart part_;
  std::uint64_t id_;
  std::uint64_t have_;
  std::uint64_t total_ = 0;
  std::uint32_t disagreed_ = 0;
  bool is_asking_ = false;
  Instant next_{};
};

}  // namespace hogwild::sgd
