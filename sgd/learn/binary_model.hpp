#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "sgd/data/load_error.hpp"
#include "sgd/learn/model_file.hpp"

namespace hogwild::sgd {

/// The binary form of a model: exact, small, and checked as a whole. Little-endian:
///
///   u8[8]   magic 89 'H' 'W' 'M' 0d 0a 1a 0a    (what a transfer as text would damage)
///   u32     version, 1
///   u32     0x01020304, the byte order
///   u32     flags: 1 multi-label, 2 with intercepts
///   u32     loss: 0 hinge, 1 logistic, 255 none of ours
///   u32     labels L, columns K (1, or L), largest id D, 0
///   f32[L]  labels
///   f64[K]  intercepts, where flagged
///   u64[⌈D·K/64⌉]  bit (i − 1)·K + c mod 64 of its word: id i has a weight in column c
///   f64[]   the weights that are there, in that order
///   u64     checksum of all bytes before
///
/// So a file takes an eighth of a byte a cell and eight bytes a weight that is not zero, and one
/// that lies about its size cannot make the reader allocate more than 64 times its own length.

/// The model in this form. Equal models give equal bytes.
[[nodiscard]] std::string to_binary(const LinearModel& model);

/// Whether `bytes` begin as this form does.
[[nodiscard]] bool looks_binary(std::string_view bytes);

/// Reads this form. Errors: what is wrong with the file; any changed byte is one.
[[nodiscard]] std::expected<LinearModel, DataError> parse_binary(std::string_view bytes,
                                                                 std::string name);

}  // namespace hogwild::sgd
