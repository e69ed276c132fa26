#include "sgd/data/text_blocks.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

struct Packer {
  const char* kind;
  std::function<std::string(std::string_view)> pack;
  std::size_t header;  ///< bytes at the beginning that no checksum covers
};

const std::array<Packer, 3> kPackers = {Packer{"gzip", gzip, 10}, Packer{"bzip2", bzip2, 0},
                                        Packer{"zstd", zstd, 0}};

/// All blocks of a file with these bytes.
std::expected<std::vector<TextBlock>, DataError> blocks_of(std::string_view bytes,
                                                           std::size_t block_bytes) {
  const TemporaryDirectory directory;
  auto stream = TextBlocks::open(Input(*OpenFile::open(directory.write("f", bytes)), "f", nullptr),
                                 block_bytes);
  if (!stream) return std::unexpected(stream.error());
  std::vector<TextBlock> blocks;
  for (;;) {
    auto block = stream->next();
    if (!block) return std::unexpected(block.error());
    if (!*block) return blocks;
    blocks.push_back(std::move(**block));
  }
}

std::expected<std::string, DataError> text_of(std::string_view bytes) {
  auto blocks = blocks_of(bytes, TextBlocks::kBlockBytes);
  if (!blocks) return std::unexpected(blocks.error());
  std::string text;
  for (const TextBlock& block : *blocks) text += block.text.view();
  return text;
}

BOOST_AUTO_TEST_SUITE(text_blocks)

BOOST_AUTO_TEST_CASE(blocks_are_whole_lines_and_make_up_the_text) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (auto lines = random() % 40; lines > 0; --lines) {
      text += std::string(random() % (lines % 7 == 0 ? 300 : 20), 'x') + "\n";
    }
    if (round % 3 == 0) text += "no line end";
    for (const std::size_t block_bytes : {1U, 5U, 64U, 5000U}) {
      for (const std::string& bytes : {text, gzip(text), bzip2(text), zstd(text)}) {
        const auto blocks = blocks_of(bytes, block_bytes);
        BOOST_TEST_REQUIRE(blocks.has_value());
        std::string whole;
        for (const TextBlock& block : *blocks) {
          const auto lines = std::count(whole.begin(), whole.end(), '\n');
          BOOST_TEST_REQUIRE(block.lines_before == static_cast<std::uint64_t>(lines));
          BOOST_TEST_REQUIRE((whole.empty() || whole.ends_with('\n')));
          BOOST_TEST_REQUIRE(!block.text.view().empty());
          whole += block.text.view();
        }
        BOOST_TEST_REQUIRE((whole == text));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(line_longer_than_a_block_makes_a_longer_block) {
  const auto blocks = blocks_of("a\n" + std::string(100'000, 'b') + "\nc\n", 10);
  BOOST_TEST_REQUIRE(blocks.has_value());
  BOOST_TEST_REQUIRE(blocks->size() >= 2U);
  BOOST_TEST((*blocks)[0].text.view() == "a\n");
  BOOST_TEST((*blocks)[1].text.view().starts_with(std::string(100'000, 'b') + "\n"));
}

BOOST_AUTO_TEST_CASE(byte_order_mark_is_dropped_at_the_beginning_alone) {
  const std::string mark = "\xef\xbb\xbf";
  for (const std::size_t block_bytes : {1U, 4U, 1000U}) {
    const auto blocks = blocks_of(mark + "a\n" + mark + "b\n", block_bytes);
    std::string whole;
    for (const TextBlock& block : *blocks) whole += block.text.view();
    BOOST_TEST(whole == "a\n" + mark + "b\n");
  }
  BOOST_TEST(*text_of(mark) == "");
  BOOST_TEST(*text_of("\xef\xbb") == "\xef\xbb");
}

BOOST_AUTO_TEST_CASE(members_one_behind_the_other_are_one_text) {
  const std::string big(3'000'000, 'b');
  for (const Packer& packer : kPackers) {
    const auto text =
        text_of(packer.pack("one\ntw") + packer.pack("") + packer.pack(big) + packer.pack("o\n"));
    BOOST_TEST_REQUIRE(text.has_value(), packer.kind);
    BOOST_TEST((*text == "one\ntw" + big + "o\n"), packer.kind);
  }
}

BOOST_AUTO_TEST_CASE(skippable_frames_of_zstd_hold_no_text) {
  const std::string skippable("\x53\x2a\x4d\x18\x03\0\0\0abc", 11);
  BOOST_TEST(*text_of(skippable + zstd("x\n") + skippable + zstd("y\n")) == "x\ny\n");
}

BOOST_AUTO_TEST_CASE(zeros_behind_the_last_member_are_padding_and_all_else_is_an_error) {
  for (const Packer& packer : kPackers) {
    const std::string packed = packer.pack("x\n");
    for (const std::size_t zeros : {1U, 3U, 700U, 600'000U}) {
      BOOST_TEST((text_of(packed + std::string(zeros, '\0')) == "x\n"), packer.kind);
    }
    const std::string place = "f: byte " + std::to_string(packed.size() + 1) + " follows the last";
    for (const std::string rest : {"garbage", "+1 1:1\n", "x"}) {
      const auto text = text_of(packed + rest);
      BOOST_TEST_REQUIRE(!text.has_value(), packer.kind);
      BOOST_TEST(text.error().message().starts_with(place), text.error().message());
    }
    for (const std::size_t zeros : {3U, 4U, 300'000U}) {
      BOOST_TEST(!text_of(packed + std::string(zeros, '\0') + packed), packer.kind);
      BOOST_TEST(!text_of(packed + std::string(zeros, '\0') + "x"), packer.kind);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_truncation_is_an_error_that_says_so) {
  for (const Packer& packer : kPackers) {
    const std::string first = packer.pack("+1 1:0.5 2:0.25\n");
    const std::string packed = first + packer.pack("-1 3:1\n");
    for (std::size_t size = kPackingBytes; size < packed.size(); ++size) {
      const auto text = text_of(std::string_view(packed).substr(0, size));
      // Cut exactly between two members, it is a file of the first one.
      BOOST_TEST(text.has_value() == (size == first.size()), packer.kind << " " << size);
      if (text || (size > first.size() && size < first.size() + kPackingBytes)) continue;
      const std::string expected = "f: the " + std::string(packer.kind) + " data end early, ";
      BOOST_TEST(text.error().message().starts_with(expected), text.error().message());
    }
  }
}

BOOST_AUTO_TEST_CASE(changed_bytes_never_give_another_text) {
  std::string contents;
  for (int i = 0; i < 60; ++i) contents += "+1 " + std::to_string(i * i + 1) + ":0.25\n";
  std::mt19937 random(5);
  for (const Packer& packer : kPackers) {
    const std::string packed = packer.pack(contents);
    std::size_t refused = 0;
    for (std::size_t at = std::max(packer.header, kPackingBytes); at < packed.size(); ++at) {
      std::string damaged = packed;
      damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1U << (random() % 8)));
      const auto text = text_of(damaged);
      // Bits that fill up the last byte of a packed block mean nothing.
      if (text) BOOST_TEST((*text == contents), packer.kind << " " << at);
      refused += text ? 0U : 1U;
    }
    BOOST_TEST(refused >= packed.size() - 20, packer.kind);
  }
}

BOOST_AUTO_TEST_CASE(random_bytes_behind_a_header_never_crash) {
  std::mt19937 random(6);
  for (const Packer& packer : kPackers) {
    for (int round = 0; round < 150; ++round) {
      std::string packed = packer.pack("x").substr(0, 10);
      for (auto k = random() % 100; k > 0; --k) packed += static_cast<char>(random());
      BOOST_TEST(!text_of(packed).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(pipe_that_gives_a_byte_at_a_time_is_read_to_its_end) {
  const TemporaryDirectory directory;
  const std::string text = "+1 1:0.5\n-1 2:0.25\n+1 3:1\n";
  for (const std::string& bytes : {text, gzip(text), bzip2(text), zstd(text)}) {
    const std::string path = directory.path("pipe");
    BOOST_TEST_REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    const std::jthread writer([&] {
      const int descriptor = open(path.c_str(), O_WRONLY);
      for (const char byte : bytes) {
        if (write(descriptor, &byte, 1) != 1) break;
      }
      close(descriptor);
    });
    auto stream = TextBlocks::open(Input(*OpenFile::open(path), "pipe", nullptr), 10);
    BOOST_TEST_REQUIRE(stream.has_value());
    std::string whole;
    for (auto block = stream->next(); block && *block; block = stream->next()) {
      whole += (*block)->text.view();
    }
    BOOST_TEST(whole == text);
    unlink(path.c_str());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
