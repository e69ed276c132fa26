#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <type_traits>
#include <utility>

namespace hogwild::http {

/// A thread for what may block on a disk, started when it is first needed.
///
/// Threads: run() and stop() on the network thread. Owns: the thread. Invariant: coroutines never
/// run on it, only the work handed to run().
class FileThread {
 public:
  FileThread() = default;
  ~FileThread() { stop(); }
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  /// Calls `work` on the thread; the coroutine goes on, with the result, where it was. `work` must
  /// not refer to what dies before stop(). Name it before the co_await: GCC 12 destroys a
  /// closure twice that is a temporary of one. REQUIRES: stop() has not been called.
  template <typename Work>
  boost::asio::awaitable<std::invoke_result_t<Work&>> run(Work work) {
    using Result = std::invoke_result_t<Work&>;
    if (!pool_) pool_.emplace(1);
    auto initiate = [this](auto handler, Work job) {
      auto guard = boost::asio::make_work_guard(handler);  // Keeps the context running meanwhile.
      boost::asio::post(*pool_, [handler = std::move(handler), guard = std::move(guard),
                                 job = std::move(job)]() mutable {
        auto completion = [handler = std::move(handler), result = job()]() mutable {
          std::move(handler)(std::move(result));
        };
        boost::asio::post(guard.get_executor(), std::move(completion));
      });
    };
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Result)>(
        std::move(initiate), boost::asio::use_awaitable, std::move(work));
  }

  /// Waits for all work that run() was given: dropped work would take its coroutine, which may own
  /// this, with it.
  void stop() {
    if (pool_) pool_->join();
  }

 private:
  std::optional<boost::asio::thread_pool> pool_;
};

}  // namespace hogwild::http
