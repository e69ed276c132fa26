#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "sgd/data/dataset.hpp"
#include "sgd/data/text_blocks.hpp"
#include "sgd/model/predictor.hpp"

namespace hogwild::sgd {

/// Why predicting ended early. The lines of all rows before that were written.
struct PredictionFailure {
  bool is_of_data = false;  ///< the rows cannot be used; else the lines cannot be written
  std::string message{};
};

/// Takes lines of predictions, in the order of the rows. The error says why it cannot.
using WriteLines = std::function<std::expected<void, std::string>(std::string_view)>;

/// Predicts each row of a svmlight text (svmlight.hpp has its grammar), and never holds more of it
/// than a block a thread.
///
/// Whichever thread is free fetches the next block, parses and scores it, makes its lines, and
/// writes them when those before have been written. Any number of threads gives the same.
/// Errors: the first bad line of the text; a text without any row; what `write` says.
/// Throws std::bad_alloc where memory is short.
/// Cost: that of parsing, and for each entry one add a column.
[[nodiscard]] std::expected<PredictionTally, PredictionFailure> predict_text(
    TextBlocks blocks, const Predictor& predictor, unsigned threads, const WriteLines& write);

/// Predicts each row of a data set. Errors: what `write` says.
[[nodiscard]] std::expected<PredictionTally, PredictionFailure> predict_dataset(
    const Dataset& dataset, const Predictor& predictor, unsigned threads, const WriteLines& write);

}  // namespace hogwild::sgd
