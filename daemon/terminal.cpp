#include "daemon/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "http/client_text.hpp"

namespace hogwild::daemon {

std::optional<TerminalSize> terminal_size(int descriptor) {
  if (::isatty(descriptor) == 0) return std::nullopt;
  const char* const kind = std::getenv("TERM");
  if (kind != nullptr && std::string_view(kind) == "dumb") return std::nullopt;
  TerminalSize size;
  winsize reported{};
  if (::ioctl(descriptor, TIOCGWINSZ, &reported) == 0 && reported.ws_col > 0 &&
      reported.ws_row > 0) {
    size.columns = reported.ws_col;
    size.rows = reported.ws_row;
  }
  return size;
}

void redraw(std::string_view text, TerminalSize size) {
  // To the corner; each line and, at the end, erasing of what was there; so nothing flickers.
  std::string out = "\x1b[H";
  for (const char c : http::clipped(text, size.columns, size.rows - 1)) {
    if (c == '\n') out += "\x1b[K";
    out += c;
  }
  out += "\x1b[J";
  fmt::print("{}", out);
  std::fflush(stdout);
}

}  // namespace hogwild::daemon
