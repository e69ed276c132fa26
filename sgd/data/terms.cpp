#include "sgd/data/terms.hpp"

#include "sgd/data/murmur3.hpp"

namespace hogwild::sgd {
namespace {

bool is_word_letter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         byte > 127;
}

}  // namespace

void Words::read(std::string_view text) {
  joined_.clear();
  spans_.clear();
  for (std::size_t at = 0; at < text.size();) {
    if (!is_word_letter(text[at])) {
      ++at;
      continue;
    }
    const std::size_t first = at;
    while (at < text.size() && is_word_letter(text[at])) ++at;
    if (at - first < 2) continue;
    if (!spans_.empty()) joined_ += ' ';
    const std::size_t begin = joined_.size();
    for (const char c : text.substr(first, at - first)) {
      joined_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    spans_.emplace_back(begin, joined_.size());
  }
}

void TermHasher::append(std::string_view column, std::string_view text,
                        std::vector<std::uint32_t>& out) {
  words_.read(text);
  words_.for_each_term(ngrams_, [&](std::string_view term) {
    if (column.empty()) return out.push_back(hashed_feature(term, bits_));
    named_.assign(column).append(1, ':').append(term);
    out.push_back(hashed_feature(named_, bits_));
  });
}

}  // namespace hogwild::sgd
