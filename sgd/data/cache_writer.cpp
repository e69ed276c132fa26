#include <algorithm>
#include <vector>

#include "sgd/data/cache.hpp"
#include "sgd/data/cache_image.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;

}  // namespace

bool survives_scaling(const Dataset& dataset, const RowScale& scale) {
  if (scale.factor == 1.0F) return true;
  const auto values = dataset.rows.value();
  return std::all_of(values.begin(), values.end(),
                     [&](float value) { return value * scale.factor / scale.factor == value; });
}

std::expected<void, std::string> write_cache(const TrainingSet& set, std::uint32_t feature_count,
                                             unsigned threads, const ByteSink& sink) {
  const CacheImage image({set.rows, set.order, set.labels, set.scale, set.mean_square,
                          set.fingerprint, set.shared_source},
                         feature_count, threads);
  std::vector<std::byte> piece;
  for (std::uint64_t offset = 0; offset < image.file_bytes(); offset += piece.size()) {
    piece.resize(std::min<std::uint64_t>(kPieceBytes, image.file_bytes() - offset));
    image.read(offset, piece);
    auto written = sink({reinterpret_cast<const char*>(piece.data()), piece.size()});
    if (!written) return written;
  }
  return {};
}

}  // namespace hogwild::sgd
