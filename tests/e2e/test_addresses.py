"""Where members are: names with several addresses, names that work later, addresses behind a router, IPv6."""

import contextlib
import os
import pathlib
import selectors
import shlex
import socket
import subprocess
import threading
import time
import unittest
from unittest import mock

import swarm
from swarm import HOGWILD, SwarmTest, needs_tool, wait_until

IDLE = ["--mode", "idle", "--log-level", 2]
NAME = "swarm.test"


@needs_tool("unshare")
@unittest.skipIf(os.geteuid() != 0, "a file of hosts of one's own needs root")
class Names(SwarmTest):
    """Nodes whose /etc/hosts is a file of the test."""

    def setUp(self):
        super().setUp()
        self.hosts = self.directory / "hosts"
        self.name_hosts()
        script = self.directory / "hogwild"
        inner = f"mount --bind {shlex.quote(str(self.hosts))} /etc/hosts && exec {shlex.quote(str(HOGWILD))} \"$@\""
        script.write_text(f"#!/bin/sh\nexec unshare -m sh -c {shlex.quote(inner)} hogwild \"$@\"\n")
        script.chmod(0o755)
        patch = mock.patch.object(swarm, "HOGWILD", script)
        patch.start()
        self.addCleanup(patch.stop)

    def name_hosts(self, *addresses):
        """In place: what is bound is the file, not its name."""
        lines = ["127.0.0.1 localhost", *(f"{address} {NAME}" for address in addresses)]
        self.hosts.write_text("\n".join(lines) + "\n")

    def test_a_name_that_has_no_address_yet_is_asked_for_again_and_stands_for_all_it_gets(self):
        seed = self.start("seed", *IDLE)
        port = seed.gossip.rsplit(":", 1)[1]
        seeker = self.start("seeker", *IDLE, "--join", f"{NAME}:{port}")
        time.sleep(1)
        self.assertEqual(seeker.status()["cluster"]["members"]["alive"], 1)
        self.name_hosts("127.0.0.9", "127.0.0.1")  # nobody is at the first
        seeker.await_alive(2)
        seed.await_alive(2)

    def test_groups_that_met_under_a_name_find_those_that_it_gets_later(self):
        far = self.start("far-1", *IDLE)
        self.start("far-2", *IDLE, "--join", far.gossip)
        near = self.start("near-1", *IDLE, "--join", f"{NAME}:{far.gossip.rsplit(':', 1)[1]}")
        other = self.start("near-2", *IDLE, "--join", near.gossip)
        other.await_alive(2)
        far.await_alive(2)
        self.name_hosts("127.0.0.1")
        for node in [far, near, other]:
            node.await_alive(4)


class Router:
    """What a router with a mapped port does: what comes to `outside` goes to `inside`, and answers come back."""

    def __init__(self, outside):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((outside, 0))
        self.port = self.udp.getsockname()[1]
        self.tcp = socket.create_server((outside, self.port))
        self.inside = None
        self.is_over = False
        self.flows = {}
        self.datagrams = 0

    def lead_to(self, inside):
        self.inside = inside
        threading.Thread(target=self.pass_datagrams, daemon=True).start()
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.is_over = True
        self.udp.close()
        self.tcp.close()

    def pass_datagrams(self):
        """One socket for each outside peer, so that the answers of the inside find their way."""
        with selectors.DefaultSelector() as selector, contextlib.suppress(OSError, ValueError):
            selector.register(self.udp, selectors.EVENT_READ)
            while not self.is_over:
                for key, _ in selector.select(0.2):
                    if key.fileobj is self.udp:
                        data, peer = self.udp.recvfrom(65536)
                        if peer not in self.flows:
                            self.flows[peer] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                            selector.register(self.flows[peer], selectors.EVENT_READ, peer)
                        self.datagrams += 1
                        self.flows[peer].sendto(data, self.inside)
                    else:
                        with contextlib.suppress(OSError):
                            self.udp.sendto(key.fileobj.recv(65536), key.data)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                outer, _ = self.tcp.accept()
                threading.Thread(target=self.pass_stream, args=(outer,), daemon=True).start()

    def pass_stream(self, outer):
        with outer, contextlib.suppress(OSError), socket.create_connection(self.inside) as inner:
            back = threading.Thread(target=self.copy, args=(inner, outer), daemon=True)
            back.start()
            self.copy(outer, inner)
            back.join()

    @staticmethod
    def copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


class BehindARouter(SwarmTest):

    def test_a_run_with_a_node_that_only_one_mapped_port_leads_to(self):
        router = Router("127.0.0.9")
        self.addCleanup(router.close)
        common = ["--train", swarm.TRAIN, "--test", swarm.TEST, "--expect", 2, "--epochs", "3"]
        # Its own sockets are at 127.0.0.1; the others know 127.0.0.9 and the router's port alone.
        port = swarm.free_port()
        router.lead_to(("127.0.0.1", port))
        hidden = self.start("hidden", *common, "--gossip", f"127.0.0.1:{port}",
                            "--advertise", f"127.0.0.9:{router.port}")
        other = self.start("other", *common, "--join", f"127.0.0.9:{router.port}")
        self.assert_same_result([hidden, other])
        self.assertGreater(router.datagrams, 10)
        for node in [hidden, other]:
            self.assertNotIn("member_suspect", node.log)


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@unittest.skipUnless(has_ipv6(), "there is no IPv6 here")
class Ipv6(SwarmTest):

    def test_a_run_over_ipv6(self):
        at = ["--gossip", "[::1]:0", "--http", "[::1]:0"]
        common = ["--train", swarm.TRAIN, "--test", swarm.TEST, "--expect", 2, "--epochs", "3", *at]
        first = self.start("first", *common)
        self.assertRegex(first.gossip, r"^\[::1\]:\d+$")
        second = self.start("second", *common, "--join", first.gossip)
        self.assert_same_result([first, second])


# In a network of its own: 30 ports, and the UDP side of most of them taken.
FEW_PORTS = """
ip link set lo up
echo "40000 40029" >/proc/sys/net/ipv4/ip_local_port_range
exec python3 - "$1" <<'END'
import socket, subprocess, sys
taken = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for port in range(40000, 40030) if port % 5]
for port, one in zip([port for port in range(40000, 40030) if port % 5], taken):
    one.bind(("127.0.0.1", port))
for number in range(10):
    node = subprocess.Popen([sys.argv[1], "node", "--name", "n", "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0",
                             "--mode", "idle"], stderr=subprocess.PIPE, text=True)
    print(node.stderr.readline(), end="")
    node.kill()
    node.wait()
END
"""


@needs_tool("unshare")
@needs_tool("ip")
@unittest.skipIf(os.geteuid() != 0, "a network of one's own needs root")
class FewPorts(SwarmTest):

    def test_port_0_takes_one_that_is_free_for_tcp_and_udp(self):
        ended = subprocess.run(["unshare", "--net", "sh", "-c", FEW_PORTS, "sh", HOGWILD], capture_output=True, text=True,
                               timeout=60, check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        self.assertEqual(ended.stdout.count("event=started"), 10, ended.stdout)


if __name__ == "__main__":
    unittest.main()
