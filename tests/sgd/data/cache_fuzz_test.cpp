#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <string>

#include "sgd/data/cache.hpp"
#include "sgd/data/svmlight_writer.hpp"
#include "tests/fuzz.hpp"
#include "tests/sgd/data/caches.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

Dataset make_dataset(FuzzRandom& random) {
  std::string text;
  const auto labels = random.below(4);
  const bool is_wide = random.one_in(4);  // tables of all ids take most of the time
  for (auto rows = random.below(30) + 2; rows > 0; --rows) {
    text += labels == 0   ? random.one_of<const char*>({"+1", "-1"})
            : labels == 1 ? random.one_of<const char*>({"1", "2", "3"})
            : labels == 2 ? random.one_of<const char*>({"1,2", "3", ""})
                          : "0";
    std::uint32_t id = 0;
    for (auto entries = random.below(12) + 1; entries > 0; --entries) {
      id +=
          static_cast<std::uint32_t>(random.below(is_wide && random.one_in(20) ? 300'000 : 5)) + 1;
      text += " " + std::to_string(id) + ":" + std::to_string(random.below(90)) + "e-1";
    }
    text += "\n";
  }
  if (labels == 2) text += "1,3 1:1\n";
  return parse_valid(text);
}

/// Changes some numbers in one section, or in the header.
void change_numbers(FuzzRandom& random, std::string& cache) {
  const auto layout = CacheLayout::of(header_of(cache));
  const CachePlace& place = layout->place[random.below(kCacheSections)];
  for (auto changes = random.below(3) + 1; changes > 0 && place.bytes >= 4; --changes) {
    const std::size_t at = place.offset + 4 * random.below(place.bytes / 4);
    auto word = static_cast<std::uint32_t>(
        random.one_of<std::uint64_t>({0, 1, 2, random.below(40), 0x7fffffff, 0x80000000, 0xffffffff,
                                      0x7f800000, 0x3f800000, 0xbf800000, random.bits()}));
    std::memcpy(cache.data() + at, &word, sizeof word);
  }
}

/// Reads all that an accepted cache gives; what is wrong with it.
std::string use(const Cache& cache) {
  const TrainingSet set = cache.training_set();
  double sum = 0;
  for (std::uint64_t row = 0; row < set.rows.row_count(); ++row) {
    const auto ranks = set.rows.features(row);
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      if (ranks[i] >= set.rows.feature_count()) return "a rank that is none";
      sum += static_cast<double>(set.rows.values(row)[i]) * set.mean_square[ranks[i]];
    }
    if (set.rows.column_count() == 1) {
      sum += static_cast<double>(set.rows.sign(row));
    } else {
      for (const std::uint32_t column : set.rows.positives(row)) {
        if (column >= set.rows.column_count()) return "a column that is none";
      }
    }
  }
  if (!std::isfinite(sum)) return "not finite";
  const Dataset dataset = cache.dataset(2);
  std::string text;
  SvmlightWriter(dataset).append(0, dataset.row_count(), text);
  return dataset.row_count() == set.rows.row_count() ? "" : "another number of rows";
}

BOOST_AUTO_TEST_SUITE(cache_fuzz)

BOOST_AUTO_TEST_CASE(changed_caches_are_refused) {
  const TemporaryDirectory directory;
  fuzz(1000, [&directory](FuzzRandom& random) -> std::string {
    const std::string whole = cache_of(make_dataset(random));
    std::string changed = whole;
    if (random.one_in(2)) {
      change_numbers(random, changed);
    } else {
      mutate(random, {"HWD", std::string_view("\0\0\0\0", 4)}, changed);
    }
    const auto cache = Cache::open(directory.write("f.hwd", changed), 2);
    if (!cache) return cache.error().reason.empty() ? "no reason" : "";
    // Zeros between sections count for nothing.
    const auto original = Cache::open(directory.write("g.hwd", whole), 1);
    const Dataset a = cache->dataset(1);
    const Dataset b = original->dataset(1);
    return equal_contents(a, b) ? "" : "accepted with other rows";
  });
}

BOOST_AUTO_TEST_CASE(forged_caches_are_refused_or_safe_to_use) {
  const TemporaryDirectory directory;
  fuzz(1000, [&directory](FuzzRandom& random) -> std::string {
    std::string forged = cache_of(make_dataset(random));
    if (random.one_in(4)) {
      forged = with_header(std::move(forged), [&random](CacheHeader& header) {
        std::uint64_t* const counts[] = {&header.rows, &header.nonzeros, &header.positives,
                                         &header.source_bytes, &header.file_bytes};
        *counts[random.below(5)] = random.one_in(2) ? random.below(100) : random.bits();
        if (random.one_in(2)) header.ranks = static_cast<std::uint32_t>(random.below(100));
        if (random.one_in(2)) header.labels = static_cast<std::uint32_t>(random.below(5));
        if (random.one_in(2)) header.feature_count = static_cast<std::uint32_t>(random.bits());
        if (random.one_in(2)) header.is_multilabel ^= 1;
      });
    } else {
      change_numbers(random, forged);
      forged = with_right_hashes(std::move(forged));
    }
    const auto cache = Cache::open(directory.write("f.hwd", forged), 2);
    if (!cache) return cache.error().reason.empty() ? "no reason" : "";
    return use(*cache);
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
