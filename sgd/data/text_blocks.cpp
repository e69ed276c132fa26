#include "sgd/data/text_blocks.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sgd/data/text_builder.hpp"

namespace hogwild::sgd {
namespace {

std::string members_of(Packing packing) {
  if (packing == Packing::kGzip) return "gzip members";
  return packing == Packing::kBzip2 ? "bzip2 streams" : "zstd frames";
}

/// Jumps from one line end to the next: the compiler makes no vector code of std::count at -O2.
std::uint64_t count_lines(std::string_view text) {
  std::uint64_t lines = 0;
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    ++lines;
  }
  return lines;
}

}  // namespace

TextBlocks::TextBlocks(Input input, Packing packing, std::size_t block_bytes)
    : packing_(packing),
      block_bytes_(block_bytes),
      input_(std::move(input)),
      unpacker_(packing == Packing::kNone ? nullptr : make_unpacker(packing)) {}

std::expected<TextBlocks, DataError> TextBlocks::open(Input input, std::size_t block_bytes) {
  const auto beginning = input.peek(kPackingBytes);
  if (!beginning) return std::unexpected(beginning.error());
  const Packing packing = packing_of(*beginning);
  return TextBlocks(std::move(input), packing, block_bytes);
}

std::expected<std::optional<TextBlock>, DataError> TextBlocks::next() {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  TextBuilder text;
  text.append(std::exchange(begun_line_, {}));
  for (std::size_t searched = 0;;) {
    const bool is_beginning = text_bytes_ == 0;
    // A line longer than a block doubles the room, so that it is copied a few times at most.
    const std::size_t room =
        std::max(text.size() < block_bytes_ ? block_bytes_ - text.size() : text.size(),
                 kByteOrderMark.size());
    const auto got = fill({text.reserve(room), room});
    if (!got) return std::unexpected(got.error());
    text.grow(*got);
    if (is_beginning && text.view().starts_with(kByteOrderMark)) {
      text.erase_front(kByteOrderMark.size());
    }
    const std::string_view fresh = text.view().substr(searched);
    const std::size_t newline = fresh.rfind('\n');
    if (!is_over_ && newline == std::string_view::npos) {
      searched = text.size();
      continue;
    }
    if (!is_over_) {
      begun_line_ = fresh.substr(newline + 1);
      text.truncate(searched + newline + 1);
    }
    if (text.size() == 0) return std::nullopt;
    const std::uint64_t lines_before = lines_given_;
    lines_given_ += count_lines(text.view());
    return TextBlock{std::move(text).finish(), lines_before};
  }
}

std::expected<std::size_t, DataError> TextBlocks::fill(std::span<char> room) {
  std::size_t filled = 0;
  while (filled < room.size() && !is_over_) {
    const auto rest = room.subspan(filled);
    const auto got = unpacker_ ? read_packed(rest) : read_plain(rest);
    if (!got) {
      is_over_ = true;
      return got;
    }
    filled += *got;
    text_bytes_ += *got;
  }
  return filled;
}

std::expected<std::size_t, DataError> TextBlocks::read_plain(std::span<char> room) {
  const auto bytes = input_.peek(1);
  if (!bytes) return std::unexpected(bytes.error());
  const std::size_t count = std::min(bytes->size(), room.size());
  std::memcpy(room.data(), bytes->data(), count);
  input_.take(count);
  is_over_ = count == 0;
  return count;
}

std::expected<std::size_t, DataError> TextBlocks::read_packed(std::span<char> room) {
  if (!is_in_member_) {
    const auto begun = begin_member();
    if (!begun) return std::unexpected(begun.error());
    is_in_member_ = *begun;
    is_over_ = !*begun;
    if (is_over_) return 0;
  }
  const auto bytes = input_.peek(1);
  if (!bytes) return std::unexpected(bytes.error());
  const auto step = unpacker_->step(*bytes, room);
  if (!step) {
    return fault("are corrupt" + (step.error().empty() ? "" : " (" + step.error() + ")"));
  }
  input_.take(step->taken);
  if (step->has_ended_member) {
    is_in_member_ = false;
  } else if (step->taken == 0 && step->made == 0) {
    return fault(bytes->empty() ? "end early" : "are corrupt");
  }
  return step->made;
}

std::expected<bool, DataError> TextBlocks::begin_member() {
  for (;;) {
    const auto bytes = input_.peek(kPackingBytes);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->empty()) return false;
    const bool is_padding = bytes->front() == '\0';
    if (!is_padding && packing_of(*bytes) == packing_) return true;
    // Padding, as tapes leave it, reaches to the end of the file.
    const std::size_t zeros = std::min(bytes->find_first_not_of('\0'), bytes->size());
    input_.take(zeros);
    const auto behind = input_.peek(1);
    if (!behind) return std::unexpected(behind.error());
    if (zeros == bytes->size() && behind->empty()) return false;
    if (zeros == 0 || (!behind->empty() && behind->front() != '\0')) {
      const std::string kind(to_string(packing_));
      return std::unexpected(
          DataError{.file = input_.name(),
                    .reason = "byte " + std::to_string(input_.offset() + 1) +
                              " follows the last of the " + members_of(packing_) +
                              " and is no beginning of another one; expected the end of the file"});
    }
  }
}

std::unexpected<DataError> TextBlocks::fault(const std::string& what) const {
  return std::unexpected(DataError{
      .file = input_.name(),
      .reason = "the " + std::string(to_string(packing_)) + " data " + what + ", " +
                std::to_string(text_bytes_) +
                " bytes of text after the beginning; expected complete " + members_of(packing_)});
}

std::expected<Text, DataError> read_unpacked(const std::string& path) {
  auto opened = OpenFile::open(path);
  if (!opened) return std::unexpected(std::move(opened.error()));
  auto blocks = TextBlocks::open(Input(std::move(*opened), path, nullptr));
  if (!blocks) return std::unexpected(std::move(blocks.error()));
  TextBuilder builder;
  for (;;) {
    auto block = blocks->next();
    if (!block) return std::unexpected(std::move(block.error()));
    if (!*block) return std::move(builder).finish();
    builder.append((*block)->text.view());
  }
}

}  // namespace hogwild::sgd
