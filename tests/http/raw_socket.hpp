#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hogwild::http {

/// A blocking TCP connection that says exactly what a test wants said. Whatever takes 20 s throws.
class RawSocket {
 public:
  /// Connects to this machine. `receive_bytes` bounds what the system takes in for a client that
  /// does not read.
  static RawSocket connect(std::uint16_t port, std::string_view address = "127.0.0.1",
                           int receive_bytes = 0);
  /// Takes over an open descriptor.
  explicit RawSocket(int descriptor);
  RawSocket(RawSocket&& other) noexcept;
  RawSocket& operator=(RawSocket&& other) noexcept;
  ~RawSocket();

  /// Sends all of it; what the other side does not take any longer is dropped.
  void send(std::string_view bytes);
  /// Says that nothing will follow.
  void finish_sending();
  /// Makes the close a reset.
  void reset();

  /// One message: a header, and as many bytes as its Content-Length says. Throws where it ends
  /// before.
  std::string read_message();
  /// The same without a body, as after HEAD.
  std::string read_head();
  /// Everything up to `mark` and with it. Throws where the other side closes before.
  std::string read_through(std::string_view mark);
  /// Takes in `count` further bytes and forgets them. Throws where the other side closes before.
  void skip(std::size_t count);
  /// Everything until the other side closes or resets.
  std::string read_rest();
  /// Passes on what comes from either side until one of them closes, as a proxy's tunnel does.
  void join(RawSocket& other);

 private:
  bool receive();

  int descriptor_ = -1;
  std::string unread_;
};

/// The body of a message, the part after the empty line.
std::string body_of(std::string_view message);

}  // namespace hogwild::http
