#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <unordered_set>

#include "http/events.hpp"
#include "http/file_thread.hpp"
#include "http/metrics.hpp"
#include "http/server.hpp"

namespace hogwild::http {

class Session;

/// What the connections of a server share with it. Threads: the network thread only.
struct ServerState {
  explicit ServerState(ServerOptions chosen)
      : options(std::move(chosen)), events(options.instance) {}

  ServerOptions options;
  Backend* backend = nullptr;  ///< Null once the server is gone; nothing is asked of it then.
  FileThread files;
  std::unordered_set<Session*>
      sessions;  ///< Each one that is running, whether it serves or turns away.
  bool is_draining = false;
  std::uint64_t activity = 0;                  ///< Rises with each step of any client.
  std::move_only_function<void()> on_drained;  ///< Called once, when sessions have become empty.

  // Event streams
  EventLog events;
  std::size_t streams = 0;
  SharedBytes status_text;          ///< The newest status as an event.
  std::uint64_t status_number = 0;  ///< Rises with each.
  std::function<void()> on_stream;  ///< Called where a stream begins.

  // Counters
  std::map<std::tuple<std::string, std::string, unsigned>, std::uint64_t> requests;
  Histogram request_duration_seconds = ServerMetrics{}.request_duration_seconds;
  std::uint64_t refused_total = 0;
  std::uint64_t closed_for_room_total = 0;
};

}  // namespace hogwild::http
