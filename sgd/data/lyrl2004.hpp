#pragma once

#include <expected>
#include <string>

#include "sgd/data/data_part.hpp"
#include "sgd/data/dataset.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/data/load_progress.hpp"
#include "sgd/data/row_sink.hpp"

namespace hogwild::sgd {

/// Which rows and labels of an RCV1-v2 directory are wanted.
struct Lyrl2004Options {
  std::string directory;
  std::string topic{};  ///< +1 for its documents and −1 for others; empty: every topic is a label
  DataPart part = DataPart::kTrain;

  /// `lyrl2004:DIR?topic=…&part=…`.
  [[nodiscard]] std::string name() const;
};

/// Feeds RCV1-v2 as its authors distribute it (Lewis, Yang, Rose, Li 2004, on-line appendices 8 and
/// 13), from a directory with the original file names, each as it is or with `.gz` behind it:
///
///   rcv1-v2.topics.qrels               lines `TOPIC DID 1`
///   lyrl2004_vectors_test_pt0.dat …3   lines `DID  ID:VALUE ID:VALUE …`: part=train, 781,265 rows
///   lyrl2004_vectors_train.dat         part=test, 23,149 rows
///
/// The parts have the roles that Bottou gave them: the large one trains. Rows are in the order of
/// the files. Without a topic the labels of a row are the places of its topics, from 1, in the
/// sorted list of all topics that the qrels name.
/// Errors: what the system and the unpacker say; a line that is not as above; a topic that the
/// qrels do not name (with the nearest that they do); a document that they do not name: in RCV1-v2
/// every document has a topic, so the files do not belong together.
/// Throws std::bad_alloc where memory is short.
[[nodiscard]] std::expected<void, DataError> feed_lyrl2004(const Lyrl2004Options& options,
                                                           unsigned threads, LoadProgress* progress,
                                                           RowSink& sink);

}  // namespace hogwild::sgd
