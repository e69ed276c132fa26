#include "http/put_client.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <utility>

#include "http/lookup.hpp"
#include "http/text_table.hpp"

// At -O1 GCC 12 inlines one half of how Asio allocates the frames of coroutines, and takes it for a
// mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace hogwild::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using Outcome = PutResult::Outcome;
using Answer = beast::http::response<beast::http::string_body>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kAnswerBytesMax = 64 * 1024;

bool is_retryable(unsigned status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

/// Whether nobody was there, in contrast to somebody who was slow or broke off.
bool is_unreachable(const boost::system::error_code& error) {
  return error == asio::error::connection_refused || error == asio::error::host_unreachable ||
         error == asio::error::network_unreachable;
}

std::string content_type(std::string_view name) {
  if (name.ends_with(".json")) return "application/json";
  if (name.ends_with(".csv")) return "text/csv; charset=utf-8";
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".bin")) return "application/octet-stream";
  return "text/plain; charset=utf-8";
}

/// The field by which a proxy knows its user, where it wants to.
std::string authorization_of(const Proxy& proxy) {
  if (proxy.authorization.empty()) return {};
  return "Proxy-Authorization: " + proxy.authorization + "\r\n";
}

/// A proxy that passes a request on is told the whole URL; what goes through a tunnel is not for
/// it.
std::string head_of(const UploadOptions& options, const std::string& name, std::uint64_t length) {
  const Url& url = options.url;
  const bool is_passed_on = options.proxy && !url.is_tls;
  return "PUT " + (is_passed_on ? url.link(name) : url.target(name)) +
         " HTTP/1.1\r\nHost: " + url.authority() +
         "\r\nUser-Agent: hogwild\r\nContent-Type: " + content_type(name) +
         "\r\nContent-Length: " + std::to_string(length) + "\r\n" +
         (is_passed_on ? authorization_of(*options.proxy) : "") + "Connection: close\r\n\r\n";
}

/// What an answer means; its body counts only where it `is_whole`.
PutResult judge(const Answer& answer, bool is_whole, const Url& url, const std::string& name) {
  const unsigned status = answer.result_int();
  if (status / 100 == 2) {
    const auto fallback = url.link(name);
    return {Outcome::kStored, is_whole ? link_from(answer.body(), fallback) : fallback};
  }
  std::string text = url.authority() + " answered " + std::to_string(status) + ' ' +
                     printable(std::string_view(answer.reason()));
  if (status / 100 == 3) {
    const std::string_view location = answer[beast::http::field::location];
    text += ", a redirection to '" + printable(location) + '\'';
  }
  return {is_retryable(status) ? Outcome::kFailed : Outcome::kRefused, std::move(text)};
}

}  // namespace

struct PutClient::Source {
  SharedBytes bytes;           // Either this
  std::shared_ptr<File> file;  // or that.

  [[nodiscard]] std::uint64_t size() const { return file ? file->size() : bytes->size(); }
};

PutClient::PutClient(const asio::any_io_executor& executor, const UploadOptions& options,
                     std::function<void(std::uint64_t)> on_sent)
    : options_(options),
      on_sent_(std::move(on_sent)),
      tls_(asio::ssl::context::tls_client),
      socket_(executor),
      limit_(executor, [this] { close(); }) {}

std::expected<void, std::string> PutClient::load_authorities() {
  if (!options_.url.is_tls) return {};
  boost::system::error_code error;
  tls_.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1,
                   error);
  std::string where;
  if (options_.ca_file) {
    where = " from " + options_.ca_file->string();
    if (!error) tls_.load_verify_file(options_.ca_file->string(), error);
  } else if (!error) {
    tls_.set_default_verify_paths(error);  // SSL_CERT_FILE and SSL_CERT_DIR count here.
  }
  if (!error) return {};
  return std::unexpected("cannot load the certificates to trust" + where + ": " + error.message());
}

asio::awaitable<PutResult> PutClient::put(const Upload& upload) {
  auto result = co_await attempt(upload);
  limit_.disarm();
  close();
  co_return result;
}

void PutClient::interrupt() {
  is_interrupted_ = true;
  close();
}

void PutClient::stop() {
  interrupt();
  limit_.disarm();
  files_.stop();
}

asio::awaitable<PutResult> PutClient::attempt(const Upload& upload) {
  const auto source = co_await open(upload);
  if (!source) co_return PutResult{Outcome::kRefused, source.error()};
  const auto& [url, proxy] = std::tie(options_.url, options_.proxy);
  const auto endpoints =
      co_await look_up(proxy ? proxy->host : url.host,
                       std::to_string(proxy ? proxy->port : url.port), options_.resolve_limit);
  if (!endpoints) {
    co_return PutResult{Outcome::kUnreachable, (proxy ? "proxy: " : "") + endpoints.error()};
  }
  if (auto failed = co_await connect(*endpoints)) co_return std::move(*failed);
  if (!url.is_tls) co_return co_await exchange(socket_, upload.name, *source);
  if (proxy) {
    if (auto failed = co_await open_tunnel()) co_return std::move(*failed);
  }

  asio::ssl::stream<Socket&> stream(socket_, tls_);
  if (auto failed = co_await shake_hands(stream)) co_return std::move(*failed);
  co_return co_await exchange(stream, upload.name, *source);
}

asio::awaitable<std::expected<PutClient::Source, std::string>> PutClient::open(
    const Upload& upload) {
  if (const auto* bytes = std::get_if<SharedBytes>(&upload.content)) {
    co_return Source{*bytes, nullptr};
  }
  const auto path = std::get<std::filesystem::path>(upload.content);
  auto open_file = [path] { return File::open(path); };
  auto file = co_await files_.run(std::move(open_file));
  if (!file) co_return std::unexpected(file.error());
  co_return Source{nullptr, std::make_shared<File>(std::move(*file))};
}

/// Tries each endpoint in turn; the failure of the last one, or nothing.
asio::awaitable<std::optional<PutResult>> PutClient::connect(
    const std::vector<tcp::endpoint>& endpoints) {
  std::optional<PutResult> failed = failure("has no address", {});
  for (const auto& endpoint : endpoints) {
    if (is_interrupted_) break;
    close();
    limit_.arm(options_.connect_limit);
    const auto [error] = co_await socket_.async_connect(endpoint, kAwait);
    if (!error && !limit_.has_passed()) {
      has_connected_ = true;
      co_return std::nullopt;
    }
    failed = failure("cannot be connected to", error);
    if (is_unreachable(error)) failed->outcome = Outcome::kUnreachable;
  }
  co_return failed;
}

/// Has the proxy pass on every byte between here and the server; the failure, or nothing.
asio::awaitable<std::optional<PutResult>> PutClient::open_tunnel() {
  const auto& url = options_.url;
  const bool is_ipv6 = url.host.find(':') != std::string::npos;
  const std::string target =
      (is_ipv6 ? '[' + url.host + ']' : url.host) + ':' + std::to_string(url.port);
  const std::string head = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target +
                           "\r\nUser-Agent: hogwild\r\n" + authorization_of(*options_.proxy) +
                           "\r\n";
  limit_.arm(options_.tunnel_limit);
  auto [error, count] = co_await asio::async_write(socket_, asio::buffer(head), kAwait);
  beast::flat_buffer buffer;
  beast::http::response_parser<beast::http::empty_body> parser;
  parser.skip(true);
  if (!error) {
    std::tie(error, count) =
        co_await beast::http::async_read_header(socket_, buffer, parser, kAwait);
  }
  if (error) co_return failure("opened no tunnel", error);
  const auto& answer = parser.get();
  if (answer.result_int() / 100 == 2) co_return std::nullopt;
  const bool may_pass = is_retryable(answer.result_int());
  co_return PutResult{may_pass ? Outcome::kFailed : Outcome::kHopeless,
                      server() + ": the proxy answered " + std::to_string(answer.result_int()) +
                          ' ' + printable(std::string_view(answer.reason()))};
}

/// Opens TLS and checks that the certificate is valid for the host; the failure, or nothing.
template <typename Stream>
asio::awaitable<std::optional<PutResult>> PutClient::shake_hands(Stream& stream) {
  const auto& host = options_.url.host;
  stream.set_verify_mode(asio::ssl::verify_peer);
  auto* expected = SSL_get0_param(stream.native_handle());
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) != 1) {  // A name, then.
    X509_VERIFY_PARAM_set1_host(expected, host.c_str(), 0);
    SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
  }
  limit_.arm(options_.handshake_limit);
  const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, kAwait);
  if (!error) co_return std::nullopt;
  PutResult failed = failure("broke off the TLS handshake", error);
  if (error.category() == asio::error::get_ssl_category()) {
    failed.outcome = Outcome::kHopeless;
    const long verdict = SSL_get_verify_result(stream.native_handle());
    if (verdict != X509_V_OK) {
      failed.text = options_.url.authority() + " has a certificate that is not trusted: " +
                    X509_verify_cert_error_string(verdict);
    }
  }
  co_return failed;
}

template <typename Stream>
asio::awaitable<PutResult> PutClient::exchange(Stream& stream, const std::string& name,
                                               const Source& source) {
  const auto not_sent = co_await send(stream, name, source);
  if (not_sent && not_sent->outcome == Outcome::kRefused) co_return *not_sent;
  // A server that says no may do so, and close, before all is sent: an answer counts more than the
  // failure.
  limit_.arm(options_.answer_limit);
  auto answer = co_await receive(stream, name);
  if (not_sent && answer.outcome == Outcome::kFailed) co_return *not_sent;
  co_return answer;
}

/// Sends the request with its body; the failure, or nothing.
template <typename Stream>
asio::awaitable<std::optional<PutResult>> PutClient::send(Stream& stream, const std::string& name,
                                                          const Source& source) {
  const std::string head = head_of(options_, name, source.size());
  limit_.arm(options_.write_limit);
  auto [error, count] = co_await asio::async_write(stream, asio::buffer(head), kAwait);
  const auto piece = std::make_shared<std::string>();
  for (std::uint64_t sent = 0; !error && sent < source.size(); sent += piece->size()) {
    piece->resize(std::min<std::uint64_t>(kPieceBytes, source.size() - sent));
    if (!co_await load(source, sent, piece)) {
      co_return PutResult{Outcome::kRefused, name + " became shorter while it was sent"};
    }
    limit_.arm(options_.write_limit);
    std::tie(error, count) = co_await asio::async_write(stream, asio::buffer(*piece), kAwait);
    if (!error) on_sent_(sent + piece->size());
  }
  if (error) co_return failure("broke off the upload", error);
  co_return std::nullopt;
}

/// Fills `piece` from `offset`; false where the file no longer has it.
asio::awaitable<bool> PutClient::load(const Source& source, std::uint64_t offset,
                                      std::shared_ptr<std::string> piece) {
  if (!source.file) {
    piece->assign(*source.bytes, offset, piece->size());
    co_return true;
  }
  if (is_interrupted_) co_return true;  // The socket is closed; sending says so.
  auto read = [file = source.file, offset, piece] { return file->read(offset, *piece); };
  co_return co_await files_.run(std::move(read));
}

template <typename Stream>
asio::awaitable<PutResult> PutClient::receive(Stream& stream, const std::string& name) {
  beast::flat_buffer buffer;
  for (;;) {
    beast::http::response_parser<beast::http::string_body> parser;
    parser.body_limit(kAnswerBytesMax);
    const auto [error, count] = co_await beast::http::async_read(stream, buffer, parser, kAwait);
    if (!parser.is_header_done()) co_return failure("did not answer", error);
    if (parser.get().result_int() / 100 == 1) continue;  // Informational: the answer follows.
    co_return judge(parser.get(), !error, options_.url, name);
  }
}

/// A failure of the connection, as a sentence about the server.
PutResult PutClient::failure(std::string_view what, const boost::system::error_code& error) const {
  std::string text = server() + ' ' + std::string(what);
  if (is_interrupted_ || limit_.has_passed()) {
    text += ": no answer in time";
  } else if (error) {
    text += ": " + error.message();
  }
  return {Outcome::kFailed, std::move(text)};
}

/// The server as messages name it.
std::string PutClient::server() const {
  const auto& proxy = options_.proxy;
  return options_.url.authority() + (proxy ? " through the proxy " + proxy->authority() : "");
}

void PutClient::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace hogwild::http
