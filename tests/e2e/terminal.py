"""A program on a terminal of its own, for tests of what people see."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from swarm import clean_environment, wait_until


class Terminal:
    """A process whose standard output and error are a terminal of that size; read from all the time."""

    def __init__(self, arguments, columns=80, rows=24):
        master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen([str(argument) for argument in arguments], stdin=subprocess.DEVNULL,
                                        stdout=terminal, stderr=terminal, env=clean_environment(TERM="xterm"))
        os.close(terminal)
        self._master = master
        self._bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def read(self):
        """All that it has written so far."""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while select.select([self._master], [], [], 0)[0]:
                piece = os.read(self._master, 65536)
                if not piece:
                    break
                self._bytes += piece
        return self._bytes.decode(errors="replace").replace("\r\n", "\n")

    def await_text(self, pattern, limit=30):
        return wait_until(lambda: re.search(pattern, self.read()), f"{pattern!r} on the terminal:\n{self.read()}", limit)

    def end(self, limit=30):
        """The exit code."""
        end = time.monotonic() + limit
        while self.process.poll() is None and time.monotonic() < end:
            self.read()  # or it waits for room
            time.sleep(0.01)
        self.read()
        return self.process.wait(1)


def without_controls(text):
    """What would be left on paper: without what moves the cursor or colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
