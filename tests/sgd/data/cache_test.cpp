#include "sgd/data/cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <random>
#include <string>

#include "sgd/data/block_hash.hpp"
#include "sgd/data/cache_image.hpp"
#include "sgd/data/fingerprint.hpp"
#include "sgd/data/source.hpp"
#include "sgd/data/synthetic.hpp"
#include "tests/sgd/data/caches.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

bool equal_sets(const TrainingSet& a, const TrainingSet& b) {
  return equal_rows(a.rows.sparse(), b.rows.sparse()) && a.rows.labels() == b.rows.labels() &&
         a.rows.feature_count() == b.rows.feature_count() &&
         equal_bits(a.order.features(), b.order.features()) && a.labels == b.labels &&
         a.scale.factor == b.scale.factor && a.scale.median_norm == b.scale.median_norm &&
         a.scale.largest_norm == b.scale.largest_norm &&
         equal_bits(std::span<const double>(a.mean_square),
                    std::span<const double>(b.mean_square)) &&
         a.fingerprint == b.fingerprint && a.shared_source == b.shared_source;
}

const char* const kTexts[] = {
    "+1 1:0.5 7:0.25\n-1 2:0.125\n-1\n+1 7:-0.5\n",
    "0 3:0\n1 3:5 4:-7\n1 9:100\n",                        // scaled
    "3 1:1\n5 2:1\n4 1:0.5 2:0.5\n3 9:1\n",                // several classes
    "3,17 1:1\n17 2:1\n 4:0.5\n9,3 1:0.5 2147483647:1\n",  // multi-label, wide
    "7 1:1\n7 1:2\n",                                      // one class
};

/// What opening a file of these bytes says.
std::string refusal(const TemporaryDirectory& directory, const std::string& bytes) {
  const auto cache = Cache::open(directory.write("f.hwd", bytes), 2);
  return cache ? "accepted" : cache.error().reason;
}

BOOST_AUTO_TEST_SUITE(cache)

BOOST_AUTO_TEST_CASE(an_image_gives_any_piece_of_the_file) {
  const Dataset dataset = parse_valid(kTexts[3]);
  const TrainingSet set = *prepare_training(dataset, 1);
  const std::string file = cache_of(dataset);
  const CacheImage image({set.rows, set.order, set.labels, set.scale, set.mean_square,
                          set.fingerprint, set.shared_source},
                         dataset.feature_count, 2);
  BOOST_TEST(image.file_bytes() == file.size());
  BOOST_TEST(image.id() == header_of(file).header_hash);
  BOOST_TEST(cache_id(std::as_bytes(std::span(file))).value() == image.id());
  BOOST_TEST(!cache_id(std::as_bytes(std::span(file)).first(100)).has_value());
  std::string other = file;
  other[9] ^= 1;
  BOOST_TEST(!cache_id(std::as_bytes(std::span(other))).has_value());
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t offset = random() % (file.size() + 1);
    std::string piece(random() % (file.size() - offset + 1), '?');
    image.read(offset, std::as_writable_bytes(std::span(piece)));
    BOOST_TEST_REQUIRE((piece == file.substr(offset, piece.size())));
  }
}

BOOST_AUTO_TEST_CASE(cache_gives_back_the_training_set_to_the_bit) {
  const TemporaryDirectory directory;
  for (const char* text : kTexts) {
    const Dataset dataset = parse_valid(text);
    const TrainingSet set = *prepare_training(dataset, 1);
    const std::string path = directory.write("f.hwd", cache_of(dataset));
    for (const unsigned threads : {1U, 3U}) {
      const auto cache = Cache::open(path, threads);
      BOOST_TEST_REQUIRE(cache.has_value(), text);
      BOOST_TEST(equal_sets(cache->training_set(), set), text);
    }
  }
}

BOOST_AUTO_TEST_CASE(cache_gives_back_the_rows_of_the_file) {
  const TemporaryDirectory directory;
  for (const char* text : kTexts) {
    const Dataset dataset = parse_valid(text);
    const auto cache = Cache::open(directory.write("f.hwd", cache_of(dataset)), 1);
    BOOST_TEST_REQUIRE(cache.has_value(), text);
    const Dataset back = cache->dataset(2);
    BOOST_TEST(back.fingerprint == fingerprint_of(back), text);
    BOOST_TEST(back.fingerprint == dataset.fingerprint, text);
    BOOST_TEST(equal_rows(back.rows, dataset.rows), text);
    BOOST_TEST(back.feature_count == dataset.feature_count, text);
  }
}

BOOST_AUTO_TEST_CASE(larger_cache_is_the_same_with_any_number_of_threads) {
  const TemporaryDirectory directory;
  const Dataset dataset = make_synthetic_rcv1({.rows = 9000}, 2);
  const TrainingSet set = *prepare_training(dataset, 2);
  const std::string path = directory.write("f.hwd", cache_of(dataset));
  for (const unsigned threads : {1U, 2U, 5U}) {
    const auto cache = Cache::open(path, threads);
    BOOST_TEST_REQUIRE(cache.has_value());
    BOOST_TEST(equal_sets(cache->training_set(), set));
    const Dataset back = cache->dataset(threads);
    BOOST_TEST(equal_contents(back, dataset));
  }
}

BOOST_AUTO_TEST_CASE(rows_stay_while_the_set_is_there) {
  const TemporaryDirectory directory;
  TrainingSet set;
  {
    const auto cache = Cache::open(directory.write("f.hwd", cache_of(parse_valid(kTexts[0]))), 1);
    BOOST_TEST_REQUIRE(cache.has_value());
    set = cache->training_set();
  }
  std::filesystem::remove(directory.path("f.hwd"));
  BOOST_TEST(equal_sets(set, *prepare_training(parse_valid(kTexts[0]), 1)));
}

BOOST_AUTO_TEST_CASE(readable_zeros_follow_rows_that_are_mapped) {
  const TemporaryDirectory directory;
  const auto cache = Cache::open(directory.write("f.hwd", cache_of(parse_valid(kTexts[0]))), 1);
  BOOST_TEST_REQUIRE(cache.has_value());
  const TrainingSet set = cache->training_set();
  const auto values = set.rows.sparse().value();
  const auto features = set.rows.sparse().feature();
  for (std::size_t i = 0; i < kCachePadding / 4; ++i) {
    BOOST_TEST(values.data()[values.size() + i] == 0.0F);
    BOOST_TEST(features.data()[features.size() + i] == 0U);
  }
}

BOOST_AUTO_TEST_CASE(source_that_anybody_can_make_again_is_remembered) {
  const TemporaryDirectory directory;
  const auto synthetic = load_data(*parse_data_source("synth:rcv1?n=20"), DataPart::kTrain, 1);
  BOOST_TEST(synthetic->shared_source == "synth:rcv1?n=20&seed=1&part=train");
  const auto source =
      parse_data_source(directory.write("told by its first bytes", cache_of(*synthetic)));
  BOOST_TEST_REQUIRE(source.has_value());
  const auto set = load_training(*source, 1);
  BOOST_TEST_REQUIRE(set.has_value());
  BOOST_TEST(set->shared_source == synthetic->shared_source);
  const auto dataset = load_data(*source, DataPart::kTest, 1);
  BOOST_TEST_REQUIRE(dataset.has_value());
  BOOST_TEST(dataset->shared_source == synthetic->shared_source);
  BOOST_TEST(equal_contents(*dataset, *synthetic));
}

BOOST_AUTO_TEST_CASE(pipe_is_no_cache_and_is_not_opened_to_see_it) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("pipe.hwd");
  BOOST_TEST_REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  auto asked = std::async(std::launch::async, [&] { return is_cache_file(path); });
  const bool answered = asked.wait_for(std::chrono::seconds(5)) == std::future_status::ready;
  const int writer = open(path.c_str(), O_RDWR);  // lets go what waits for one
  BOOST_TEST(answered);
  BOOST_TEST(!asked.get());
  close(writer);
}

BOOST_AUTO_TEST_CASE(file_that_is_cut_short_or_too_long_says_so) {
  const TemporaryDirectory directory;
  const std::string whole = cache_of(parse_valid(kTexts[3]));
  BOOST_TEST(refusal(directory, whole) == "accepted");
  for (std::size_t size = 1; size < whole.size(); size += size < 300 ? 1 : 997) {
    const std::string reason = refusal(directory, whole.substr(0, size));
    const std::string expected =
        size < 4                     ? "no cache"
        : size < kCacheMagic.size()  ? "a cache that was changed on its way, or cut short"
        : size < sizeof(CacheHeader) ? "ends within its header"
                                     : "has " + std::to_string(size) + " of ";
    BOOST_TEST(reason.starts_with(expected), size << ": " << reason);
  }
  BOOST_TEST(refusal(directory, whole + "x").starts_with("has "));
}

BOOST_AUTO_TEST_CASE(each_changed_byte_that_counts_is_noticed) {
  const TemporaryDirectory directory;
  const std::string whole = cache_of(parse_valid(kTexts[3]));
  const CacheLayout layout = *CacheLayout::of(header_of(whole));
  std::vector<std::pair<std::size_t, std::size_t>> ranges = {{0, sizeof(CacheHeader)}};
  for (const CachePlace& place : layout.place) {
    ranges.emplace_back(place.offset, place.offset + place.bytes);
  }
  std::mt19937 random(8);
  for (const auto& [first, last] : ranges) {
    for (std::size_t at = first; at < last; ++at) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1U << (random() % 8)));
      BOOST_TEST(refusal(directory, damaged) != "accepted", at);
    }
  }
}

BOOST_AUTO_TEST_CASE(damage_is_located) {
  const TemporaryDirectory directory;
  std::string damaged = cache_of(parse_valid(kTexts[0]));
  const CachePlace place = (*CacheLayout::of(header_of(damaged)))[CacheSection::kValues];
  damaged[place.offset + 5] ^= 1;
  BOOST_TEST(refusal(directory, damaged)
                 .starts_with("damaged between bytes " + std::to_string(place.offset + 1) +
                              " and " + std::to_string(place.offset + place.bytes) +
                              "; expected a whole cache: make it again"));
}

BOOST_AUTO_TEST_CASE(caches_of_other_versions_and_machines_are_told_apart) {
  const TemporaryDirectory directory;
  const std::string whole = cache_of(parse_valid(kTexts[0]));
  const auto changed = [&](const std::function<void(CacheHeader&)>& change) {
    return refusal(directory, with_header(whole, change));
  };
  BOOST_TEST(changed([](CacheHeader& header) {
               header.version = 9;
             }).starts_with("a cache of version 9; expected version 2: make it again"));
  BOOST_TEST(changed([](CacheHeader& header) {
               header.byte_order = 0x04030201U;
             }).starts_with("a cache of a machine of the other byte order"));
  std::string as_text = whole;
  as_text.erase(as_text.find('\r'), 1);  // what a transfer as text does
  BOOST_TEST(refusal(directory, as_text).starts_with("a cache that was changed on its way"));
  BOOST_TEST(refusal(directory, "+1 1:1\n") == "no cache (.hwd)");
}

BOOST_AUTO_TEST_CASE(counts_that_cannot_be_are_refused_before_they_are_used) {
  const TemporaryDirectory directory;
  const std::string whole = cache_of(parse_valid(kTexts[0]));
  const std::function<void(CacheHeader&)> changes[] = {
      [](CacheHeader& header) { header.rows = 0; },
      [](CacheHeader& header) { header.rows = ~std::uint64_t{0}; },
      [](CacheHeader& header) { header.rows += 1000; },
      [](CacheHeader& header) { header.nonzeros = std::uint64_t{1} << 62U; },
      [](CacheHeader& header) { header.positives = std::uint64_t{1} << 48U; },
      [](CacheHeader& header) { header.source_bytes = std::uint64_t{1} << 63U; },
      [](CacheHeader& header) { header.file_bytes += 4096; },
      [](CacheHeader& header) { header.ranks = 0; },
      [](CacheHeader& header) { header.ranks = 0xffffffffU; },
      [](CacheHeader& header) { header.feature_count = 1; },
      [](CacheHeader& header) { header.feature_count = 0x80000000U; },
      [](CacheHeader& header) { header.labels = 1; },
      [](CacheHeader& header) { header.labels = 0xffffffffU; },
      [](CacheHeader& header) { header.is_multilabel = 2; },
      [](CacheHeader& header) { header.scale = 0.0F; },
      [](CacheHeader& header) { header.scale = 0.3F; },
      [](CacheHeader& header) { header.scale = 2.0F; },
      [](CacheHeader& header) { header.scale = std::nanf(""); },
      [](CacheHeader& header) { header.median_norm = INFINITY; },
  };
  int number = 0;
  for (const auto& change : changes) {
    const std::string reason = refusal(directory, with_header(whole, change));
    BOOST_TEST(reason.starts_with("damaged: its counts do not fit together"),
               number << ": " << reason);
    ++number;
  }
}

BOOST_AUTO_TEST_CASE(contents_that_cannot_be_are_refused_although_their_hashes_agree) {
  const TemporaryDirectory directory;
  const std::string binary = cache_of(parse_valid("+1 1:0.5 2:0.5\n-1 1:0.5 2:0.5\n"));
  const std::string several = cache_of(parse_valid("1,3 1:1\n2 2:1\n"));
  struct Change {
    const std::string& cache;
    CacheSection section;
    std::size_t index;
    std::uint64_t value;
    std::size_t size;
  };
  const Change changes[] = {
      {binary, CacheSection::kStarts, 0, 1, 8},
      {binary, CacheSection::kStarts, 1, 5, 8},
      {binary, CacheSection::kStarts, 2, 3, 8},
      {binary, CacheSection::kRanks, 1, 2, 4},           // no such rank
      {binary, CacheSection::kRanks, 3, 0xffffffff, 4},  // no such rank
      {binary, CacheSection::kValues, 3, 0x7f800000, 4},
      {binary, CacheSection::kValues, 0, 0xffc00000, 4},
      {binary, CacheSection::kFeatures, 0, 1, 4},  // twice
      {binary, CacheSection::kFeatures, 0, 2, 4},  // above the largest
      {binary, CacheSection::kMeanSquares, 0, 0xbff0000000000000, 8},
      {binary, CacheSection::kMeanSquares, 1, 0x7ff0000000000000, 8},
      {binary, CacheSection::kLabels, 0, 0x40000000, 4},  // does not ascend
      {binary, CacheSection::kLabels, 1, 0x7fc00000, 4},
      {binary, CacheSection::kSigns, 1, 0, 4},
      {several, CacheSection::kLabelStarts, 0, 1, 8},
      {several, CacheSection::kLabelStarts, 1, 9, 8},
      {several, CacheSection::kPositives, 0, 3, 4},
  };
  for (const Change& change : changes) {
    const std::string bytes =
        with_element(change.cache, change.section, change.index, &change.value, change.size);
    BOOST_TEST(refusal(directory, bytes) ==
                   "whole, but its contents cannot be: it was not written by this program",
               static_cast<int>(change.section) << " " << change.index);
  }
}

BOOST_AUTO_TEST_CASE(values_too_small_to_be_scaled_are_noticed) {
  const auto survives = [](const char* text) {
    const Dataset dataset = parse_valid(text);
    return survives_scaling(dataset, prepare_training(dataset, 1)->scale);
  };
  BOOST_TEST(survives("+1 1:1e-44 2:1\n-1 2:1\n"));  // not scaled
  BOOST_TEST(survives("+1 1:1e-30 2:8\n-1 2:8\n"));
  BOOST_TEST(survives("+1 1:0 2:8\n-1 2:8\n"));
  BOOST_TEST(!survives("+1 1:1.1e-38 2:8\n-1 2:8\n"));
  BOOST_TEST(!survives("+1 1:1e-20 2:1e30\n-1 2:1e30\n"));
}

BOOST_AUTO_TEST_CASE(one_hash_does_not_depend_on_threads_and_sees_exchanged_blocks) {
  std::string text(5'000'000, 'x');
  for (std::size_t i = 0; i < text.size(); i += 7) text[i] = static_cast<char>(i);
  const auto hash = [](const std::string& bytes, unsigned threads) {
    return hash_bytes(std::as_bytes(std::span(bytes)), threads);
  };
  const std::uint64_t expected = hash(text, 1);
  BOOST_TEST(hash(text, 4) == expected);
  BOOST_TEST(hash("", 1) != hash(std::string(1, '\0'), 1));
  std::string exchanged = text;
  std::swap_ranges(exchanged.begin(), exchanged.begin() + kHashBlock,
                   exchanged.begin() + 2 * kHashBlock);
  BOOST_TEST(hash(exchanged, 1) != expected);
  // Two changes of a high bit in one lane.
  text[7] ^= '\x80';
  text[7 + 64] ^= '\x80';
  BOOST_TEST(hash(text, 1) != expected);
}

BOOST_AUTO_TEST_CASE(hash_is_the_same_for_ever) {
  // Caches are kept: a change is a new version.
  BOOST_TEST(hash_bytes(std::as_bytes(std::span(std::string_view("hogwild"))), 1) ==
             3306057671065340406U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
