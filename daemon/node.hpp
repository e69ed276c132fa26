#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/fetched_file.hpp"
#include "daemon/initial_model.hpp"
#include "daemon/logging.hpp"
#include "daemon/node_core.hpp"
#include "daemon/options.hpp"
#include "daemon/run_files.hpp"
#include "daemon/run_upload.hpp"
#include "daemon/seed_finder.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/stream_port.hpp"
#include "daemon/traffic_log.hpp"
#include "daemon/training_data.hpp"
#include "daemon/training_session.hpp"
#include "daemon/udp_port.hpp"
#include "daemon/wake_signal.hpp"
#include "http/server.hpp"

namespace hogwild::daemon {

class NodeBackend;

/// A sentence for people on why another node takes nothing from this one; `version` is the other's.
[[nodiscard]] std::string refusal_text(Refusal reason, std::uint8_t version);

/// One daemon: a NodeCore on real sockets, a clock and threads.
///
/// Threads: everything runs on the network thread, inside run(), but for workers, one thread that
/// loads data, and one of low priority for evaluations, exports and files; these hand their results
/// back by posting. Each turn takes what came in, steps the core, flushes what workers made, and
/// carries out what the core wants.
class Node {
 public:
  /// Opens the sockets; throws std::exception with a sentence for the user where that fails.
  /// `checkpoint`: what --state has of a run. `initial`: what --init names, or null.
  Node(NodeOptions options, KeyRing keys, std::optional<sgd::Checkpoint> checkpoint,
       ServiceManager service, Logging& log, std::shared_ptr<const InitialModel> initial);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Runs until the node has left; returns the process's exit code.
  int run();

 private:
  friend class NodeBackend;
  using Clock = std::chrono::steady_clock;

  // node_data.cpp: where rows come from
  using LoadJob =
      std::function<std::expected<TrainingData, DataFailure>(sgd::LoadProgress* progress)>;
  void load_data(LearnOptions learn);
  void load(LoadJob job);
  void begin_loading();
  void tell_load_progress(Instant start);
  void data_arrived(std::expected<TrainingData, DataFailure> loaded);
  void get_data_of_run();
  [[nodiscard]] LearnOptions learn_of(const sgd::RunInfo& info) const;
  void get_part_of_run(const sgd::RunInfo& info);
  void begin_fetch(sgd::DataPart part);
  void store(FetchedPiece piece);
  void load_what_was_fetched();
  [[nodiscard]] bool may_fetch_again();
  void offer_data();

  // node.cpp: start, turns, end
  void open_gossip(const boost::asio::ip::address& bind);
  void turn();
  void arm_timer();
  void on_wake();
  void feed(sgd::Run& run, Instant now);
  void flush(Instant now);
  void work_round(Instant now);
  [[nodiscard]] bool has_send_budget(Instant now);
  void spend(const sgd::RunOutbox& wanted);
  void carry_out();
  void on_signal(int signal);
  void reload_keys();
  [[nodiscard]] std::vector<std::byte> meta(const KeyRing& keys) const;
  void finish_logs();
  void begin_leave(int exit_code, std::string_view why);
  void check_end(Instant now);
  void close_all();
  void complain_while_alone();
  void feed_watchdog();
  void watch_keys();
  void keep_live_line();
  [[nodiscard]] NodeCoreOptions core_options();
  [[nodiscard]] sgd::RunOptions run_options() const;
  [[nodiscard]] membership::Endpoint advertised();

  // node_events.cpp: what the cores report
  void on_member_event(const membership::MemberEvent& event);
  void on_run_event(sgd::RunEvent& event);
  void on_refusal(const RefusalEvent& refusal);
  void recall_peers();
  void remember_peers();
  void run_joined();
  void start_training();
  void evaluate(sgd::EvaluationRequest request);
  void log_point();
  void workers_left();
  void fail(std::string reason);

  // node_checkpoint.cpp: the run's state on the disk
  void claim_state();
  void keep_checkpoints();
  bool save_checkpoint();
  void checkpoint_failed(const std::string& reason);
  [[nodiscard]] bool saves_last_checkpoint();
  void forget_checkpoint();

  // node_report.cpp: the end of a run
  void export_results();
  void results_written(std::expected<void, std::string> result);
  void upload_where_due();
  void upload();
  void uploads_done(UploadOutcome outcome);
  void write_report(std::string_view state);
  void print_result();
  [[nodiscard]] std::string report_text(std::string_view state,
                                        std::optional<sgd::Links> links) const;
  [[nodiscard]] std::string page_text(std::string_view report) const;

  /// Runs `job` on the background thread and `then(result)` back here.
  template <typename Job, typename Then>
  void in_background(Job job, Then then);

  // Fixed after construction
  NodeOptions options_;
  Logging& log_;
  ServiceManager service_;
  std::shared_ptr<const InitialModel> initial_;  ///< of --init, or null
  TrafficLog traffic_log_{log_};
  boost::asio::io_context context_{1};
  std::uint64_t start_time_unix_ms_;
  Instant started_at_;
  std::chrono::nanoseconds asleep_;  ///< how long the host had slept by the last turn
  membership::NodeId id_;
  std::uint64_t random_seed_;
  // Network thread only
  std::unique_ptr<StreamPort> streams_;
  std::unique_ptr<UdpPort> gossip_port_;
  std::unique_ptr<UdpPort> data_port_;
  std::unique_ptr<NodeBackend> backend_;
  std::optional<http::Server> server_;
  std::unique_ptr<NodeCore> core_;
  std::unique_ptr<SeedFinder> seeds_;
  WakeSignal wake_;
  boost::asio::steady_timer timer_;
  std::optional<Instant> armed_for_;  ///< when timer_ ends, while it runs
  boost::asio::steady_timer alone_timer_;
  boost::asio::steady_timer watchdog_timer_;
  boost::asio::steady_timer keys_timer_;
  boost::asio::steady_timer live_timer_;
  boost::asio::steady_timer checkpoint_timer_;
  boost::asio::signal_set signals_;
  boost::asio::thread_pool background_{1};
  boost::asio::steady_timer load_timer_;
  sgd::LoadProgress load_progress_;  ///< any thread
  std::jthread loader_;
  bool is_loading_ = false;
  /// A part of the run's data that members gave, or are giving.
  struct FetchedPart {
    std::shared_ptr<FetchedFile> file;  ///< null: it lay in --state
    std::string path;                   ///< empty: it is not complete
  };
  std::array<std::optional<FetchedPart>, 2> fetched_;  ///< by sgd::DataPart
  std::uint32_t fetched_badly_ = 0;                    ///< times that it was no data of the run
  LearnOptions learn_of_run_;  ///< the user's, and what the run says where that is silent
  sgd::RunId offered_run_ = 0;
  std::shared_ptr<const sgd::PartSummary> part_;  ///< of --shard
  sgd::RunId laid_out_for_ = 0;  ///< run whose features data_ has, of private parts; 0 none
  std::filesystem::file_time_type keys_time_;  ///< of the file, when it was read
  KeyRing first_keys_;                         ///< until the core has them
  NodeOutbox out_box_;
  NodeOutbox spare_box_;  ///< empty, with its memory, unless what was in it is being carried out
  bool is_carrying_out_ = false;
  struct Checkpoints {
    std::shared_ptr<const sgd::RunInfo> info;       ///< of the run that is saved
    std::pair<sgd::RunId, std::uint64_t> newest{};  ///< run and digest that were saved last
    bool is_saving = false;
    bool is_last_begun = false;
    std::uint64_t written_total = 0;
    std::uint64_t failed_total = 0;
    std::uint64_t updates = 0;  ///< of the newest one
    std::uint64_t bytes = 0;
    double seconds = 0;  ///< that the last one took
    Instant at{};
    std::string told_reason;
    Instant told_at{};
  };
  Checkpoints checkpoints_;
  int state_lock_ = -1;  ///< --state; released when the process ends
  bool is_saving_peers_ = false;
  bool must_save_peers_ = false;  ///< something changed while they were being saved
  // Training
  std::shared_ptr<const TrainingData> data_;
  std::shared_ptr<const sgd::Rule> rule_;
  std::unique_ptr<TrainingSession> session_;
  Instant next_flush_{};
  Instant next_feed_ = Instant::max();  ///< where the queue could not be filled
  bool must_flush_ = false;             ///< more rows are released only after a flush
  double send_budget_bytes_ = 0;
  Instant budget_at_{};
  std::uint64_t nonzeros_before_ = 0;  ///< of sessions that ended
  std::uint64_t updates_before_ = 0;
  std::uint64_t logged_updates_ = 0;
  http::Histogram round_duration_{{0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 3.0}};
  http::Histogram evaluation_duration_{{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0}};
  // The end
  std::optional<std::filesystem::path> out_;
  std::vector<MemberChange> member_changes_;
  std::optional<RunUpload> uploader_;
  std::map<std::string, std::string> upload_errors_;  ///< why, by the name of a file
  std::map<std::string, std::uint64_t> uploads_total_;
  std::optional<std::uint64_t> nonzero_weights_;  ///< of the model, once it is exported
  bool is_exporting_ = false;
  bool is_exported_ = false;
  bool is_uploading_ = false;  ///< or did
  bool is_reported_ = false;
  bool has_all_files_ = false;
  bool has_failed_ = false;
  bool is_leaving_ = false;
  bool is_interrupted_ = false;
  bool is_over_ = false;
  int exit_code_ = 0;
};

}  // namespace hogwild::daemon
