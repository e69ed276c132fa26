#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sgd/model/model_file.hpp"
#include "sgd/replica/block_tally.hpp"
#include "sgd/replica/records.hpp"

namespace hogwild::daemon {

/// The files of a run that people may want, in the order in which they are uploaded.
inline constexpr std::array<const char*, 9> kRunFiles{
    "model.liblinear",   "model.bin",    "weights.csv", "val_stats.csv", "train_stats.csv",
    "filtered_logs.txt", "all_logs.txt", "report.html", "report.json"};

/// Those that are there.
[[nodiscard]] std::vector<std::string> present_files(const std::filesystem::path& directory);

/// A member as report.json lists it.
struct ReportedNode {
  std::string id;
  std::string name;
  std::string state;
  std::string gossip;
};

/// A change of the membership: RFC 3339 time, name, what happened, why.
struct MemberChange {
  std::string time;
  std::string name;
  std::string event;
  std::string evidence;
};

/// Everything that report.json says.
struct RunReportFacts {
  std::string node_name;
  std::string node_state;  ///< finished, left, failed
  std::string version;
  const sgd::RunInfo* run = nullptr;  ///< null where there never was one
  std::uint64_t updates = 0;
  std::optional<std::uint64_t> digest;
  const sgd::FinalRecord* final_record = nullptr;
  const std::vector<sgd::HistoryPoint>* history = nullptr;
  std::optional<std::uint64_t> nonzero_weights;  ///< of the model; nothing where none was written
  const sgd::BlockTally* tally = nullptr;        ///< null where nothing is counted
  std::vector<std::string> unreached;
  std::vector<ReportedNode> nodes;
  std::vector<MemberChange> changes;
  std::optional<sgd::Links> links;  ///< empty: null
  std::string upload_to;            ///< where this node sent the files; empty: nowhere
  std::map<std::string, std::string> upload_errors;  ///< why, by the name of a file
};

[[nodiscard]] std::string report_json(const RunReportFacts& facts);

/// `t_seconds,updates,loss,accuracy`: the evaluations on the test data.
[[nodiscard]] std::string val_stats_csv(const std::vector<sgd::HistoryPoint>& history);
/// `t_seconds,updates,loss,accuracy,batch`: the same rows for the examples trained since the last.
[[nodiscard]] std::string train_stats_csv(const std::vector<sgd::HistoryPoint>& history);

/// Writes the run's files but the logs and the reports. A model whose ids are too wide for
/// LIBLINEAR's text is there in the binary form; one that an earlier run left in the other form
/// goes.
[[nodiscard]] std::expected<void, std::string> write_result_files(
    const std::filesystem::path& directory, const sgd::LinearModel& model,
    const std::vector<sgd::HistoryPoint>& history);

/// Creates `directory` where it is missing and checks that a file can be made in it.
[[nodiscard]] std::expected<void, std::string> prepare_directory(
    const std::filesystem::path& directory);

}  // namespace hogwild::daemon
