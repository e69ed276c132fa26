// The uploader against a real nginx: WebDAV, with TLS and without.

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/http/raw_server.hpp"
#include "tests/http/temp_dir.hpp"
#include "tests/http/uploading.hpp"

namespace hogwild::http {
namespace {

using namespace std::chrono_literals;

bool succeeds(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

boost::test_tools::assertion_result nginx_is_there(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(
      succeeds("PATH=$PATH:/usr/sbin nginx -V 2>&1 | grep -q http_dav_module") &&
      succeeds("openssl version"));
  result.message() << "nginx with WebDAV, or openssl, is not installed";
  return result;
}

/// An nginx that stores what is PUT under http://127.0.0.1:plain_port and
/// https://127.0.0.1:tls_port, with a certificate for 127.0.0.1 and "upload.test" of an authority
/// of its own (ca.pem). /busy/ is always 503, /closed/ 403.
class Nginx {
 public:
  Nginx() {
    make_certificates();
    std::filesystem::create_directory(dir_.path() / "store");
    for (int i = 0; i < 5; ++i) {  // A port may be taken between its choice and its use.
      plain_port = silent_port();
      tls_port = silent_port();
      start();
      if (is_up()) return;
      stop();
    }
    throw std::runtime_error("nginx does not start: " + content_of(dir_.path() / "error.log"));
  }
  ~Nginx() { stop(); }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  [[nodiscard]] std::string plain(const std::string& path = "") const {
    return "http://127.0.0.1:" + std::to_string(plain_port) + path;
  }
  [[nodiscard]] std::string secure(const std::string& host = "127.0.0.1") const {
    return "https://" + host + ':' + std::to_string(tls_port);
  }
  [[nodiscard]] std::string stored(const std::string& name) const {
    return content_of(dir_.path() / "store" / name);
  }
  [[nodiscard]] std::filesystem::path ca_file() const { return dir_.path() / "ca.pem"; }

  std::uint16_t plain_port = 0;
  std::uint16_t tls_port = 0;

 private:
  void make_certificates() const {
    const std::string script =
        "cd " + dir_.path().string() +
        " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=test-authority -keyout ca.key -out ca.pem "
        "&& openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server "
        "-keyout server.key -out server.csr "
        "&& printf 'subjectAltName=IP:127.0.0.1,DNS:upload.test' >names "
        "&& openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile names -out server.pem";
    if (!succeeds("sh -c '" + std::string("set -e; ") + replaced(script) + "'")) {
      throw std::runtime_error("openssl makes no certificates");
    }
  }

  /// For use within single quotes of a shell.
  static std::string replaced(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out;
  }

  void start() {
    const std::string root = dir_.path().string();
    const std::string locations =
        "root " + root + "/store; client_body_temp_path " + root +
        "/body; client_max_body_size 0; dav_methods PUT; "
        "location /busy/ { return 503; } location /closed/ { return 403; } ";
    dir_.write("nginx.conf",
               "daemon off; master_process off; pid " + root + "/pid; error_log " + root +
                   "/error.log; events {} http { access_log off; "
                   "proxy_temp_path " +
                   root + "/p; fastcgi_temp_path " + root + "/f; uwsgi_temp_path " + root +
                   "/u; scgi_temp_path " + root +
                   "/s; "
                   "server { listen 127.0.0.1:" +
                   std::to_string(plain_port) + "; " + locations +
                   "} server { listen 127.0.0.1:" + std::to_string(tls_port) +
                   " ssl; ssl_certificate " + root + "/server.pem; ssl_certificate_key " + root +
                   "/server.key; " + locations + "} }");
    const std::string config = root + "/nginx.conf";
    const std::string errors = root + "/error.log";
    std::string command = "exec nginx -c " + config + " -e " + errors + " >/dev/null 2>&1";
    std::string path = "PATH=" + std::string(std::getenv("PATH")) + ":/usr/sbin";
    char shell[] = "sh";
    char option[] = "-c";
    char* arguments[] = {shell, option, command.data(), nullptr};
    char* environment[] = {path.data(), nullptr};
    if (::posix_spawn(&pid_, "/bin/sh", nullptr, nullptr, arguments, environment) != 0) {
      throw std::runtime_error("cannot start a process");
    }
  }

  /// Waits until it accepts connections; false where it ends instead.
  bool is_up() {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < end) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        return false;
      }
      try {
        RawSocket::connect(plain_port);
        RawSocket::connect(tls_port);
        return true;
      } catch (const std::runtime_error&) {
        std::this_thread::yield();
      }
    }
    return false;
  }

  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  TempDir dir_;
  pid_t pid_ = -1;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

BOOST_AUTO_TEST_SUITE(upload_to_nginx, *boost::unit_test::precondition(nginx_is_there))

BOOST_FIXTURE_TEST_CASE(files_arrive_byte_by_byte_over_http, Nginx) {
  const TempDir dir;
  std::string large(10'000'000, '\0');
  std::mt19937 random(10);
  for (char& byte : large) byte = static_cast<char>(random());
  const auto results = upload_all(
      quick_options(plain()),
      {in_memory("a.csv", "1,2\n"), {"large", dir.write("l", large)}, in_memory("empty", "")});
  BOOST_TEST_REQUIRE(results.at(0).link.has_value(), results.at(0).link.error());
  BOOST_TEST(results.at(0).link.value() == plain("/a.csv"));
  BOOST_TEST(stored("a.csv") == "1,2\n");
  BOOST_TEST(results.at(1).link.has_value());
  BOOST_TEST((stored("large") == large));
  BOOST_TEST(results.at(2).link.has_value());
}

BOOST_FIXTURE_TEST_CASE(file_that_is_there_is_replaced, Nginx) {
  upload_all(quick_options(plain()), {in_memory("a", "old and long")});
  const auto results = upload_all(quick_options(plain()), {in_memory("a", "new")});
  BOOST_TEST(results.at(0).link.has_value());  // nginx answers 204 to this.
  BOOST_TEST(stored("a") == "new");
}

BOOST_FIXTURE_TEST_CASE(refusals_of_nginx_are_told_apart, Nginx) {
  auto options = quick_options(plain("/closed"));
  const auto closed = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST(contains(closed.at(0).link.error(), "403"));
  BOOST_TEST(closed.at(0).attempts == 1U);
  options.url = parse_url(plain("/busy")).value();
  options.stall_limit = 50ms;
  const auto busy = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST(contains(busy.at(0).link.error(), "503"));
  BOOST_TEST(busy.at(0).attempts >= 2U);
}

BOOST_FIXTURE_TEST_CASE(files_arrive_over_https_of_a_trusted_authority, Nginx) {
  auto options = quick_options(secure());
  options.ca_file = ca_file();
  const std::string large(1'000'000, 'x');
  const auto results = upload_all(options, {in_memory("a", "secret"), in_memory("b", large)});
  BOOST_TEST_REQUIRE(results.at(0).link.has_value(), results.at(0).link.error());
  BOOST_TEST(results.at(0).link.value() == secure() + "/a");
  BOOST_TEST(stored("a") == "secret");
  BOOST_TEST((stored("b") == large));
}

BOOST_FIXTURE_TEST_CASE(authority_may_come_from_the_environment, Nginx) {
  ::setenv("SSL_CERT_FILE", ca_file().c_str(), 1);
  const auto results = upload_all(quick_options(secure()), {in_memory("a", "x")});
  ::unsetenv("SSL_CERT_FILE");
  BOOST_TEST(results.at(0).link.has_value());
}

BOOST_FIXTURE_TEST_CASE(unknown_authority_is_refused_at_once_and_for_all_files, Nginx) {
  const auto results =
      upload_all(quick_options(secure()), {in_memory("a", "x"), in_memory("b", "y")});
  BOOST_TEST(contains(results.at(0).link.error(), "certificate that is not trusted"),
             results.at(0).link.error());
  BOOST_TEST(results.at(0).attempts == 1U);
  BOOST_TEST(results.at(1).attempts == 0U);
  BOOST_TEST(stored("a") == "");
}

BOOST_FIXTURE_TEST_CASE(certificate_of_another_host_is_refused, Nginx) {
  auto options = quick_options(secure("localhost"));
  options.ca_file = ca_file();
  const auto results = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST_REQUIRE(!results.at(0).link.has_value());
  BOOST_TEST(contains(results.at(0).link.error(), "hostname mismatch"), results.at(0).link.error());
  BOOST_TEST(stored("a") == "");
}

BOOST_FIXTURE_TEST_CASE(files_arrive_through_the_tunnel_of_a_proxy, Nginx) {
  std::vector<std::string> asked;
  RawServer proxy({[&](RawSocket& client) {
    asked.push_back(client.read_head());
    RawSocket server = RawSocket::connect(tls_port);
    client.send("HTTP/1.1 200 Connection established\r\n\r\n");
    client.join(server);
  }});
  auto options = quick_options(secure());
  options.ca_file = ca_file();
  options.proxy = Proxy{"127.0.0.1", proxy.port(), "Basic dTpw"};
  const std::string large(3'000'000, 'x');
  const auto results = upload_all(options, {in_memory("a", "secret"), in_memory("b", large)});
  BOOST_TEST_REQUIRE(results.at(0).link.has_value(), results.at(0).link.error());
  BOOST_TEST(results.at(0).link.value() == secure() + "/a");
  BOOST_TEST(stored("a") == "secret");
  BOOST_TEST((stored("b") == large));
  const std::string target = "127.0.0.1:" + std::to_string(tls_port);
  BOOST_TEST_REQUIRE(asked.size() == 2U);
  BOOST_TEST(asked[0] == "CONNECT " + target + " HTTP/1.1\r\nHost: " + target +
                             "\r\nUser-Agent: hogwild\r\nProxy-Authorization: Basic dTpw\r\n\r\n");
}

BOOST_FIXTURE_TEST_CASE(certificate_is_checked_through_a_tunnel_too, Nginx) {
  RawServer proxy({[&](RawSocket& client) {
    client.read_head();
    RawSocket server = RawSocket::connect(tls_port);
    client.send("HTTP/1.1 200 OK\r\n\r\n");
    client.join(server);
  }});
  auto options = quick_options(secure());
  options.proxy = Proxy{"127.0.0.1", proxy.port(), {}};
  const auto results = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST(contains(results.at(0).link.error(), "certificate that is not trusted"),
             results.at(0).link.error());
  BOOST_TEST(stored("a") == "");
}

BOOST_FIXTURE_TEST_CASE(https_to_a_plain_port_is_hopeless, Nginx) {
  auto options = quick_options("https://127.0.0.1:" + std::to_string(plain_port));
  options.ca_file = ca_file();
  const auto results = upload_all(options, {in_memory("a", "x")});
  BOOST_TEST(!results.at(0).link.has_value());
  BOOST_TEST(results.at(0).attempts == 1U);
}

BOOST_FIXTURE_TEST_CASE(authority_file_that_is_missing_or_no_certificate_is_named, Nginx) {
  const TempDir dir;
  for (const auto& path : {dir.path() / "missing", dir.write("text", "no certificate\n")}) {
    auto options = quick_options(secure());
    options.ca_file = path;
    const auto results = upload_all(options, {in_memory("a", "x")});
    BOOST_TEST(contains(results.at(0).link.error(), path.string()));
    BOOST_TEST(results.at(0).attempts == 0U);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
