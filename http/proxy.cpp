#include "http/proxy.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <initializer_list>
#include <utility>
#include <vector>

#include "http/ascii.hpp"

namespace hogwild::http {
namespace {

constexpr std::uint16_t kHttpProxyPort = 1080;  // As curl has it where none is given.

std::string base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends it with a zero.
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

/// `text` with each %XX decoded; what is none stays as it is.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// Bytes of an address: 4, 16, or none where `text` is a name.
std::vector<unsigned char> address_of(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    return {bytes.begin(), bytes.begin() + 4};
  }
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return {bytes.begin(), bytes.end()};
  return {};
}

/// Whether an address lies in a block such as 10.0.0.0/8.
bool is_in_block(const std::vector<unsigned char>& address, std::string_view block) {
  const auto slash = block.find('/');
  const auto base = address_of(std::string(block.substr(0, slash)));
  if (address.empty() || base.size() != address.size()) return false;
  std::size_t bits = 8 * base.size();
  if (slash != std::string_view::npos) {
    const auto text = block.substr(slash + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
    if (error != std::errc{} || end != text.data() + text.size() || bits > 8 * base.size()) {
      return false;
    }
  }
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((base[bit / 8] ^ address[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

/// Whether `list`, the value of no_proxy, has `host` in it.
bool is_listed(std::string_view host, std::string_view list) {
  const auto address = address_of(std::string(host));
  while (!list.empty()) {
    const auto end = std::min(list.find_first_of(", \t"), list.size());
    auto entry = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    if (entry == "*") return true;
    if (entry.starts_with('.')) entry.remove_prefix(1);
    if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
    if (entry.empty()) continue;
    if (ascii_iequal(host, entry) || is_in_block(address, entry)) return true;
    const bool is_below = address.empty() && host.size() > entry.size() &&
                          address_of(std::string(entry)).empty() &&
                          host[host.size() - entry.size() - 1] == '.' &&
                          ascii_iequal(host.substr(host.size() - entry.size()), entry);
    if (is_below) return true;
  }
  return false;
}

/// Name and value of the first variable that is set and not empty.
std::optional<std::pair<const char*, std::string_view>> first_set(
    const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    const char* const value = environment(name);
    if (value != nullptr && *value != '\0') return std::pair{name, std::string_view(value)};
  }
  return std::nullopt;
}

std::expected<Proxy, std::string> parse_proxy(std::string_view text) {
  const auto scheme_end = text.find("://");
  if (scheme_end != std::string_view::npos) {
    if (!ascii_iequal(text.substr(0, scheme_end), "http")) {
      return std::unexpected("only proxies at http:// are supported");
    }
    text.remove_prefix(scheme_end + 3);
  }
  text = text.substr(0, text.find('/'));
  Proxy proxy;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    proxy.authorization = "Basic " + base64(percent_decoded(text.substr(0, at)));
    text.remove_prefix(at + 1);
  }
  const bool has_port = text.rfind(':') != std::string_view::npos && !text.ends_with(']');
  const auto url = parse_url("http://" + std::string(text));
  if (!url) return std::unexpected(url.error());
  proxy.host = url->host;
  proxy.port = has_port ? url->port : kHttpProxyPort;
  return proxy;
}

}  // namespace

std::string Proxy::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::expected<std::optional<Proxy>, std::string> find_proxy(const Url& url,
                                                            const Environment& environment) {
  auto found = url.is_tls ? first_set(environment, {"https_proxy", "HTTPS_PROXY"})
                          : first_set(environment, {"http_proxy"});
  if (!found) found = first_set(environment, {"all_proxy", "ALL_PROXY"});
  if (!found) return std::nullopt;
  const auto exempt = first_set(environment, {"no_proxy", "NO_PROXY"});
  if (exempt && is_listed(url.host, exempt->second)) return std::nullopt;
  auto proxy = parse_proxy(found->second);
  if (!proxy) {
    return std::unexpected("the proxy of " + std::string(found->first) +
                           " in the environment cannot be used: " + proxy.error());
  }
  return std::optional(std::move(*proxy));
}

}  // namespace hogwild::http
