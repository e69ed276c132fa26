#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "sgd/data/load_error.hpp"
#include "sgd/model/model_file.hpp"

namespace hogwild::sgd {

/// The binary form of a model: exact, small, and checked as a whole. Little-endian:
///
///   u8[8]   magic 89 'H' 'W' 'M' 0d 0a 1a 0a    (what a transfer as text would damage)
///   u32     version, 1
///   u32     0x01020304, the byte order
///   u32     flags: 1 multi-label, 2 with intercepts, 4 with sigmoids,
///           8 with a recipe
///   u32     loss: 0 hinge, 1 logistic, 2 squared hinge, 255 none of ours
///   u32     labels L, columns K (1, or L), largest id D, features F that have weights
///   f32[L]  labels
///   f64[K]  intercepts, where flagged
///   f64[2K] slope and offset of each column's sigmoid, where flagged
///   u64, u8[] length of the recipe and its text, where flagged
///   u8[]    for each feature, by id: ids passed over since the one before, as a LEB128 varint
///   u64[⌈F·K/64⌉]  bit i·K + c, from the low end: feature i has a weight in column c
///   f64[]   the weights that are there, in that order; none is 0
///   u64     checksum of all bytes before
///
/// So a file takes about a byte a feature, a bit a cell (feature times column) and eight bytes a
/// weight that is not zero, and one that lies about its size cannot make the reader allocate more
/// than 64 times its own length.

/// The model in this form. Equal models give equal bytes.
[[nodiscard]] std::string to_binary(const LinearModel& model);

/// Whether `bytes` begin as this form does.
[[nodiscard]] bool looks_binary(std::string_view bytes);

/// Reads this form. Errors: what is wrong with the file; any changed byte is one.
[[nodiscard]] std::expected<LinearModel, DataError> parse_binary(std::string_view bytes,
                                                                 std::string name);

}  // namespace hogwild::sgd
