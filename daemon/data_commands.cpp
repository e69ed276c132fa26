#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>

#include "daemon/atomic_file.hpp"
#include "daemon/commands.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/load_display.hpp"
#include "daemon/text_sink.hpp"
#include "sgd/data/cache.hpp"
#include "sgd/data/parallel.hpp"
#include "sgd/data/recipe.hpp"
#include "sgd/data/source.hpp"
#include "sgd/data/svmlight_writer.hpp"
#include "sgd/data/text_blocks.hpp"

namespace hogwild::daemon {
namespace {

constexpr std::size_t kRowsAtOnce = 4096;

int complain(std::string_view command, std::string_view message, int code) {
  fmt::print(stderr, "hogwild {}: {}\n", command, message);
  return code;
}

std::string print_number(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string print_label(float value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

/// Writes rows as text in pieces, so that a large set needs no second copy of itself.
std::expected<void, std::string> write_text(const sgd::Dataset& dataset, TextSink& sink) {
  const sgd::SvmlightWriter writer(dataset);
  std::string piece;
  for (std::size_t first = 0; first < dataset.row_count(); first += kRowsAtOnce) {
    piece.clear();
    writer.append(first, std::min(dataset.row_count(), first + kRowsAtOnce), piece);
    if (auto written = sink.write(piece); !written) return written;
  }
  return sink.finish();
}

int print_info(const sgd::Dataset& dataset, bool as_json) {
  std::map<float, std::uint64_t> labels;
  std::uint64_t unlabelled = 0;
  for (const float label : dataset.label) {
    if (label == label) {
      ++labels[label];
    } else {
      ++unlabelled;
    }
  }
  for (const auto& further : dataset.further_label) ++labels[further.label];
  std::uint64_t empty = 0;
  std::uint64_t most = 0;
  for (std::size_t row = 0; row < dataset.row_count(); ++row) {
    const std::size_t size = dataset.rows.features(row).size();
    empty += size == 0 ? 1U : 0U;
    most = std::max<std::uint64_t>(most, size);
  }
  const auto rows = dataset.row_count();
  const std::uint64_t nonzeros = dataset.rows.nonzero_count();
  boost::json::object info = {
      {"name", dataset.name},
      {"rows", rows},
      {"nonzeros", nonzeros},
      {"features", dataset.feature_count},
      {"labels", labels.size()},
      {"positive", labels.size() == 2 ? boost::json::value(labels.rbegin()->second) : nullptr},
      {"nonzeros_per_row", static_cast<double>(nonzeros) / static_cast<double>(rows)},
      {"nonzeros_max", most},
      {"empty_rows", empty},
      {"unlabelled_rows", unlabelled},
      {"multilabel_rows_further_labels", dataset.further_label.size()},
      {"bytes", dataset.rows.byte_count()},
      {"fingerprint", fmt::format("{:016x}", dataset.fingerprint)},
  };
  if (as_json) {
    boost::json::object counts;
    for (const auto& [label, count] : labels) {
      if (counts.size() == 1000) break;
      counts[print_label(label)] = count;
    }
    info["label_counts"] = std::move(counts);
    fmt::print("{}\n", boost::json::serialize(info));
    return kDone;
  }
  for (const auto& [key, value] : info) {
    if (value.is_string()) {
      fmt::print("{} {}\n", std::string_view(key), std::string_view(value.as_string()));
    } else if (value.is_double()) {
      fmt::print("{} {}\n", std::string_view(key), print_number(value.as_double()));
    } else {
      fmt::print("{} {}\n", std::string_view(key),
                 value.is_null() ? "-" : boost::json::serialize(value));
    }
  }
  return kDone;
}

/// What numbers stand for, where labels were names.
void print_classes(const sgd::Recipe& recipe) {
  constexpr std::size_t kMostPrinted = 20;
  const std::size_t count = std::min(recipe.classes.size(), kMostPrinted);
  for (std::size_t i = 0; i < count; ++i) {
    fmt::print(stderr, "class {} is {}\n", i + 1, recipe.classes[i]);
  }
  if (count < recipe.classes.size()) {
    fmt::print(stderr, "and {} more, which the recipe names\n", recipe.classes.size() - count);
  }
}

/// Raw data as rows, by a recipe that is there or is learned from it.
std::expected<sgd::Dataset, sgd::DataError> load_raw(const DataOptions& options) {
  const auto text = sgd::read_unpacked(options.data);
  if (!text) return std::unexpected(text.error());
  const auto recipe = options.recipe.empty() ? sgd::fit_recipe(options.raw, *text, options.data)
                                             : sgd::load_recipe(options.recipe.string());
  if (!recipe) return std::unexpected(recipe.error());
  auto dataset = sgd::transform(*recipe, *text, options.data, options.threads);
  if (!dataset || options.fit.empty()) return dataset;
  const auto written = write_file_atomically(options.fit, sgd::to_text(*recipe));
  if (!written) {
    return std::unexpected(sgd::DataError{.file = options.fit, .reason = written.error()});
  }
  print_classes(*recipe);
  return dataset;
}

/// Lays rows out for training and writes them as a cache.
int write_cache(const sgd::Dataset& dataset, unsigned threads, TextSink& sink) {
  const auto set = sgd::prepare_training(dataset, threads);
  if (!set) return complain("data convert", set.error().message(), kBadData);
  if (!sgd::survives_scaling(dataset, set->scale)) {
    return complain("data convert",
                    dataset.name +
                        ": its values differ so much in size that a cache, which holds "
                        "them scaled, cannot hold the smallest; use the text",
                    kBadData);
  }
  auto written = sgd::write_cache(*set, dataset.feature_count, threads,
                                  [&sink](std::string_view bytes) { return sink.write(bytes); });
  if (written) written = sink.finish();
  return written ? kDone : complain("data convert", written.error(), kFailed);
}

}  // namespace

int run_data(const DataOptions& options) {
  const auto source = sgd::parse_data_source(options.data);
  if (!source) return complain("data", source.error(), kUsage);
  const bool writes = options.action != DataAction::kInfo;
  if (options.action == DataAction::kSynth && !source->is_synthetic()) {
    return complain("data synth",
                    "'" + options.data + "' is no built-in data set; expected synth:rcv1", kUsage);
  }
  auto sink = TextSink::open(writes ? options.output : std::filesystem::path());
  if (!sink) return complain("data", sink.error(), kFailed);
  const bool is_raw = options.from.has_value() || !options.recipe.empty();
  const auto dataset = [&] {
    if (is_raw) return load_raw(options);
    LoadDisplay display;
    return sgd::load_data(*source, sgd::DataPart::kTest, options.threads, display.progress());
  }();
  if (!dataset) return complain("data", dataset.error().message(), kBadData);
  if (!writes) return print_info(*dataset, options.json);
  if (options.output.extension() == ".hwd") return write_cache(*dataset, options.threads, *sink);
  const auto written = write_text(*dataset, *sink);
  return written ? kDone : complain("data", written.error(), kFailed);
}

}  // namespace hogwild::daemon
