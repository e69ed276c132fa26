#pragma once

#include <cstdint>
#include <string>

#include "sgd/data/data_part.hpp"
#include "sgd/data/dataset.hpp"
#include "sgd/data/row_sink.hpp"

namespace hogwild::sgd {

/// Rows of the training and of the test part where nothing else is said.
inline constexpr std::uint64_t kSyntheticTrainRows = 200'000;
inline constexpr std::uint64_t kSyntheticTestRows = 23'149;
/// The most rows of one part.
inline constexpr std::uint64_t kMaxSyntheticRows = 100'000'000;

/// Settings of `synth:rcv1`. rows: [1, kMaxSyntheticRows].
struct SyntheticOptions {
  std::uint64_t rows = kSyntheticTrainRows;
  std::uint64_t seed = 1;
  DataPart part = DataPart::kTrain;

  /// `synth:rcv1?n=…&seed=…&part=…`.
  [[nodiscard]] std::string name() const;
};

/// Feeds `synth:rcv1`, a data set of the shape of RCV1: 47,236 features, about 76 nonzeros a row of
/// length one, values with six significant digits. The recipe in synthetic.cpp is fixed to the bit.
///
/// A row depends on seed, part and its index alone: any number of threads gives the same rows, and
/// a larger set begins with the smaller. Equal to what its text parses to.
/// REQUIRES: rows in range. Cost: about 3 µs a row and thread, after 0.3 s.
void feed_synthetic_rcv1(const SyntheticOptions& options, unsigned threads, RowSink& sink);

/// What feed_synthetic_rcv1() has, as a data set.
[[nodiscard]] Dataset make_synthetic_rcv1(const SyntheticOptions& options, unsigned threads);

}  // namespace hogwild::sgd
