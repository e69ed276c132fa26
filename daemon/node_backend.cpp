#include "daemon/node_backend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <fstream>
#include <functional>
#include <iterator>

#include "daemon/node.hpp"
#include "daemon/node_background.hpp"
#include "daemon/run_settings.hpp"
#include "sgd/data/svmlight.hpp"
#include "sgd/model/binary_model.hpp"
#include "sgd/model/prediction_stream.hpp"

namespace hogwild::daemon {
namespace {

using sgd::hex;

/// A model that predicts while training goes on is made anew so often.
constexpr std::chrono::seconds kFreshModel{1};
// Each holds a copy of the state, a model, or rows; beyond, clients are asked to come again.
constexpr unsigned kMostExports = 8;
constexpr unsigned kMostPredictions = 32;
const http::Refusal kTooMany{http::RefusalKind::kUnavailable,
                             "too many such requests wait already; ask again"};

/// One of a bounded number of places, given back when it is destroyed.
class Place {
 public:
  static std::unique_ptr<Place> take(const std::shared_ptr<std::atomic<unsigned>>& taken,
                                     unsigned most) {
    if (taken->fetch_add(1, std::memory_order_relaxed) < most) {  // a counter, orders nothing
      return std::unique_ptr<Place>(new Place(taken));
    }
    taken->fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  ~Place() { taken_->fetch_sub(1, std::memory_order_relaxed); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  explicit Place(std::shared_ptr<std::atomic<unsigned>> taken) : taken_(std::move(taken)) {}
  std::shared_ptr<std::atomic<unsigned>> taken_;
};

http::Predictions predictions_of(const std::string& rows, const sgd::Predictor& predictor) {
  const auto dataset = sgd::parse_svmlight(sgd::Text::copy_of(rows), "body", /*threads=*/1);
  if (!dataset) {
    return std::unexpected(http::Refusal{http::RefusalKind::kInvalid, dataset.error().message()});
  }
  std::string lines;
  const auto tally =
      sgd::predict_dataset(*dataset, predictor, /*threads=*/1, [&](std::string_view text) {
        lines += text;
        return std::expected<void, std::string>();
      });
  if (!tally) {
    return std::unexpected(http::Refusal{http::RefusalKind::kInvalid, tally.error().message});
  }
  return lines;
}

/// Those of the model as it is now.
sgd::Sigmoids sigmoids_of(const sgd::Run& run) {
  return run.phase() >= sgd::Phase::kConfirmed ? run.final_record()->result.sigmoids
                                               : sgd::Sigmoids();
}

/// Of a member's id, for a person to say which one is meant.
constexpr std::size_t kFewestIdDigits = 8;

}  // namespace

http::Access NodeBackend::access() const {
  http::Access access;
  access.hosts = node_.options_.http_hosts;
  access.hosts.push_back(node_.options_.name);
  access.hosts.push_back(node_.options_.http.host);
  if (node_.options_.advertise) access.hosts.push_back(node_.options_.advertise->host);
  const auto& file = node_.options_.http_token_file;
  if (file.empty()) return access;
  std::ifstream in(file);
  std::string token;
  if (!std::getline(in, token) || token.empty()) {
    throw std::runtime_error("--http-token-file " + file.string() +
                             ": cannot read a token from its first line");
  }
  access.token = token;
  return access;
}

// ── What is shown (status, members, metrics: node_status.cpp) ──

std::vector<http::LogLine> NodeBackend::logs(const http::LogQuery& query) const {
  std::vector<http::LogLine> lines;
  for (const LogLine& line : node_.log_.lines(
           {static_cast<LogLevel>(query.level), query.since.value_or(0), query.limit})) {
    lines.push_back({line.sequence,
                     std::chrono::time_point_cast<std::chrono::milliseconds>(line.time),
                     static_cast<int>(line.level), line.text});
  }
  return lines;
}

std::vector<http::Setting> NodeBackend::config() const {
  const NodeOptions& options = node_.options_;
  std::vector<http::Setting> settings;
  const auto source = [&](const std::string& name) -> std::string {
    const auto given = options.given.find(name);
    if (given == options.given.end()) return "default";
    return given->second.starts_with("--")         ? "flag"
           : given->second.starts_with("HOGWILD_") ? "environment"
                                                   : "file";
  };
  const auto add = [&](const std::string& name, http::SettingValue value) {
    settings.push_back({name, std::move(value), source(name)});
  };
  const auto path = [](const std::filesystem::path& value) {
    return value.empty() ? http::SettingValue() : http::SettingValue(value.string());
  };
  add("name", options.name);
  add("gossip", options.gossip.text());
  add("http", options.http.text());
  std::vector<std::string> seeds;
  for (const HostPort& seed : options.join) seeds.push_back(seed.text());
  add("join", std::move(seeds));
  add("advertise",
      options.advertise ? http::SettingValue(options.advertise->text()) : http::SettingValue());
  add("cluster", options.cluster);
  add("key-file", path(options.key_file));
  add("insecure", options.insecure);
  add("join-timeout", options.join_timeout
                          ? http::SettingValue(duration_text(*options.join_timeout))
                          : http::SettingValue());
  add("threads", std::int64_t{options.learn.threads});
  add("instructions", std::string(sgd::to_string(options.learn.instructions)));
  add("bandwidth", bandwidth_text(options.bandwidth_bits_per_second));
  add("rate", options.rate ? http::SettingValue(*options.rate) : http::SettingValue());
  add("out", path(options.out));
  add("state", path(options.state));
  add("checkpoint-interval", duration_text(options.checkpoint_interval));
  add("upload", options.upload.empty() ? "none" : options.upload);
  add("ca-file", path(options.ca_file));
  add("http-token-file", path(options.http_token_file));
  add("http-host", options.http_hosts);
  add("metrics-per-peer", options.metrics_per_peer);
  add("on-finish", options.on_finish == OnFinish::kServe ? "serve" : "exit");
  add("log-level", std::int64_t{static_cast<int>(node_.log_.level())});
  add("log-format", options.log.format == LogFormat::kJson ? "json" : "text");
  add("log-file", path(options.log.file));
  const sgd::RunInfo* info = node_.core_->run().info();
  if (info != nullptr) {
    std::ranges::move(run_settings(info->settings), std::back_inserter(settings));
  }
  return settings;
}

http::ReportStatus NodeBackend::report() const {
  http::ReportStatus report;
  report.complete = node_.has_all_files_;
  if (!node_.out_) return report;
  report.directory = node_.out_->string();
  for (const char* name : kRunFiles) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(*node_.out_ / name, error);
    if (error) continue;
    http::ReportFile file{name, bytes, {}, {}};
    if (const auto& links = node_.core_->run().links()) {
      for (const auto& [link_name, link] : *links) {
        if (link_name == name) file.link = link;
      }
    }
    const auto failed = node_.upload_errors_.find(file.name);
    if (failed != node_.upload_errors_.end()) file.error = failed->second;
    report.files.push_back(std::move(file));
  }
  return report;
}

std::optional<std::filesystem::path> NodeBackend::report_file(std::string_view name) const {
  for (const http::ReportFile& file : report().files) {
    if (file.name == name) return *node_.out_ / file.name;
  }
  return std::nullopt;
}

void NodeBackend::export_model(http::ModelFormat format,
                               std::move_only_function<void(http::ModelBytes)> completion) {
  const sgd::Run& run = node_.core_->run();
  if (run.info() == nullptr || !node_.rule_) {
    return completion(std::unexpected(http::Refusal{
        http::RefusalKind::kUnavailable, "there is no model yet: the run has not begun"}));
  }
  auto place = Place::take(exports_, kMostExports);
  if (!place) return completion(std::unexpected(kTooMany));
  boost::asio::post(node_.background_, [image = run.model_image(), candidate = run.candidate(),
                                        info = *run.info(), rule = node_.rule_,
                                        sigmoids = sigmoids_of(run), format,
                                        place = std::move(place),
                                        completion = std::move(completion)]() mutable {
    const sgd::LinearModel model =
        linear_model(sgd::weights_of(image, *rule, candidate), info, sigmoids);
    std::string bytes;
    switch (format) {
      case http::ModelFormat::kLiblinear:
        if (auto complaint = sgd::liblinear_complaint(model.feature_count, model.column_count());
            !complaint.empty()) {
          return completion(std::unexpected(
              http::Refusal{http::RefusalKind::kUnavailable, std::move(complaint)}));
        }
        bytes = sgd::to_liblinear(model);
        break;
      case http::ModelFormat::kCsv:
        bytes = sgd::to_weights_csv(model);
        break;
      case http::ModelFormat::kBinary:
        bytes = sgd::to_binary(model);
        break;
    }
    // The place is given back with the bytes: clients that are slow to take them cannot pile up
    // models.
    const auto held = std::make_shared<std::pair<std::string, std::unique_ptr<Place>>>(
        std::move(bytes), std::move(place));
    completion(http::SharedBytes(held, &held->first));
  });
}

std::string NodeBackend::model_tag() const {
  const sgd::Run& run = node_.core_->run();
  if (run.info() == nullptr || !node_.rule_) return "";
  const bool is_kept = run.phase() >= sgd::Phase::kConfirmed && run.final_record()->kept_row;
  // Sigmoids are fitted to a state when it turns out to be the last one.
  return hex(is_kept ? run.final_record()->kept_digest : run.replica()->digest()) +
         (sigmoids_of(run).empty() ? "" : "-p") +
         (run.candidate() == 0 ? "" : "-" + std::to_string(run.candidate()));
}

struct NodeBackend::ReadyModel {
  std::string tag;
  Instant made_at;
  std::function<sgd::LinearModel()> make;
  // Background thread only.
  std::optional<sgd::LinearModel> model{};
  std::array<std::optional<sgd::Predictor>, 2> predictors{};  ///< of scores, of probabilities

  /// The error says why there are no probabilities.
  [[nodiscard]] std::expected<const sgd::Predictor*, std::string> ready(bool with_probabilities) {
    if (!model) {
      model = make();
      make = nullptr;
    }
    auto& predictor = predictors[with_probabilities ? 1 : 0];
    if (predictor) return &*predictor;
    if (with_probabilities) {
      if (auto complaint = sgd::probability_complaint(*model); !complaint.empty()) {
        return std::unexpected(std::move(complaint));
      }
    }
    predictor.emplace(*model, with_probabilities ? sgd::PredictionForm::kProbabilities
                                                 : sgd::PredictionForm::kScores);
    return &*predictor;
  }
};

void NodeBackend::predict(std::string rows, bool with_probabilities,
                          std::move_only_function<void(http::Predictions)> completion) {
  const std::string tag = model_tag();
  if (tag.empty()) {
    return completion(std::unexpected(http::Refusal{
        http::RefusalKind::kUnavailable, "there is no model yet: the run has not begun"}));
  }
  auto place = Place::take(predictions_, kMostPredictions);
  if (!place) return completion(std::unexpected(kTooMany));
  const Instant now = Node::Clock::now();
  if (!ready_model_ || (ready_model_->tag != tag && now - ready_model_->made_at >= kFreshModel)) {
    const sgd::Run& run = node_.core_->run();
    ready_model_ = std::make_shared<ReadyModel>(
        ReadyModel{tag, now,
                   [image = run.model_image(), candidate = run.candidate(), info = *run.info(),
                    rule = node_.rule_, sigmoids = sigmoids_of(run)] {
                     return linear_model(sgd::weights_of(image, *rule, candidate), info, sigmoids);
                   }});
  }
  boost::asio::post(
      node_.background_, [ready = ready_model_, rows = std::move(rows), with_probabilities,
                          place = std::move(place), completion = std::move(completion)]() mutable {
        const auto predictor = ready->ready(with_probabilities);
        if (!predictor) {
          return completion(
              std::unexpected(http::Refusal{http::RefusalKind::kInvalid, predictor.error()}));
        }
        completion(predictions_of(rows, **predictor));
      });
}

// ── What happens ──

void NodeBackend::tell_member(const membership::MemberEvent& event, std::string_view name) {
  const std::uint64_t id = event.member.short_id();
  if (event.type == membership::MemberEventType::kReaped) {
    evidence_.erase(id);
  } else if (event.type != membership::MemberEventType::kMetaChanged) {
    evidence_[id] = event.evidence;
  }
  constexpr std::string_view kPrefix = "member_";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  node_.server_->publish(http::member_event(row_of(event.member), name));
}

void NodeBackend::tell_evaluations() {
  const auto& history = node_.core_->run().history();
  if (history.size() < told_points_) told_points_ = 0;  // that of another run
  for (; told_points_ < history.size(); ++told_points_) {
    node_.server_->publish(http::evaluation_event(row_of(history[told_points_])));
  }
}

void NodeBackend::tell_finished() {
  tell_evaluations();
  node_.server_->publish(http::finished_event(status(), report()));
}

void NodeBackend::tell_leaders() {
  const sgd::Run& run = node_.core_->run();
  const std::pair leaders(run.nominee(), run.rounds() == nullptr ? 0 : run.rounds()->coordinator());
  if (leaders == std::exchange(told_leaders_, leaders)) return;
  node_.server_->publish(http::coordinator_event(cluster()));
}

// ── What is done ──

http::Done NodeBackend::request_stop(std::string_view reason) {
  const sgd::Run& run = node_.core_->run();
  if (run.info() == nullptr || run.phase() > sgd::Phase::kTraining || run.stop_order()) {
    return std::unexpected(http::Refusal{http::RefusalKind::kConflict, "no run is under way"});
  }
  boost::asio::post(node_.context_, [&node = node_, text = std::string(reason)] {
    node.core_->with_run(Node::Clock::now(), node.out_box_,
                         [&](sgd::Run& at, sgd::RunOutbox& wanted) {
                           at.request_stop(text, Node::Clock::now(), wanted);
                         });
    node.turn();
  });
  return {};
}

http::Done NodeBackend::request_leave() {
  boost::asio::post(node_.context_, [&node = node_] {
    node.begin_leave(0, "asked to");
    node.turn();
  });
  return {};
}

http::Done NodeBackend::request_join(std::string_view host, std::uint16_t port) {
  if (node_.seeds_->add({std::string(host), port})) return {};
  return std::unexpected(http::Refusal{http::RefusalKind::kConflict,
                                       "too many addresses to join through were given already"});
}

http::Done NodeBackend::set_log_level(int level) {
  node_.log_.set_level(static_cast<LogLevel>(level));
  return {};
}

http::Done NodeBackend::remove_member(std::string_view id) {
  const auto& members = node_.core_->swim().members().all();
  const auto is_meant = [&](const membership::Member& candidate) {
    return id.size() >= kFewestIdDigits &&
           membership::to_string(candidate.profile.id).starts_with(id);
  };
  const auto member = std::ranges::find_if(members, is_meant);
  if (member == members.end()) {
    return std::unexpected(http::Refusal{
        http::RefusalKind::kNotFound,
        fmt::format("no member has the id {}, or one that begins so; see /v1/members", id)});
  }
  if (std::ranges::count_if(members, is_meant) > 1) {
    return std::unexpected(
        http::Refusal{http::RefusalKind::kConflict, "several ids begin so: give more digits"});
  }
  if (!node_.core_->remove(member->short_id(), Node::Clock::now(), node_.out_box_)) {
    const bool has_left = member->state == membership::MemberState::kLeft;
    return std::unexpected(http::Refusal{
        http::RefusalKind::kConflict,
        fmt::format("{} {}", member->profile.name,
                    has_left ? "has left already, and is listed for 10 minutes"
                             : "is alive: make it leave with POST /v1/leave on itself")});
  }
  boost::asio::post(node_.context_, [&node = node_] { node.turn(); });
  return {};
}

}  // namespace hogwild::daemon
