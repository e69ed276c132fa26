#include "sgd/data/source.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "sgd/data/cache.hpp"
#include "sgd/data/dataset_builder.hpp"
#include "sgd/data/lyrl2004.hpp"
#include "sgd/data/svmlight_file.hpp"
#include "sgd/data/training_builder.hpp"

namespace hogwild::sgd {
namespace {

constexpr std::string_view kSynthetic = "synth:";
constexpr std::string_view kLyrl2004 = "lyrl2004:";
constexpr std::string_view kForms =
    "expected a path, -, synth:rcv1[?n=N&seed=S&part=train|test] or "
    "lyrl2004:DIR[?topic=T&part=train|test]";

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  quoted += text;
  quoted += '"';
  return quoted;
}

std::expected<DataPart, std::string> parse_part(std::string_view value) {
  if (value == "train") return DataPart::kTrain;
  if (value == "test") return DataPart::kTest;
  return std::unexpected("part must be train or test");
}

/// Takes one `key=value` into `source`; what is wrong with it otherwise.
std::expected<void, std::string> take_setting(std::string_view key, std::string_view value,
                                              SyntheticSource& source) {
  if (key == "n") {
    source.rows = parse_number(value);
    if (source.rows && *source.rows >= 1 && *source.rows <= kMaxSyntheticRows) return {};
    return std::unexpected("n must be a number of rows from 1 to " +
                           std::to_string(kMaxSyntheticRows));
  }
  if (key == "seed") {
    const auto seed = parse_number(value);
    if (!seed) return std::unexpected("seed must be a whole number from 0 to 2^64 - 1");
    source.seed = *seed;
    return {};
  }
  if (key == "part") {
    const auto part = parse_part(value);
    if (!part) return std::unexpected(part.error());
    source.part = *part;
    return {};
  }
  return std::unexpected(quote(key) + " is unknown; expected n, seed or part");
}

std::expected<void, std::string> take_setting(std::string_view key, std::string_view value,
                                              Lyrl2004Source& source) {
  if (key == "topic") {
    source.topic = value;
    if (!value.empty()) return {};
    return std::unexpected(
        "topic must be the name of one, such as CCAT; without it every topic is "
        "a label");
  }
  if (key == "part") {
    const auto part = parse_part(value);
    if (!part) return std::unexpected(part.error());
    source.part = *part;
    return {};
  }
  return std::unexpected(quote(key) + " is unknown; expected topic or part");
}

/// Takes `key=value&key=value…` into `source`.
template <class Source>
std::expected<Source, std::string> take_settings(std::string_view settings, Source source) {
  std::vector<std::string_view> seen;
  while (!settings.empty()) {
    const std::size_t end = settings.find('&');
    const std::string_view setting = settings.substr(0, end);
    const std::size_t equals = setting.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : setting.substr(equals + 1);
    seen.push_back(setting.substr(0, equals));
    if (std::count(seen.begin(), seen.end(), seen.back()) > 1) {
      return std::unexpected(quote(seen.back()) + " is given twice");
    }
    auto taken = take_setting(seen.back(), value, source);
    if (!taken) return std::unexpected(std::move(taken.error()));
    settings.remove_prefix(end == std::string_view::npos ? settings.size() : end + 1);
  }
  return source;
}

std::expected<SyntheticSource, std::string> parse_synthetic(std::string_view text) {
  const std::size_t question = text.find('?');
  if (text.substr(0, question) != "rcv1") {
    return std::unexpected("the only synthetic set is synth:rcv1");
  }
  if (question == std::string_view::npos) return SyntheticSource{};
  return take_settings(text.substr(question + 1), SyntheticSource{});
}

/// A directory whose name has a question mark needs one more behind it.
std::expected<Lyrl2004Source, std::string> parse_lyrl2004(std::string_view text) {
  const std::size_t question = text.rfind('?');
  Lyrl2004Source source{.directory = std::string(text.substr(0, question))};
  if (source.directory.empty()) return std::unexpected("no directory; " + std::string(kForms));
  if (question == std::string_view::npos) return source;
  return take_settings(text.substr(question + 1), std::move(source));
}

SyntheticOptions complete(const SyntheticSource& source, DataPart default_part) {
  const DataPart part = source.part.value_or(default_part);
  const std::uint64_t rows = part == DataPart::kTrain ? kSyntheticTrainRows : kSyntheticTestRows;
  return {.rows = source.rows.value_or(rows), .seed = source.seed, .part = part};
}

Lyrl2004Options complete(const Lyrl2004Source& source, DataPart default_part) {
  return {.directory = source.directory,
          .topic = source.topic,
          .part = source.part.value_or(default_part)};
}

/// As messages name it: with all that the argument left open.
std::string name_of(const DataSource& source, DataPart default_part) {
  if (const auto* synthetic = std::get_if<SyntheticSource>(&source.where)) {
    return complete(*synthetic, default_part).name();
  }
  if (const auto* lyrl2004 = std::get_if<Lyrl2004Source>(&source.where)) {
    return complete(*lyrl2004, default_part).name();
  }
  return std::get<FileSource>(source.where).path;
}

/// The cache that `source` is; nothing where it is something else.
std::optional<std::expected<Cache, DataError>> open_cache(const DataSource& source,
                                                          unsigned threads,
                                                          LoadProgress* progress) {
  const auto* file = std::get_if<FileSource>(&source.where);
  if (file == nullptr || !is_cache_file(file->path)) return std::nullopt;
  return Cache::open(file->path, threads, progress);
}

}  // namespace

std::expected<DataSource, std::string> parse_data_source(std::string_view text) {
  const auto refuse = [&](const std::string& reason) {
    return std::unexpected(quote(text) + ": " + reason);
  };
  if (text.empty()) return refuse(std::string(kForms));
  if (text.find('\0') != std::string_view::npos) return refuse("a path has no zero byte");
  if (text.starts_with(kLyrl2004)) {
    auto lyrl2004 = parse_lyrl2004(text.substr(kLyrl2004.size()));
    if (!lyrl2004) return refuse(lyrl2004.error());
    return DataSource{.where = std::move(*lyrl2004), .text = std::string(text)};
  }
  if (!text.starts_with(kSynthetic)) {
    return DataSource{.where = FileSource{std::string(text)}, .text = std::string(text)};
  }
  auto synthetic = parse_synthetic(text.substr(kSynthetic.size()));
  if (!synthetic) return refuse(synthetic.error());
  return DataSource{.where = *synthetic, .text = std::string(text)};
}

std::expected<void, DataError> feed_data(const DataSource& source, DataPart default_part,
                                         unsigned threads, LoadProgress* progress, RowSink& sink) {
  if (const auto* synthetic = std::get_if<SyntheticSource>(&source.where)) {
    feed_synthetic_rcv1(complete(*synthetic, default_part), threads, sink);
    return {};
  }
  if (const auto* lyrl2004 = std::get_if<Lyrl2004Source>(&source.where)) {
    return feed_lyrl2004(complete(*lyrl2004, default_part), threads, progress, sink);
  }
  return feed_svmlight_file(std::get<FileSource>(source.where).path, threads, progress, sink);
}

std::expected<Dataset, DataError> load_data(const DataSource& source, DataPart default_part,
                                            unsigned threads, LoadProgress* progress) {
  if (const auto cache = open_cache(source, threads, progress)) {
    if (!*cache) return std::unexpected(cache->error());
    return (*cache)->dataset(threads);
  }
  DatasetBuilder builder;
  const auto fed = feed_data(source, default_part, threads, progress, builder);
  if (!fed) return std::unexpected(fed.error());
  Dataset dataset = std::move(builder).finish(name_of(source, default_part), threads);
  if (source.is_synthetic()) dataset.shared_source = dataset.name;
  return dataset;
}

std::expected<TrainingSet, DataError> load_training(const DataSource& source, unsigned threads,
                                                    LoadProgress* progress) {
  if (const auto cache = open_cache(source, threads, progress)) {
    if (!*cache) return std::unexpected(cache->error());
    return (*cache)->training_set();
  }
  TrainingBuilder builder;
  const auto fed = feed_data(source, DataPart::kTrain, threads, progress, builder);
  if (!fed) return std::unexpected(fed.error());
  const std::string name = name_of(source, DataPart::kTrain);
  auto set = std::move(builder).finish(name, threads);
  if (set && source.is_synthetic()) set->shared_source = name;
  return set;
}

}  // namespace hogwild::sgd
