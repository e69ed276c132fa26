#include "daemon/logging.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "daemon/log_file.hpp"

namespace hogwild::daemon {
namespace {

using std::chrono_literals::operator""s;

// Levels as spdlog orders them: a sink that shows kMembership shows what is less frequent too.
constexpr auto kWarning = spdlog::level::err;

constexpr spdlog::level::level_enum to_spdlog(LogLevel level) {
  constexpr std::array kLevels{spdlog::level::warn, spdlog::level::info, spdlog::level::debug,
                               spdlog::level::trace};
  return kLevels[static_cast<std::size_t>(level)];
}

constexpr LogLevel from_spdlog(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return LogLevel::kTraffic;
    case spdlog::level::debug:
      return LogLevel::kMembership;
    case spdlog::level::info:
      return LogLevel::kEvaluations;
    default:
      return LogLevel::kMinimal;
  }
}

std::string_view text_of(const spdlog::details::log_msg& message) {
  return {message.payload.data(), message.payload.size()};
}

/// A LogFile behind spdlog's interface and its lock.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FileSink(std::uint64_t most_bytes) : file_(most_bytes) {}

  /// Runs `action` on the file under the lock that the log's thread takes too.
  template <typename Action>
  auto with_file(Action&& action) {
    const std::scoped_lock lock(mutex_);
    return action(file_);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    file_.append(from_spdlog(message.level), text_of(message));
  }
  void flush_() override { file_.flush(); }

 private:
  LogFile file_;
};

/// The last sink of the logger: keeps the line in memory and counts it as handled.
class RingSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit RingSink(LogRing& ring) : ring_(ring) {}

  /// Waits until `is_enough(lines handled)`, at most two seconds.
  template <typename IsEnough>
  bool wait(IsEnough&& is_enough) {
    std::unique_lock lock(mutex_);
    return has_handled_.wait_for(lock, 2s, [&] { return is_enough(handled_lines_); });
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    ring_.push(message.time, from_spdlog(message.level), std::string(text_of(message)));
    ++handled_lines_;
    has_handled_.notify_all();
  }
  void flush_() override {}

 private:
  LogRing& ring_;
  std::condition_variable has_handled_;
  std::uint64_t handled_lines_ = 0;
};

bool may_colour() {
  const char* const no_color = std::getenv("NO_COLOR");
  return no_color == nullptr || *no_color == '\0';
}

/// Whether standard error is a terminal that can erase a line.
bool is_live_terminal() {
  const char* const kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && (kind == nullptr || std::string_view(kind) != "dumb");
}

constexpr std::string_view kLiveLogger = "live";

/// A terminal with a line below the log that is replaced again and again: lines of the log are
/// written in its place, and it once more below them. What kLiveLogger logs is that line.
class LiveTerminalSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LiveTerminalSink(spdlog::sink_ptr lines) : lines_(std::move(lines)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (std::string_view(message.logger_name.data(), message.logger_name.size()) == kLiveLogger) {
      const bool had_line = !live_.empty();
      live_ = text_of(message);
      if (had_line || !live_.empty()) draw();
      return;
    }
    if (live_.empty()) return lines_->log(message);
    write("\r\x1b[K");
    lines_->log(message);
    lines_->flush();
    draw();
  }
  void flush_() override { lines_->flush(); }

 private:
  void draw() {
    write("\r" + live_ + "\x1b[K");
    std::fflush(stderr);
  }
  static void write(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

  spdlog::sink_ptr lines_;
  std::string live_;
};

spdlog::sink_ptr terminal_sink() {
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(
      may_colour() ? spdlog::color_mode::automatic : spdlog::color_mode::never);
  sink->set_pattern("%^%v%$");
  sink->set_color(kWarning, sink->yellow_bold);
  sink->set_color(spdlog::level::warn, sink->bold);
  for (const auto plain : {spdlog::level::info, spdlog::level::debug, spdlog::level::trace}) {
    sink->set_color(plain, sink->reset);
  }
  return sink;
}

}  // namespace

class Logging::Implementation {
 public:
  explicit Implementation(LogFormat format) : format_(format) {}

  std::expected<void, std::string> open(const LogOptions& options) {
    console_ = terminal_sink();
    if (is_live_terminal()) {
      console_ = std::make_shared<LiveTerminalSink>(console_);
      live_logger_ = std::make_shared<spdlog::async_logger>(
          std::string(kLiveLogger), console_, pool_, spdlog::async_overflow_policy::overrun_oldest);
      live_logger_->set_level(spdlog::level::trace);
    }
    if (!options.file.empty()) {
      auto sink = std::make_shared<FileSink>(kMostFileBytes);
      auto opened =
          sink->with_file([&](LogFile& file) { return file.open_for_append(options.file); });
      if (!opened) return opened;
      log_file_ = sink;
      console_ = sink;
    }
    logger_ = std::make_shared<spdlog::async_logger>(
        "hogwild", spdlog::sinks_init_list{console_, filtered_file_, all_file_, ring_sink_}, pool_,
        spdlog::async_overflow_policy::overrun_oldest);
    logger_->set_level(spdlog::level::trace);
    logger_->flush_on(spdlog::level::info);
    set_level(static_cast<LogLevel>(options.level));
    return {};
  }

  void log(spdlog::level::level_enum level, std::string_view event,
           std::span<const LogField> fields) {
    if (level == spdlog::level::trace && pool_->queue_size() > kQueueLines * 3 / 4) {
      dropped_lines_.fetch_add(1, std::memory_order_relaxed);  // a counter, orders nothing
      return;
    }
    const LogRecord record{.time = std::chrono::system_clock::now(),
                           .level = from_spdlog(level),
                           .event = event,
                           .fields = fields};
    const auto line = format_ == LogFormat::kJson ? json_line(record) : text_line(record);
    queued_lines_.fetch_add(1, std::memory_order_relaxed);  // read by the thread that drains
    logger_->log(record.time, {}, level, spdlog::string_view_t(line.data(), line.size()));
  }

  void show_live(std::string_view text) {
    if (!live_logger_ || pool_->queue_size() > kQueueLines / 2) return;  // the terminal is stuck
    live_logger_->log(spdlog::level::critical, spdlog::string_view_t(text.data(), text.size()));
  }

  void set_level(LogLevel level) {
    level_.store(level,
                 std::memory_order_relaxed);  // a line more or less at the switch is harmless
    console_->set_level(to_spdlog(level));
    filtered_file_->set_level(to_spdlog(level));
  }

  bool drain() {
    const auto queued = queued_lines_.load(std::memory_order_relaxed);
    const bool is_done = ring_sink_->wait(
        [&](std::uint64_t handled) { return handled + pool_->overrun_counter() >= queued; });
    console_->flush();
    filtered_file_->flush();
    all_file_->flush();
    return is_done;
  }

  Counters counters() {
    Counters counters{.dropped_lines_total =
                          dropped_lines_.load(std::memory_order_relaxed) + pool_->overrun_counter(),
                      .failed_writes_total = 0};
    for (FileSink* const sink : {log_file_.get(), filtered_file_.get(), all_file_.get()}) {
      if (sink == nullptr) continue;
      sink->with_file([&](const LogFile& file) {
        counters.dropped_lines_total += file.dropped_lines();
        counters.failed_writes_total += file.failed_writes();
      });
    }
    return counters;
  }

  // Fixed after open()
  LogFormat format_;
  // Any thread, relaxed
  std::atomic<LogLevel> level_{LogLevel::kEvaluations};
  std::atomic<std::uint64_t> queued_lines_{0};
  std::atomic<std::uint64_t> dropped_lines_{0};
  // Any thread, locked inside
  LogRing ring_{kRingLinesPerLevel};
  spdlog::sink_ptr console_;
  std::shared_ptr<FileSink> log_file_;
  std::shared_ptr<FileSink> filtered_file_ = std::make_shared<FileSink>(kMostFileBytes);
  std::shared_ptr<FileSink> all_file_ = std::make_shared<FileSink>(kMostFileBytes);
  std::shared_ptr<RingSink> ring_sink_ = std::make_shared<RingSink>(ring_);
  // Last: its destructor writes what is queued into the sinks above. Queued messages share the
  // logger, hence the shared pointers.
  std::shared_ptr<spdlog::async_logger> logger_;
  std::shared_ptr<spdlog::async_logger> live_logger_;  ///< none where there is no terminal
  std::shared_ptr<spdlog::details::thread_pool> pool_ =
      std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1);
};

std::expected<std::unique_ptr<Logging>, std::string> Logging::open(const LogOptions& options) {
  auto implementation = std::make_unique<Implementation>(options.format);
  auto opened = implementation->open(options);
  if (!opened) return std::unexpected(std::move(opened.error()));
  return std::unique_ptr<Logging>(new Logging(std::move(implementation)));
}

Logging::Logging(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Logging::~Logging() { implementation_->drain(); }

void Logging::event(LogLevel level, std::string_view event,
                    std::initializer_list<LogField> fields) {
  this->event(level, event, std::span<const LogField>(fields));
}

void Logging::event(LogLevel level, std::string_view event, std::span<const LogField> fields) {
  implementation_->log(to_spdlog(level), event, fields);
}

void Logging::warning(std::string_view event, std::initializer_list<LogField> fields) {
  implementation_->log(kWarning, event, fields);
}

bool Logging::shows(LogLevel level) const { return level <= this->level(); }

void Logging::show_live(std::string_view text) { implementation_->show_live(text); }

bool Logging::has_live_line() const { return implementation_->live_logger_ != nullptr; }

LogLevel Logging::level() const { return implementation_->level_.load(std::memory_order_relaxed); }

void Logging::set_level(LogLevel level) { implementation_->set_level(level); }

std::vector<LogLine> Logging::lines(const LogQuery& query) const {
  return implementation_->ring_.lines(query);
}

std::expected<void, std::string> Logging::open_files(const std::filesystem::path& directory) {
  auto opened = implementation_->filtered_file_->with_file(
      [&](LogFile& file) { return file.open_partial(directory / "filtered_logs.txt"); });
  if (!opened) return opened;
  return implementation_->all_file_->with_file(
      [&](LogFile& file) { return file.open_partial(directory / "all_logs.txt"); });
}

std::expected<void, std::string> Logging::finish_files() {
  implementation_->drain();
  if (const auto dropped = counters().dropped_lines_total; dropped != 0) {
    warning("log_lines_dropped", {{"lines", dropped}});
  }
  implementation_->drain();
  const auto finish = [](LogFile& file) { return file.finish(); };
  auto finished = implementation_->filtered_file_->with_file(finish);
  if (!finished) return finished;
  return implementation_->all_file_->with_file(finish);
}

bool Logging::drain() { return implementation_->drain(); }

Logging::Counters Logging::counters() const { return implementation_->counters(); }

}  // namespace hogwild::daemon
