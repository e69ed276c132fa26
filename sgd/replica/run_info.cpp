#include "sgd/replica/run_info.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>

#include "sgd/data/mix64.hpp"
#include "sgd/learn/candidate.hpp"

namespace hogwild::sgd {
namespace {

using Items = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kMostText = 4096;
constexpr std::size_t kMostItems = 64;
constexpr std::size_t kMostRecipe = std::size_t{1} << 29U;  // 2²⁴ features and their counts
constexpr std::size_t kMostFounders = 4096;
constexpr double kLongestRun = 1e9;       // seconds, 30 years
constexpr double kLargestPenalty = 1000;  // of lambda and l1, as the command line has it
/// In a file's numbering from 0.
constexpr std::uint32_t kLargestFeature = DeclaredShape::kMostFeatures - 1;
/// A model that a run starts from counts as so many. More: it is kept better where it is the
/// optimum already; fewer: it is left sooner where data or settings changed.
constexpr double kInitialEpochs = 2.0;

template <typename Number>
std::string print(Number value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

template <typename Number>
bool scan(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool scan_limit(std::string_view text, double& value) {
  return scan(text, value) && std::isfinite(value) && value >= 0;
}

std::string print_all(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) {
    if (!text.empty()) text += ',';
    text += print(value);
  }
  return text;
}

bool scan_lambda(std::string_view text, std::vector<double>& lambda) {
  lambda.clear();
  for (bool is_more = true; is_more;) {
    const std::size_t comma = text.find(',');
    is_more = comma != std::string_view::npos;
    double value = 0;
    if (lambda.size() == kMostCandidates || !scan_limit(text.substr(0, comma), value)) return false;
    lambda.push_back(value);
    if (is_more) text.remove_prefix(comma + 1);
  }
  return true;
}

bool scan_interval(std::string_view text, Interval& value) {
  const auto parsed = Interval::parse(text);
  if (parsed) value = *parsed;
  return parsed.has_value();
}

/// One setting: how it is printed and read. The table is the wire format's list of names.
struct Field {
  const char* name;
  std::function<std::string(const RunSettings&)> print;
  std::function<bool(RunSettings&, const std::string&)> scan;
};

const std::vector<Field>& fields() {
  using S = RunSettings;
  static const std::vector<Field> table = {
      {"mode", [](const S& s) { return s.mode; },
       [](S& s, const std::string& v) {
         s.mode = v;
         return v == "async" || v == "sync";
       }},
      {"loss", [](const S& s) { return std::string(to_string(s.loss)); },
       [](S& s, const std::string& v) {
         const auto loss = parse_loss(v);
         if (loss) s.loss = *loss;
         return loss.has_value();
       }},
      {"lambda", [](const S& s) { return print_all(s.lambda); },
       [](S& s, const std::string& v) { return scan_lambda(v, s.lambda); }},
      {"l1", [](const S& s) { return print(s.l1); },
       [](S& s, const std::string& v) { return scan_limit(v, s.l1); }},
      {"class-weight", [](const S& s) { return s.class_weight.text(); },
       [](S& s, const std::string& v) {
         auto setting = ClassWeightSetting::parse(v);
         if (setting) s.class_weight = std::move(*setting);
         return setting.has_value();
       }},
      {"features", [](const S& s) { return print(s.shape.features); },
       [](S& s, const std::string& v) { return scan(v, s.shape.features); }},
      {"labels", [](const S& s) { return s.shape.labels_text(); },
       [](S& s, const std::string& v) {
         auto labels = DeclaredShape::parse_labels(v);
         if (labels) s.shape.labels = std::move(*labels);
         return labels.has_value();
       }},
      {"init", [](const S& s) { return s.init; },
       [](S& s, const std::string& v) { return (s.init = v).size() <= kMostText; }},
      {"bias", [](const S& s) { return std::string(s.bias ? "true" : "false"); },
       [](S& s, const std::string& v) { return (s.bias = v == "true") || v == "false"; }},
      {"probabilities", [](const S& s) { return std::string(s.probabilities ? "true" : "false"); },
       [](S& s, const std::string& v) { return (s.probabilities = v == "true") || v == "false"; }},
      {"epochs", [](const S& s) { return print(s.epochs); },
       [](S& s, const std::string& v) { return scan_limit(v, s.epochs); }},
      {"max-time", [](const S& s) { return print(s.max_time_s); },
       [](S& s, const std::string& v) { return scan_limit(v, s.max_time_s); }},
      {"updates", [](const S& s) { return print(s.updates); },
       [](S& s, const std::string& v) { return scan(v, s.updates); }},
      {"min-loss", [](const S& s) { return print(s.min_loss); },
       [](S& s, const std::string& v) { return scan_limit(v, s.min_loss); }},
      {"early-stopping", [](const S& s) { return print(s.early_stopping); },
       [](S& s, const std::string& v) { return scan(v, s.early_stopping); }},
      {"loss-interval", [](const S& s) { return s.loss_interval.text(); },
       [](S& s, const std::string& v) { return scan_interval(v, s.loss_interval); }},
      {"broadcast-interval", [](const S& s) { return s.broadcast_interval.text(); },
       [](S& s, const std::string& v) { return scan_interval(v, s.broadcast_interval); }},
      {"expect", [](const S& s) { return print(s.expect); },
       [](S& s, const std::string& v) { return scan(v, s.expect); }},
      {"seed", [](const S& s) { return print(s.seed); },
       [](S& s, const std::string& v) { return scan(v, s.seed); }},
      {"shard", [](const S& s) { return std::string(s.is_sharded ? "true" : "false"); },
       [](S& s, const std::string& v) { return (s.is_sharded = v == "true") || v == "false"; }},
      {"recipe", [](const S& s) { return s.recipe; },
       [](S& s, const std::string& v) { return (s.recipe = v).size() <= 16; }},
      {"train", [](const S& s) { return s.train_source; },
       [](S& s, const std::string& v) { return (s.train_source = v).size() <= kMostText; }},
      {"test", [](const S& s) { return s.test_source; },
       [](S& s, const std::string& v) { return (s.test_source = v).size() <= kMostText; }},
  };
  return table;
}

void write_labels(const LabelEncoding& labels, ByteWriter& writer) {
  writer.u8(labels.is_multilabel ? 1 : 0);
  writer.varint(labels.labels.size());
  writer.raw(std::span<const float>(labels.labels));
}

/// Fails the reader where the labels are none that a data set can have.
LabelEncoding read_labels(ByteReader& reader) {
  const std::uint8_t kind = reader.u8();
  LabelEncoding labels{.labels = reader.raw<float>(reader.varint()), .is_multilabel = kind == 1};
  const std::vector<float>& all = labels.labels;
  // A label that is not a number is above nothing.
  const bool ascends = std::adjacent_find(all.begin(), all.end(),
                                          [](float a, float b) { return !(a < b); }) == all.end();
  if (kind > 1 || all.size() < 2 || all.size() > kMostColumns || !ascends ||
      !std::isfinite(all.front()) || !std::isfinite(all.back())) {
    reader.fail();
    return {};
  }
  return labels;
}

}  // namespace

std::string Interval::text() const { return print(amount) + (in_updates ? "i" : "ms"); }

std::optional<Interval> Interval::parse(std::string_view text) {
  Interval interval;
  if (text.ends_with("ms")) {
    text.remove_suffix(2);
  } else if (text.ends_with("i")) {
    interval.in_updates = true;
    text.remove_suffix(1);
  } else {
    return std::nullopt;
  }
  constexpr std::uint64_t kMostMs = 1'000'000'000'000;  // 31 years
  if (!scan(text, interval.amount) || interval.amount == 0) return std::nullopt;
  if (!interval.in_updates && interval.amount > kMostMs) return std::nullopt;
  return interval;
}

Items RunSettings::items() const {
  Items items;
  for (const Field& field : fields()) items.emplace_back(field.name, field.print(*this));
  return items;
}

std::optional<RunSettings> RunSettings::from_items(const Items& items) {
  const std::map<std::string, std::string> by_name(items.begin(), items.end());
  if (by_name.size() != fields().size() || items.size() != fields().size()) return std::nullopt;
  RunSettings settings;
  for (const Field& field : fields()) {
    const auto at = by_name.find(field.name);
    if (at == by_name.end() || !field.scan(settings, at->second)) return std::nullopt;
  }
  return settings;
}

std::string recipe_id(std::string_view recipe) {
  if (recipe.empty()) return {};
  std::uint64_t hash = mix64(recipe.size());
  for (std::size_t at = 0; at < recipe.size(); at += sizeof hash) {
    std::uint64_t word = 0;
    std::memcpy(&word, recipe.data() + at, std::min(sizeof word, recipe.size() - at));
    hash = mix64(hash + word);
  }
  char digits[17] = {};
  char* const end = std::to_chars(digits, digits + sizeof digits, hash, 16).ptr;
  return {digits, end};
}

double RunInfo::loss_scale() const {
  float largest = 0.0F;
  for (const ClassWeight weight : class_weights()) {
    largest = std::max({largest, weight.positive, weight.negative});
  }
  const double slope = settings.loss == Loss::kSquaredHinge ? 2.0 : 1.0;
  return slope * (largest > 0.0F ? static_cast<double>(largest) : 1.0);
}

std::vector<ClassWeight> RunInfo::class_weights() const {
  return class_weights_of(settings.class_weight, constants.labels, constants.positives,
                          constants.rows);
}

Rule RunInfo::rule() const {
  const double scale = loss_scale();
  std::vector<double> lambda = settings.lambda;
  for (double& value : lambda) value = std::ldexp(value, 2 * constants.scale_exponent) / scale;
  return {.loss = settings.loss,
          .has_bias = settings.bias,
          .lambda = std::move(lambda),
          .metric = constants.metric,
          .l1 = std::ldexp(settings.l1, constants.scale_exponent) / scale,
          .class_weight = class_weights(),
          .loss_scale = scale,
          .initial_examples =
              settings.init.empty() ? 0.0 : kInitialEpochs * static_cast<double>(constants.rows)};
}

namespace {

void write_settings(const RunSettings& settings, ByteWriter& writer) {
  const Items items = settings.items();
  writer.varint(items.size());
  for (const auto& [name, value] : items) {
    writer.text(name);
    writer.text(value);
  }
}

/// Fails the reader where they are not valid.
RunSettings read_settings(ByteReader& reader) {
  const std::uint64_t item_count = reader.varint();
  if (item_count > kMostItems) reader.fail();
  Items items;
  for (std::uint64_t i = 0; reader.ok() && i < item_count; ++i) {
    std::string name = reader.text(kMostText);
    items.emplace_back(std::move(name), reader.text(kMostText));
  }
  const auto settings = RunSettings::from_items(items);
  const auto is_penalty = [](double value) { return value >= 0 && value <= kLargestPenalty; };
  if (!settings || !std::ranges::all_of(settings->lambda, is_penalty) || settings->lambda.empty() ||
      !is_penalty(settings->l1)) {
    reader.fail();
  }
  return settings.value_or(RunSettings{});
}

void write_founders(const std::vector<PeerId>& founders, ByteWriter& writer) {
  writer.varint(founders.size());
  writer.raw(std::span<const PeerId>(founders));
}

std::vector<PeerId> read_founders(ByteReader& reader) {
  const std::uint64_t count = reader.varint();
  if (count > kMostFounders) reader.fail();
  return reader.raw<PeerId>(count);
}

void write_constants(const RunConstants& constants, ByteWriter& writer) {
  writer.varint(constants.rows);
  writer.zigzag(constants.scale_exponent);
  writer.u64(constants.train_fingerprint);
  writer.u64(constants.test_fingerprint);
  write_labels(constants.labels, writer);
  writer.raw(std::span<const std::uint64_t>(constants.positives));
  writer.varint(constants.metric.size());
  writer.raw(std::span<const float>(constants.metric));
  writer.raw(std::span<const std::uint32_t>(constants.file_index));
}

}  // namespace

void write_run_info(const RunInfo& info, ByteWriter& writer) {
  writer.u64(info.id);
  write_settings(info.settings, writer);
  write_constants(info.constants, writer);
  write_founders(info.founders, writer);
  writer.u8(info.resumed ? 1 : 0);
  if (info.resumed) {
    writer.u64(info.resumed->first_run);
    writer.u64(info.resumed->from_run);
    writer.varint(info.resumed->updates);
  }
  writer.text(info.recipe);
}

bool are_distinct(std::vector<std::uint32_t> features) {
  std::ranges::sort(features);
  return std::ranges::adjacent_find(features) == features.end() &&
         (features.empty() || features.back() <= kLargestFeature);
}

std::optional<RunInfo> read_run_info(ByteReader& reader) {
  RunInfo info;
  info.id = reader.u64();
  info.settings = read_settings(reader);
  RunConstants& constants = info.constants;
  constants.rows = reader.counted();
  const std::int64_t exponent = reader.zigzag();
  constants.scale_exponent = static_cast<std::int32_t>(exponent);
  constants.train_fingerprint = reader.u64();
  constants.test_fingerprint = reader.u64();
  constants.labels = read_labels(reader);
  constants.positives = reader.raw<std::uint64_t>(constants.labels.column_count());
  const std::uint64_t features = reader.varint();
  constants.metric = reader.raw<float>(features);
  constants.file_index = reader.raw<std::uint32_t>(features);
  info.founders = read_founders(reader);
  if (const std::uint8_t is_resumed = reader.u8(); is_resumed > 1) {
    reader.fail();
  } else if (is_resumed == 1) {
    Resumed& resumed = info.resumed.emplace();
    resumed.first_run = reader.u64();
    resumed.from_run = reader.u64();
    resumed.updates = reader.counted();
  }
  info.recipe = reader.text(kMostRecipe);

  bool is_valid = reader.ok() && info.settings.recipe == recipe_id(info.recipe) && info.id != 0 &&
                  constants.rows > 0 && constants.rows <= kMostRows && exponent >= -300 &&
                  exponent <= 300 && features > 0 && are_distinct(constants.file_index) &&
                  model_complaint(info).empty();
  for (const float metric : constants.metric)
    is_valid = is_valid && metric > 0 && std::isfinite(metric);
  for (const std::uint64_t positives : constants.positives)
    is_valid = is_valid && positives <= constants.rows;
  if (!is_valid) {
    reader.fail();
    return std::nullopt;
  }
  return info;
}

namespace {

/// As who creates a run by rounds makes it.
bool is_first(const RoundRecord& record) {
  return record.key.round == 0 && record.key.ballot.term == 1 &&
         record.key.ballot.epoch.number == 1 && record.applied_hash == 0 && !record.is_open &&
         record.roster.size() == 1 && record.roster[0].is_old && record.roster[0].is_new &&
         record.roster[0].through == 0;
}

}  // namespace

bool is_duration(double seconds) { return seconds >= 0 && seconds < kLongestRun; }

std::string model_complaint(const RunInfo& info) {
  if (std::string why = info.size_complaint(); !why.empty()) return why;
  return class_weight_complaint(info.settings.class_weight, info.constants.labels);
}

Bytes encode_founding(const Founding& founding) {
  const RunInfo& info = founding.info;
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(static_cast<std::uint8_t>(MessageType::kFounding));
  writer.u64(founding.constants_hash);
  writer.f64(founding.elapsed_s);
  writer.u64(info.id);
  write_settings(info.settings, writer);
  writer.u64(info.constants.test_fingerprint);
  write_founders(info.founders, writer);
  if (founding.round) write_record(*founding.round, writer);
  return bytes;
}

std::optional<Founding> decode_founding(std::span<const std::byte> datagram) {
  ByteReader reader(datagram);
  Founding founding;
  if (reader.u8() != static_cast<std::uint8_t>(MessageType::kFounding)) return std::nullopt;
  founding.constants_hash = reader.u64();
  founding.elapsed_s = reader.f64();
  founding.info.id = reader.u64();
  founding.info.settings = read_settings(reader);
  founding.info.constants.test_fingerprint = reader.u64();
  founding.info.founders = read_founders(reader);
  if (founding.info.settings.is_by_rounds()) founding.round = read_record(reader);
  const bool is_valid =
      reader.ok() && reader.left() == 0 && founding.info.id != 0 &&
      is_duration(founding.elapsed_s) && (!founding.round || is_first(*founding.round)) &&
      std::is_sorted(founding.info.founders.begin(), founding.info.founders.end());
  return is_valid ? std::optional(std::move(founding)) : std::nullopt;
}

std::uint64_t hash_of(const RunConstants& constants) {
  Bytes bytes;
  ByteWriter writer(bytes);
  RunConstants hashed = constants;
  hashed.test_fingerprint = 0;
  write_constants(hashed, writer);
  std::uint64_t hash = bytes.size();
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, std::min(sizeof word, bytes.size() - i));
    hash = mix64(hash ^ word);
  }
  return hash;
}

}  // namespace hogwild::sgd
