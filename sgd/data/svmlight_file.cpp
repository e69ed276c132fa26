#include "sgd/data/svmlight_file.hpp"

#include <unistd.h>

#include <system_error>
#include <utility>

#include "sgd/data/block_feeder.hpp"
#include "sgd/data/cache.hpp"
#include "sgd/data/dataset_builder.hpp"
#include "sgd/data/svmlight.hpp"

namespace hogwild::sgd {
namespace {

/// Looks at the first bytes of a file that can be mapped, and stays at its beginning.
bool is_packed(const OpenFile& file) {
  char bytes[kPackingBytes];
  const ssize_t got = pread(file.descriptor(), bytes, sizeof bytes, 0);
  return got > 0 && packing_of({bytes, static_cast<std::size_t>(got)}) != Packing::kNone;
}

}  // namespace

std::expected<void, DataError> feed_svmlight_blocks(TextBlocks blocks, unsigned threads,
                                                    LoadProgress* progress, RowSink& sink) {
  const auto parse = [&](const Text& text) { return parse_svmlight_lines(text, blocks.name()); };
  const auto rows = feed_blocks(texts_of(blocks), parse, threads, progress, sink);
  if (!rows) return std::unexpected(rows.error());
  if (*rows == 0) return std::unexpected(no_rows(blocks.name()));
  return {};
}

std::expected<void, DataError> feed_svmlight_file(const std::string& path, unsigned threads,
                                                  LoadProgress* progress, RowSink& sink) {
  auto file = OpenFile::open(path);
  if (!file) return std::unexpected(std::move(file.error()));
  if (const auto size = file->mappable_size(); size && !is_packed(*file)) {
    const auto text = Text::map(file->descriptor(), *size);
    if (text) {
      if (progress != nullptr) progress->total_bytes += *size;
      return feed_svmlight(*text, path, threads, progress, sink);
    }
    return std::unexpected(
        DataError{.file = path,
                  .reason = "cannot be read: " + std::generic_category().message(text.error())});
  }
  Input input(std::move(*file), path, progress);
  const auto beginning = input.peek(kCacheMagic.size());
  if (!beginning) return std::unexpected(beginning.error());
  if (looks_like_cache(*beginning)) {
    return std::unexpected(
        DataError{.file = path,
                  .reason = "a cache (.hwd), which is mapped; expected svmlight text, or the "
                            "cache by the name of its file"});
  }
  auto blocks = TextBlocks::open(std::move(input));
  if (!blocks) return std::unexpected(std::move(blocks.error()));
  return feed_svmlight_blocks(std::move(*blocks), threads, progress, sink);
}

std::expected<Dataset, DataError> load_svmlight(const std::string& path, unsigned threads,
                                                LoadProgress* progress) {
  DatasetBuilder builder;
  const auto fed = feed_svmlight_file(path, threads, progress, builder);
  if (!fed) return std::unexpected(fed.error());
  return std::move(builder).finish(path, threads);
}

}  // namespace hogwild::sgd
