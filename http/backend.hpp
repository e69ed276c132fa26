#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "http/metrics.hpp"
#include "http/status.hpp"

namespace hogwild::http {

/// Why a node does not do what was asked; its state is unchanged.
enum class RefusalKind {
  kNotFound,     ///< 404: there is no such thing.
  kConflict,     ///< 409: not in this state of the node.
  kInvalid,      ///< 400: the argument cannot be right.
  kUnavailable,  ///< 503: not now; a later attempt may succeed.
};

struct Refusal {
  RefusalKind kind = RefusalKind::kUnavailable;
  std::string detail;  ///< One sentence for people.
};

enum class ModelFormat { kLiblinear, kCsv, kBinary };

using Done = std::expected<void, Refusal>;
using ModelBytes = std::expected<SharedBytes, Refusal>;
/// Lines of predictions, one a row.
using Predictions = std::expected<std::string, Refusal>;

/// What the router asks of the node: values to show, and the few things that can be done to it.
///
/// Threads: everything is called on the network thread and returns within microseconds; slow work
/// belongs to export_model() and predict(), whose completions may come from any thread.
class Backend {
 public:
  virtual ~Backend() = default;

  // What is shown
  [[nodiscard]] virtual NodeStatus status() const = 0;
  [[nodiscard]] virtual MemberList members() const = 0;
  [[nodiscard]] virtual std::vector<HistoryPoint> history() const = 0;
  [[nodiscard]] virtual std::vector<DeltaPeer> deltas() const = 0;
  [[nodiscard]] virtual ModelSummary model_summary() const = 0;
  [[nodiscard]] virtual Metrics metrics() const = 0;
  [[nodiscard]] virtual Health health() const = 0;
  /// Oldest first.
  [[nodiscard]] virtual std::vector<LogLine> logs(const LogQuery& query) const = 0;
  [[nodiscard]] virtual std::vector<Setting> config() const = 0;
  [[nodiscard]] virtual ReportStatus report() const = 0;
  /// Where the run's file of that name is; nothing for any name that is not in report(). `name`
  /// comes from the network and may hold anything: look it up, never join it to a path.
  [[nodiscard]] virtual std::optional<std::filesystem::path> report_file(
      std::string_view name) const = 0;

  /// Calls `completion` once, from any thread, with the newest state as a file of `format`.
  virtual void export_model(ModelFormat format,
                            std::move_only_function<void(ModelBytes)> completion) = 0;

  /// Names what export_model() would export now: differs where the model does. Empty without one.
  [[nodiscard]] virtual std::string model_tag() const = 0;
  /// Calls `completion` once, from any thread, with a line "label score" for each row of the
  /// svmlight text `rows`, by the newest state.
  virtual void predict(std::string rows, bool with_probabilities,
                       std::move_only_function<void(Predictions)> completion) = 0;

  // What is done
  /// Ends the run of the whole cluster; `reason` becomes its stop_reason.
  virtual Done request_stop(std::string_view reason) = 0;
  /// This node leaves the cluster and ends.
  virtual Done request_leave() = 0;
  /// Joins through the peer at `host` and `port`.
  virtual Done request_join(std::string_view host, std::uint16_t port) = 0;
  /// REQUIRES: 0 <= level <= 3.
  virtual Done set_log_level(int level) = 0;
  /// Forgets a member that is dead or has left.
  virtual Done remove_member(std::string_view id) = 0;
};

}  // namespace hogwild::http
