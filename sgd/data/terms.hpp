#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hogwild::sgd {

/// The words of a text, lower-cased, a blank between two: a run of n of them is one view. What a
/// word is says Recipe.
class Words {
 public:
  void read(std::string_view text);

  /// Calls take(term) for each term of up to `ngrams` words.
  template <typename Take>
  void for_each_term(unsigned ngrams, Take take) const {
    for (std::size_t first = 0; first < spans_.size(); ++first) {
      const std::size_t most = std::min<std::size_t>(ngrams, spans_.size() - first);
      for (std::size_t n = 0; n < most; ++n) {
        const std::size_t begin = spans_[first].first;
        take(std::string_view(joined_).substr(begin, spans_[first + n].second - begin));
      }
    }
  }

 private:
  std::string joined_;
  std::vector<std::pair<std::size_t, std::size_t>> spans_;
};

/// Features of the terms of texts. Threads: one.
class TermHasher {
 public:
  /// REQUIRES: bits from 1 to 24, ngrams from 1.
  TermHasher(unsigned bits, unsigned ngrams) : bits_(bits), ngrams_(ngrams) {}

  /// Appends a feature for each term of `text`; `column` is empty where there is one text alone.
  void append(std::string_view column, std::string_view text, std::vector<std::uint32_t>& out);

 private:
  unsigned bits_;
  unsigned ngrams_;
  Words words_;
  std::string named_;
};

}  // namespace hogwild::sgd
