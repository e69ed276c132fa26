#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace hogwild::daemon {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// The size of the terminal behind a descriptor as it is now, 80 by 24 where it does not say;
/// nothing where it is a file or a pipe, or a terminal that cannot move its cursor (TERM=dumb).
[[nodiscard]] std::optional<TerminalSize> terminal_size(int descriptor);

/// Shows `text` on the terminal of standard output in place of what it showed: from its upper left
/// corner, cut to its size.
void redraw(std::string_view text, TerminalSize size);

}  // namespace hogwild::daemon
