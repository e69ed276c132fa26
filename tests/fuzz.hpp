#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>

// Where a sanitizer is linked in, it calls this before it ends the process.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace hogwild {

/// Random numbers of one case.
class FuzzRandom {
 public:
  explicit FuzzRandom(std::uint64_t seed) : engine_(seed) {}

  /// From 0 to limit − 1. REQUIRES: limit > 0.
  std::size_t below(std::size_t limit) { return engine_() % limit; }
  bool one_in(std::size_t count) { return below(count) == 0; }
  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return choices.begin()[below(choices.size())];
  }
  std::uint64_t bits() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

/// Changes a few bytes of `bytes`, cuts, repeats and swaps pieces, and puts in some of `words`.
inline void mutate(FuzzRandom& random, std::initializer_list<std::string_view> words,
                   std::string& bytes) {
  for (auto changes = random.below(4) + 1; changes > 0; --changes) {
    const std::size_t at = random.below(bytes.size() + 1);
    const std::size_t length = std::min(random.below(12), bytes.size() - at);
    switch (random.below(6)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random.bits());
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(random.below(bytes.size() + 1), bytes.substr(at, length));
        break;
      case 3:
        if (at < bytes.size()) bytes[at] ^= static_cast<char>(1U << random.below(8));
        break;
      case 4:
        if (random.one_in(8)) bytes.resize(at);
        break;
      default:
        bytes.insert(at, random.one_of(words));
    }
  }
}

/// Runs `check(random)` for HOGWILD_FUZZ_CASES seeds (default `usual`), or as many as
/// HOGWILD_FUZZ_SECONDS have room for, from HOGWILD_FUZZ_SEED on (default 1; with seconds the time
/// of day, so that each run is another). What fails or crashes prints the seed that shows it again.
template <class Check>
void fuzz(std::uint64_t usual, const Check& check) {
  using Clock = std::chrono::steady_clock;
  const auto from_environment = [](const char* name, std::uint64_t otherwise) -> std::uint64_t {
    const char* const text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
  };
  const std::uint64_t seconds = from_environment("HOGWILD_FUZZ_SECONDS", 0);
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  const std::uint64_t cases =
      from_environment("HOGWILD_FUZZ_CASES", seconds == 0 ? usual : ~std::uint64_t{0});
  static std::uint64_t seed;
  static const auto tell = [] {
    std::fprintf(stderr, "replay with HOGWILD_FUZZ_CASES=1 HOGWILD_FUZZ_SEED=%llu\n",
                 static_cast<unsigned long long>(seed));
  };
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(tell);
  seed = from_environment("HOGWILD_FUZZ_SEED",
                          seconds == 0 ? 1 : static_cast<std::uint64_t>(std::time(nullptr)) << 20U);
  std::uint64_t done = 0;
  for (; done < cases && (seconds == 0 || Clock::now() < end); ++done, ++seed) {
    BOOST_TEST_CHECKPOINT("HOGWILD_FUZZ_CASES=1 HOGWILD_FUZZ_SEED=" << seed);
    FuzzRandom random(seed);
    const std::string failure = check(random);
    if (failure.empty()) continue;
    BOOST_ERROR(failure);
    tell();
    return;
  }
  BOOST_TEST_MESSAGE(done << " cases");
}

}  // namespace hogwild
