#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/log_line.hpp"
#include "daemon/log_ring.hpp"
#include "daemon/options.hpp"

namespace hogwild::daemon {

/// The log of a process. A line goes to standard error or --log-file and to `filtered_logs.txt`
/// where the level lets it through, and to `all_logs.txt` and the memory of /v1/logs whatever the
/// level. Threads: event(), warning(), lines(), level(), set_level(), drain(), show_live() and
/// counters() from any; the others from one. A caller formats its line and hands it to the log's
/// own thread, which alone writes; it holds the queue's mutex for a move, never for a write.
/// Invariant: memory is bounded. While the queue is nearly full kTraffic lines are dropped, beyond
/// that the oldest lines; a file of a run takes kTraffic lines up to kMostFileBytes. What is
/// dropped is counted, and finish_files() says how much.
class Logging {
 public:
  /// Starts the log's thread. Error: --log-file cannot be opened; the text names it and why.
  [[nodiscard]] static std::expected<std::unique_ptr<Logging>, std::string> open(
      const LogOptions& options);
  /// Writes what is queued. Files that were opened and not finished keep their temporary names.
  ~Logging();
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

  void event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
  void event(LogLevel level, std::string_view event, std::span<const LogField> fields);
  /// As event() at kMinimal, in the colour of a warning on a terminal.
  void warning(std::string_view event, std::initializer_list<LogField> fields = {});
  /// True where event(level, …) reaches the console: for lines that are costly to make.
  [[nodiscard]] bool shows(LogLevel level) const;

  /// Shows `text`, a line that fits the terminal, below the log in the place of the one before; an
  /// empty one takes it away. Does nothing where standard error is no terminal.
  void show_live(std::string_view text);
  /// Whether show_live() shows anything.
  [[nodiscard]] bool has_live_line() const;

  [[nodiscard]] LogLevel level() const;
  void set_level(LogLevel level);

  [[nodiscard]] std::vector<LogLine> lines(const LogQuery& query) const;

  /// From now on both files of a run are written in `directory`, under temporary names, beginning
  /// with what was logged so far. REQUIRES: the directory exists; not called before.
  [[nodiscard]] std::expected<void, std::string> open_files(const std::filesystem::path& directory);
  /// Waits until everything logged so far is in the files (at most two seconds), syncs them, and
  /// gives them their names; says first how many lines were dropped. Later lines are still
  /// appended; another call syncs them. Error: open_files() failed, or the disk does. Any thread.
  [[nodiscard]] std::expected<void, std::string> finish_files();
  /// Waits until everything logged so far is written; false where that took over two seconds.
  bool drain();

  struct Counters {
    std::uint64_t dropped_lines_total = 0;  ///< the queue was full, or a file was at its bound
    std::uint64_t failed_writes_total = 0;  ///< lines that a file did not take, on a full disk say
  };
  [[nodiscard]] Counters counters() const;

  /// 408 bytes each, all taken at the start.
  static constexpr std::size_t kQueueLines = 2048;
  static constexpr std::size_t kRingLinesPerLevel = 1000;
  static constexpr std::uint64_t kMostFileBytes = 64U << 20U;

 private:
  class Implementation;
  explicit Logging(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace hogwild::daemon
