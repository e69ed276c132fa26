#include "sgd/data/text.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <system_error>
#include <utility>

#include "sgd/data/input.hpp"
#include "sgd/data/text_builder.hpp"

namespace hogwild::sgd {
namespace {

std::size_t page_size() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

std::string system_message(int error) { return std::generic_category().message(error); }

/// Reads to the end of `descriptor`; an errno where that fails.
std::expected<Text, int> read_stream(int descriptor) {
  constexpr std::size_t kBlock = std::size_t{1} << 20U;
  TextBuilder builder;
  for (;;) {
    char* const room = builder.reserve(kBlock);
    const ssize_t got = read(descriptor, room, kBlock);
    if (got == 0) return std::move(builder).finish();
    if (got > 0) {
      builder.grow(static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return std::unexpected(errno);
    }
  }
}

}  // namespace

Text::Text() : Text(copy_of({})) {}

Text::Text(const char* data, std::size_t size, Release release)
    : data_(data, release), size_(size) {}

void Text::Release::operator()(const char* data) const {
  // The memory was ours to write before it became a Text.
  char* const memory = const_cast<char*>(data);
  if (slice != 0) {
    if (reserved == 0) return;
    // Pages that it shares with its neighbours are dropped too: who still reads them maps them
    // again. Advice: where it fails, pages stay until the text is gone.
    const std::size_t before = reinterpret_cast<std::uintptr_t>(memory) % page_size();
    madvise(memory - before, before + slice, MADV_DONTNEED);
  } else if (reserved == 0) {
    std::free(memory);
  } else {
    munmap(memory, reserved);
  }
}

Text Text::copy_of(std::string_view bytes) {
  TextBuilder builder;
  builder.append(bytes);
  return std::move(builder).finish();
}

Text Text::adopt(char* heap, std::size_t size) { return {heap, size, Release{}}; }

std::expected<Text, int> Text::map(int descriptor, std::size_t size) {
  const std::size_t page = page_size();
  if (size > static_cast<std::size_t>(-1) - 2 * page) return std::unexpected(EFBIG);
  // A page more than the file needs stays anonymous and zero: the padding behind the text.
  const std::size_t reserved = (size + page - 1) / page * page + page;
  void* const memory = mmap(nullptr, reserved, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::unexpected(errno);
  Text text(static_cast<const char*>(memory), size, Release{.reserved = reserved});
  if (mmap(memory, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, descriptor, 0) == MAP_FAILED) {
    return std::unexpected(errno);
  }
  return text;
}

Text Text::slice(std::size_t offset, std::size_t length) const {
  return {data_.get() + offset, length,
          Release{.reserved = data_.get_deleter().reserved, .slice = length}};
}

std::expected<Text, DataError> read_text(const std::string& path) {
  const auto file = OpenFile::open(path);
  if (!file) return std::unexpected(file.error());
  const auto size = file->mappable_size();
  auto text = size ? Text::map(file->descriptor(), *size) : read_stream(file->descriptor());
  if (text) return std::move(*text);
  return std::unexpected(
      DataError{.file = path, .reason = "cannot be read: " + system_message(text.error())});
}

}  // namespace hogwild::sgd
