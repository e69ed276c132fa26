#include "http/session.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cassert>
#include <exception>
#include <utility>
#include <vector>

#include "http/ascii.hpp"
#include "http/file.hpp"
#include "http/gzip.hpp"
#include "http/http_date.hpp"
#include "http/negotiation.hpp"
#include "http/response.hpp"

namespace hogwild::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using beast::http::error;
using Parser = beast::http::request_parser<beast::http::string_body>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kReadBytes = 8 * 1024;
constexpr std::size_t kUsualHeadBytes = 512;

bool is_loopback(const asio::ip::tcp::socket& socket) {
  boost::system::error_code failed;
  const auto address = socket.remote_endpoint(failed).address();
  if (failed) return false;
  if (address.is_v4()) return address.is_loopback();
  const auto v6 = address.to_v6();
  return v6.is_loopback() ||
         (v6.is_v4_mapped() && asio::ip::make_address_v4(asio::ip::v4_mapped, v6).is_loopback());
}

/// Methods of the network as a bounded set, for the label of a metric.
std::string method_label(std::string_view method) {
  constexpr std::array<std::string_view, 7> kKnown = {"GET",    "HEAD",    "POST", "PUT",
                                                      "DELETE", "OPTIONS", "PATCH"};
  return std::string(std::ranges::find(kKnown, method) != kKnown.end() ? method : "other");
}

Response too_large(std::size_t body_max) {
  return problem(413, "the body may have " + std::to_string(body_max) + " bytes at most");
}

/// The body, where it is in memory.
std::string_view bytes_of(const Response& response) {
  if (const auto* own = std::get_if<std::string>(&response.body)) return *own;
  const auto* shared = std::get_if<SharedBytes>(&response.body);
  return shared != nullptr && *shared ? std::string_view(**shared) : std::string_view();
}

/// Whether `response` is large, of a kind that shrinks, and may be packed with gzip.
bool is_worth_packing(const Request& request, const Response& response, std::size_t least) {
  if (bytes_of(response).size() < least) return false;
  const auto type = find_field(response.headers, "Content-Type").value_or("");
  if (!type.starts_with("text/") && !type.starts_with("application/json")) return false;
  if (find_field(response.headers, "Content-Encoding")) return false;
  return accepts_coding(find_field(request.headers, "Accept-Encoding").value_or(""), "gzip");
}

/// What to say to a request that `failure` kept from being read; `message` is what of it has been.
Response rejection(const boost::system::error_code& failure, const Parser::value_type& message) {
  if (failure == error::body_limit) {
    return too_large(body_bytes_max(message.method_string(), message.target()));
  }
  if (failure == error::header_limit) {
    return message.target().empty() ? problem(414, "the request line is too long")
                                    : problem(431, "the header is too large");
  }
  return problem(400, "this is not an HTTP/1.1 request: " + failure.message());
}

/// Checks that Beast leaves to its user, on a header that has been read.
std::optional<Response> check_header(const Parser::value_type& message, std::size_t target_max) {
  if (message.target().size() > target_max) return problem(414, "the target is too long");
  // Any other coding would leave the length of the body, and so the next request, open to opinion
  // (RFC 9112, 6.1).
  const auto coding = message.find(beast::http::field::transfer_encoding);
  if (coding != message.end() && !ascii_iequal(coding->value(), "chunked")) {
    return problem(501, "the only transfer coding is chunked");
  }
  const auto expectation = message.find(beast::http::field::expect);
  if (expectation != message.end() && !ascii_iequal(expectation->value(), "100-continue")) {
    return problem(417, "the only expectation is 100-continue");
  }
  return std::nullopt;
}

Request request_from(const Parser::value_type& message, bool from_loopback) {
  Request request;
  request.method = message.method_string();
  request.target = message.target();
  for (const auto& field : message) {
    request.headers.emplace_back(field.name_string(), field.value());
  }
  request.body = message.body();
  request.minor_version = message.version() % 10;
  request.from_loopback = from_loopback;
  return request;
}

}  // namespace

struct Session::Incoming {
  Request request;
  std::optional<Response> rejection;  ///< Instead of any other answer; nothing can follow it.
  bool keep_alive = false;
};

Session::Session(asio::ip::tcp::socket socket, std::shared_ptr<ServerState> server)
    : server_(std::move(server)),
      is_loopback_(is_loopback(socket)),
      socket_(std::move(socket)),
      deadline_(socket_.get_executor(),
                [this] {
                  boost::system::error_code ignored;
                  socket_.cancel(ignored);
                }),
      news_(socket_.get_executor(), asio::steady_timer::time_point::max()),
      // A request line and header at their limit, and a piece of what follows.
      buffer_(server_->options.header_bytes_max + kReadBytes) {
  server_->sessions.insert(this);
  touch();
}

Session::~Session() {
  server_->sessions.erase(this);
  if (!server_->sessions.empty() || !server_->on_drained) return;
  asio::post(socket_.get_executor(), std::exchange(server_->on_drained, nullptr));
}

void Session::drain() {
  if (is_idle_) abort();
}

void Session::abort() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  wake();
}

void Session::wake() { news_.cancel(); }

asio::awaitable<void> Session::serve() {
  while (server_->backend != nullptr && co_await wait_for_first_byte()) {
    auto incoming = co_await read_request();
    if (!incoming || server_->backend == nullptr) co_return;
    const auto& clock = server_->options.clock;
    const auto begin = clock ? clock() : std::chrono::steady_clock::time_point{};

    Answer answered;
    if (incoming->rejection) {
      answered.response = std::move(*incoming->rejection);
    } else {
      answered = co_await answer(incoming->request);
    }
    count(incoming->request.method, answered);

    const bool is_head = incoming->request.method == "HEAD";
    if (answered.stream) {
      co_await stream(std::move(*answered.stream), is_head);
      co_return;
    }
    if (is_worth_packing(incoming->request, answered.response, server_->options.gzip_bytes_min)) {
      co_await pack(answered.response);
      if (server_->backend == nullptr) co_return;
    }
    const bool keep_alive = incoming->keep_alive && !server_->is_draining;
    const bool is_sent = co_await send(std::move(answered.response), {is_head, keep_alive});
    if (clock && server_->backend != nullptr) {
      const std::chrono::duration<double> taken = clock() - begin;
      server_->request_duration_seconds.observe(taken.count());
    }
    if (!is_sent) co_return;
    if (!keep_alive) {
      co_await linger();
      co_return;
    }
  }
}

asio::awaitable<void> Session::turn_away() {
  Response response = problem(503, "all connections of this node are in use");
  response.headers.emplace_back("Retry-After", "1");
  if (co_await send(std::move(response), {.is_head = false, .keep_alive = false})) {
    co_await linger();
  }
}

/// Waits between two requests. False: there will be no further one.
asio::awaitable<bool> Session::wait_for_first_byte() {
  if (buffer_.size() > 0) co_return true;
  if (server_->is_draining) co_return false;
  is_idle_ = true;
  deadline_.arm(server_->options.idle_limit);
  const bool has_data = co_await read_some();
  is_idle_ = false;
  co_return has_data && !server_->is_draining;
}

/// Reads what is there. False: the deadline has passed or the connection is gone.
asio::awaitable<bool> Session::read_some() {
  const auto room = std::min(kReadBytes, buffer_.max_size() - buffer_.size());
  assert(room > 0);  // The parser refuses a header before it fills the buffer, and takes in bodies
                     // piece by piece.
  auto [failed, count] = co_await socket_.async_read_some(buffer_.prepare(room), kAwait);
  buffer_.commit(count);
  touch();
  co_return !failed && !deadline_.has_passed();
}

/// Reads one request. Nothing: the client has gone.
asio::awaitable<std::optional<Session::Incoming>> Session::read_request() {
  const auto& options = server_->options;
  Incoming incoming;
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(options.header_bytes_max));
  parser.body_limit(boost::none);  // Until the header has told which path it is for.

  bool is_in_body = false;
  bool is_timed = false;  // The phase at hand. Most requests come whole, and need no limit.
  while (!parser.is_done()) {
    boost::system::error_code failed;
    if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.data(), failed));
    if (failed && failed != error::need_more) {
      incoming.rejection = rejection(failed, parser.get());
      break;
    }
    if (parser.is_header_done() && !is_in_body) {
      is_in_body = true;
      const auto& header = parser.get();
      const std::size_t body_max = body_bytes_max(header.method_string(), header.target());
      incoming.rejection = check_header(header, options.target_bytes_max);
      if (!incoming.rejection && parser.content_length().value_or(0) > body_max) {
        incoming.rejection = too_large(body_max);
      }
      if (incoming.rejection) break;
      parser.body_limit(body_max);
      parser.eager(true);
      is_timed = false;
      const bool waits = parser.get().find(beast::http::field::expect) != parser.get().end();
      if (waits && !parser.is_done() && !co_await write("HTTP/1.1 100 Continue\r\n\r\n")) {
        co_return std::nullopt;
      }
      continue;
    }
    if (parser.is_done()) continue;
    if (!is_timed) deadline_.arm(is_in_body ? options.body_limit : options.header_limit);
    is_timed = true;
    if (co_await read_some()) continue;
    if (!deadline_.has_passed()) co_return std::nullopt;
    incoming.rejection = problem(408, "the request did not come in time");
    break;
  }
  deadline_.disarm();
  incoming.request = request_from(parser.get(), is_loopback_);
  incoming.keep_alive = !incoming.rejection && parser.keep_alive();
  co_return incoming;
}

asio::awaitable<Session::Answer> Session::answer(const Request& request) {
  Answer answered;
  try {
    Routed routed = route(request, server_->options.access, *server_->backend);
    answered.route = std::move(routed.route);
    if (auto* response = std::get_if<Response>(&routed.answer)) {
      answered.response = std::move(*response);
    } else if (auto* stream = std::get_if<EventStream>(&routed.answer)) {
      if (server_->streams < server_->options.streams_max) {
        answered.stream = std::move(*stream);
      } else {
        answered.response = problem(503, "too many clients follow the events of this node");
        answered.response.headers.emplace_back("Retry-After", "10");
      }
    } else {
      answered.response = co_await finish(std::get<Deferred>(std::move(routed.answer)));
    }
  } catch (const std::exception& failure) {
    // A request that the node has no memory for must not end the node.
    answered.response = problem(500, failure.what());
  }
  co_return answered;
}

/// Starts a deferred answer and waits for it, for answer_limit at most.
asio::awaitable<Response> Session::finish(Deferred deferred) {
  struct Pending {
    asio::steady_timer timer;
    std::optional<Response> response;
  };
  const auto executor = socket_.get_executor();
  const auto pending = std::make_shared<Pending>(Pending{asio::steady_timer(executor), {}});
  pending->timer.expires_after(server_->options.answer_limit);
  // The reply may come from any thread, and long after this session has gone.
  deferred([executor, weak = std::weak_ptr(pending)](Response response) {
    asio::post(executor, [weak, response = std::move(response)]() mutable {
      const auto waiting = weak.lock();
      if (!waiting) return;
      waiting->response = std::move(response);
      waiting->timer.cancel();
    });
  });
  is_answering_ = true;
  co_await pending->timer.async_wait(kAwait);
  is_answering_ = false;
  if (pending->response) co_return std::move(*pending->response);
  co_return problem(503, "the answer took too long");
}

/// Packs the body with gzip, on the server's other thread.
asio::awaitable<void> Session::pack(Response& response) {
  if (auto* own = std::get_if<std::string>(&response.body)) {
    response.body = std::make_shared<const std::string>(std::move(*own));
  }
  auto work = [bytes = std::get<SharedBytes>(response.body)]() -> SharedBytes {
    try {
      return std::make_shared<const std::string>(gzip(*bytes));
    } catch (const std::bad_alloc&) {
      return nullptr;  // It is sent as it is.
    }
  };
  is_answering_ = true;
  auto packed = co_await server_->files.run(std::move(work));
  is_answering_ = false;
  if (!packed) co_return;
  response.body = std::move(packed);
  set_field(response, "Content-Encoding", "gzip");
  set_field(response, "Vary", "Accept-Encoding");
  if (const auto tag = find_field(response.headers, "ETag"); tag && !tag->starts_with("W/")) {
    set_field(response, "ETag", "W/" + std::string(*tag));  // Equal in meaning, not in bytes.
  }
}

asio::awaitable<bool> Session::send(Response response, Delivery how) {
  if (std::holds_alternative<std::filesystem::path>(response.body)) {
    co_return co_await send_file(std::move(response), how);
  }
  const std::string_view body = bytes_of(response);
  const bool has_length = response.status != 304;  // Which has no body, whatever its length.
  const std::string head =
      head_of(response, has_length ? std::optional(body.size()) : std::nullopt, how.keep_alive);
  co_return co_await write(head, how.is_head ? std::string_view() : body);
}

asio::awaitable<bool> Session::send_file(Response response, Delivery how) {
  const auto path = std::get<std::filesystem::path>(response.body);
  auto open = [path] { return File::open(path); };
  is_answering_ = true;
  auto opened = co_await server_->files.run(std::move(open));
  is_answering_ = false;
  if (server_->backend == nullptr) co_return false;
  if (!opened) {
    co_return co_await send(problem(404, "the file is gone"), how);
  }
  const auto file = std::make_shared<File>(std::move(*opened));
  const std::string head = head_of(response, file->size(), how.keep_alive);
  if (!co_await write(head)) co_return false;
  if (how.is_head) co_return true;
  const auto piece = std::make_shared<std::vector<char>>();
  for (std::uint64_t offset = 0; offset < file->size(); offset += piece->size()) {
    if (server_->backend == nullptr) co_return false;
    piece->resize(std::min<std::uint64_t>(kPieceBytes, file->size() - offset));
    auto read = [=] { return file->read(offset, *piece); };
    const bool is_read = co_await server_->files.run(std::move(read));
    // A file that became shorter: the length has been promised, so all that is left is to close.
    if (!is_read || !co_await write({piece->data(), piece->size()})) co_return false;
  }
  co_return true;
}

/// Sends the status and what happens until either side closes. A client that takes nothing in for
/// write_limit is closed; all it costs until then is its number in the log of events.
asio::awaitable<void> Session::stream(EventStream wanted, bool is_head) {
  struct Counted {  // Also where the coroutine is destroyed while it waits.
    explicit Counted(ServerState& state) : state_(state) { ++state_.streams; }
    ~Counted() { --state_.streams; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ServerState& state_;
  };
  const Counted counted(*server_);
  Response response = typed_response(200, "text/event-stream", std::string());
  response.headers.emplace_back("X-Accel-Buffering", "no");  // nginx in between must pass it on
  std::uint64_t next = server_->events.resume(wanted.last_event_id);
  std::uint64_t status_sent = server_->status_number;
  server_->on_stream();
  const std::string head = head_of(response, std::nullopt, /*keep_alive=*/false);
  const std::string first = "retry: 2000\n\n" + status_event_text(server_->backend->status());
  if (!co_await write(head, is_head ? std::string_view() : first) || is_head) co_return;

  while (server_->backend != nullptr && !server_->is_draining && socket_.is_open()) {
    SharedBytes text = server_->events.take(next);
    if (!text && status_sent != server_->status_number) {
      text = server_->status_text;
      status_sent = server_->status_number;
    }
    if (text) {
      if (!co_await write(*text)) co_return;
      continue;
    }
    is_idle_ = true;
    co_await news_.async_wait(kAwait);
    is_idle_ = false;
  }
}

/// Without `length` the answer has no body (304), or one that ends with the connection.
std::string Session::head_of(const Response& response, std::optional<std::uint64_t> length,
                             bool keep_alive) const {
  std::string head;
  head.reserve(kUsualHeadBytes);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(1, ' ');
  head.append(reason_phrase(response.status)).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (const auto& wall_clock = server_->options.wall_clock) {
    head += "Date: " + http_date(wall_clock()) + "\r\n";
  }
  if (length) head += "Content-Length: " + std::to_string(*length) + "\r\n";
  head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

/// Writes both texts, with the write limit on each piece. False: the client is gone or too slow.
asio::awaitable<bool> Session::write(std::string_view first, std::string_view second) {
  while (!first.empty() || !second.empty()) {
    std::size_t left = std::min(kPieceBytes, first.size() + second.size());
    deadline_.arm(server_->options.write_limit);
    while (left > 0) {
      const auto head = first.substr(0, left);
      const auto rest = second.substr(0, left - head.size());
      const std::array<asio::const_buffer, 2> buffers{asio::buffer(head), asio::buffer(rest)};
      auto [failed, count] = co_await socket_.async_write_some(buffers, kAwait);
      if (failed || deadline_.has_passed()) co_return false;
      touch();
      const auto of_first = std::min(count, first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(count - of_first);
      left -= count;
    }
  }
  deadline_.disarm();
  co_return true;
}

/// Ends the sending side and lets the client read the answer before it learns that its own bytes
/// were not wanted: closing with bytes unread would reset the connection, and the answer with it
/// (RFC 9112, 9.6).
asio::awaitable<void> Session::linger() {
  boost::system::error_code failed;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, failed);
  if (failed) co_return;
  is_idle_ = true;
  if (server_->is_draining && buffer_.size() == 0) co_return;
  deadline_.arm(server_->options.linger_limit);
  do {
    buffer_.clear();
  } while (co_await read_some());
}

void Session::count(std::string_view method, const Answer& answer) {
  ++server_->requests[{method_label(method), answer.route, answer.response.status}];
}

}  // namespace hogwild::http
