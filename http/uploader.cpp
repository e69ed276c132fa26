#include "http/uploader.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <random>
#include <utility>

#include "http/ascii.hpp"
#include "http/deadline.hpp"
#include "http/put_client.hpp"

namespace hogwild::http {
namespace {

namespace asio = boost::asio;
using Milliseconds = std::chrono::milliseconds;
using Outcome = PutResult::Outcome;

}  // namespace

/// One list of files on its way, from start() to the completion: when to try again, and when to
/// give up.
class Uploader::Batch : public std::enable_shared_from_this<Uploader::Batch> {
 public:
  Batch(asio::io_context& context, const UploadOptions& options)
      : options_(options),
        random_(options.jitter_seed),
        client_(context.get_executor(), options_, [this](std::uint64_t sent) { note(sent); }),
        pause_(context),
        stall_(context.get_executor(),
               [this] {
                 client_.interrupt();
                 pause_.cancel();
               }),
        unreachable_(context.get_executor(), [this] { pause_.cancel(); }) {}

  void start(std::vector<Upload> files,
             std::move_only_function<void(std::vector<UploadResult>)> completion) {
    completion_ = std::move(completion);
    asio::co_spawn(pause_.get_executor(), send_all(shared_from_this(), std::move(files)),
                   asio::detached);
  }

  void cancel() {
    is_cancelled_ = true;
    completion_ = nullptr;
    stall_.disarm();
    unreachable_.disarm();
    pause_.cancel();
    client_.stop();
  }

  [[nodiscard]] bool is_done() const { return completion_ == nullptr; }

 private:
  /// Sends `files` one after the other. `self` keeps the members alive meanwhile.
  asio::awaitable<void> send_all([[maybe_unused]] std::shared_ptr<Batch> self,
                                 std::vector<Upload> files) {
    if (const auto loaded = client_.load_authorities(); !loaded) given_up_ = loaded.error();
    unreachable_.arm(options_.unreachable_limit);
    std::vector<UploadResult> results;
    for (const auto& file : files) {
      results.push_back(co_await send_with_retries(file));
      if (is_cancelled_) co_return;
    }
    stall_.disarm();
    unreachable_.disarm();
    std::exchange(completion_, nullptr)(std::move(results));
  }

  asio::awaitable<UploadResult> send_with_retries(const Upload& upload) {
    UploadResult result{upload.name, std::unexpected(std::string()), 0};
    furthest_ = 0;
    stall_.arm(options_.stall_limit);
    Milliseconds pause = options_.retry_min;
    std::string reason;  // Of the newest failure that says more than that time was up.
    while (!given_up_) {
      ++result.attempts;
      auto [outcome, text] = co_await client_.put(upload);
      if (is_cancelled_) co_return result;
      if (outcome == Outcome::kStored) {
        result.link = std::move(text);
        co_return result;
      }
      if (outcome == Outcome::kRefused) {
        result.link = std::unexpected(std::move(text));
        co_return result;
      }
      if (reason.empty() || !stall_.has_passed()) reason = std::move(text);
      if (!must_give_up(outcome)) co_await wait(pause);
      if (is_cancelled_) co_return result;
      if (must_give_up(outcome)) given_up_ = reason;
      pause = std::min(pause * 2, options_.retry_max);
    }
    result.link = std::unexpected(*given_up_);
    co_return result;
  }

  [[nodiscard]] bool must_give_up(Outcome outcome) const {
    if (outcome == Outcome::kHopeless || stall_.has_passed()) return true;
    return outcome == Outcome::kUnreachable && !client_.has_connected() &&
           unreachable_.has_passed();
  }

  /// Waits for half of `pause` to all of it, so that nodes that failed together do not come back
  /// together.
  asio::awaitable<void> wait(Milliseconds pause) {
    std::uniform_int_distribution<Milliseconds::rep> jitter(0, pause.count() / 2);
    pause_.expires_after(pause / 2 + Milliseconds(jitter(random_)));
    co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  /// Something moved where an attempt gets further than all before.
  void note(std::uint64_t sent) {
    if (sent <= furthest_ || stall_.has_passed()) return;
    furthest_ = sent;
    stall_.arm(options_.stall_limit);
  }

  // Fixed after construction
  const UploadOptions options_;
  std::move_only_function<void(std::vector<UploadResult>)> completion_;

  // Network thread only
  std::minstd_rand random_;
  PutClient client_;
  asio::steady_timer pause_;             // Between two attempts
  Deadline stall_;                       // On all attempts, from the last time that something moved
  Deadline unreachable_;                 // On all attempts, until one connects
  std::uint64_t furthest_ = 0;           // Bytes of the file that an attempt has sent
  std::optional<std::string> given_up_;  // Why there will be no further attempt
  bool is_cancelled_ = false;
};

Uploader::Uploader(asio::io_context& context, UploadOptions options)
    : context_(&context), options_(std::move(options)) {}
Uploader::Uploader(Uploader&&) noexcept = default;
Uploader& Uploader::operator=(Uploader&& other) noexcept {
  if (batch_ && batch_ != other.batch_) batch_->cancel();
  context_ = other.context_;
  options_ = std::move(other.options_);
  batch_ = std::move(other.batch_);
  return *this;
}
Uploader::~Uploader() {
  if (batch_) batch_->cancel();
}

void Uploader::start(std::vector<Upload> files,
                     std::move_only_function<void(std::vector<UploadResult>)> completion) {
  assert(!batch_ || batch_->is_done());
  batch_ = std::make_shared<Batch>(*context_, options_);
  batch_->start(std::move(files), std::move(completion));
}

std::string link_from(std::string_view body, std::string_view fallback) {
  constexpr std::size_t kLongestLink = 2048;
  const auto link = trimmed(body);
  const bool is_link = !link.empty() && link.size() <= kLongestLink &&
                       std::ranges::all_of(link, [](char c) { return is_visible(c) || c == ' '; });
  return std::string(is_link ? link : fallback);
}

}  // namespace hogwild::http
