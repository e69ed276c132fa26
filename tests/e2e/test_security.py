"""What a stranger, a curious user and an operator who changes keys see of a sealed node."""

import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

from swarm import HOGWILD, SwarmTest, clean_environment, needs_tool, run, wait_until

IDLE = ["--mode", "idle"]
NOBODY = 65534


def sockets_of(pid):
    """{(protocol, local port)} that a process listens at or is bound to."""
    inodes = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
        except OSError:
            continue
        if found:
            inodes.add(found.group(1))
    bound = set()
    for protocol, listening in [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")]:
        for line in pathlib.Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in inodes and words[3] == listening:
                bound.add((protocol[:3], int(words[1].rsplit(":", 1)[1], 16)))
    return bound


class Security(SwarmTest):

    def sealed(self, name, *arguments):
        key = self.directory / "key"
        if not key.exists():
            self.assertEqual(run("keygen", "--add-to", key).returncode, 0)
        return self.start(name, *arguments, "--key-file", key)

    def test_no_answer_is_longer_than_its_question(self):
        node = self.sealed("node", *IDLE)
        host, port = node.gossip.rsplit(":", 1)
        draw = random.Random(7)
        for size in [0, 1, 4, 15, 16, 17, 24, 40, 64, 1400]:
            for head in [b"", b"hw\x01\x01", b"hw\x01\x02", b"hw\x02\x01", b"hw\x01\x03"]:
                question = (head + draw.randbytes(size))[:size]
                with socket.create_connection((host, int(port)), timeout=10) as connection:
                    connection.sendall(struct.pack("<I", size) + question)
                    connection.shutdown(socket.SHUT_WR)
                    answer = b""
                    while piece := connection.recv(4096):
                        answer += piece
                self.assertLessEqual(len(answer), 4 + size, question)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.3)
            for protocol, bound in sockets_of(node.process.pid):
                if protocol == "udp":
                    for head in [b"", b"hw\x01\x01", b"hw\x01\x02"]:
                        probe.sendto(head + draw.randbytes(100), (host, bound))
            with self.assertRaises(TimeoutError):
                probe.recv(2048)

    def test_nothing_is_open_but_what_the_documents_say(self):
        node = self.sealed("node", *IDLE)
        ports = sockets_of(node.process.pid)
        gossip, http = (int(at.rsplit(":", 1)[1]) for at in [node.gossip, node.http])
        self.assertLessEqual({("tcp", gossip), ("udp", gossip), ("tcp", http)}, ports)
        # And the UDP port of the deltas.
        self.assertEqual(sorted(protocol for protocol, _ in ports), ["tcp", "tcp", "udp", "udp"])

    def test_secrets_are_nowhere_to_be_seen(self):
        token = self.directory / "token"
        token.touch(mode=0o600)
        token.write_text("bWFueSBzZWNyZXRz\n")
        node = self.sealed("node", "--train", "synth:rcv1?n=2000", "--test", "synth:rcv1?n=500&part=test", "--http-token-file", token,
                           "--log-level", "3", "--on-finish", "serve")
        node.await_status(lambda s: s["node"]["state"] == "finished", "finished")
        key = [line for line in (self.directory / "key").read_text().splitlines() if not line.startswith("#")][0]
        places = {"log": node.log, "stdout": node.stdout}
        for path in ["/", "/v1/status", "/v1/members", "/v1/config", "/v1/logs?level=3", "/metrics", "/v1/report", "/v1/deltas"]:
            places[path] = node.request(path)[2]
        for name in ["cmdline", "environ"]:
            places[name] = pathlib.Path(f"/proc/{node.process.pid}/{name}").read_text(errors="replace")
        # The logs are the last to be written.
        wait_until(lambda: (node.out / "all_logs.txt").exists() and not list(node.out.glob("*.partial")), "all files")
        for path in node.out.iterdir():
            places[path.name] = path.read_text(errors="replace")
        for place, text in places.items():
            for secret in [key, "bWFueSBzZWNyZXRz"]:
                self.assertNotIn(secret, text, place)

    @unittest.skipIf(os.getuid() != 0, "needs root to be another user")
    @needs_tool("setpriv")
    def test_a_process_with_a_key_leaves_no_core_and_shows_its_memory_to_nobody(self):
        # The kernel gives what shows the memory of such a process to root alone.
        os.chmod(self.directory, 0o755)
        program = self.directory / "hogwild"
        shutil.copy(HOGWILD, program)
        key = self.directory / "nobody.key"
        run("keygen", "--add-to", key)
        os.chown(key, NOBODY, NOBODY)
        owners = {}
        for name, more in [("sealed", ["--key-file", key]), ("open", [])]:
            with (self.directory / f"{name}.err").open("wb") as log:
                process = subprocess.Popen(["setpriv", f"--reuid={NOBODY}", "--clear-groups", program, "node", "--name", name, *IDLE,
                                            "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0", *map(str, more)],
                                           env=clean_environment(), stderr=log, stdin=subprocess.DEVNULL)
            try:
                wait_until(lambda at=name: "event=started" in (self.directory / f"{at}.err").read_text(), "started")
                owners[name] = os.stat(f"/proc/{process.pid}/mem").st_uid
            finally:
                process.terminate()
                process.wait(20)
        self.assertEqual(owners, {"sealed": 0, "open": NOBODY})

    def test_keys_change_by_command_without_a_signal(self):
        first = self.sealed("first", *IDLE)
        second = self.sealed("second", *IDLE, "--join", first.gossip)
        second.await_alive(2)

        def keys():
            return [member["keys"] for member in first.json("/v1/members?state=alive")["members"]]

        old = keys()[0]
        for step, count in [("--add-to", 2), ("--promote-in", 2), ("--retire-in", 1)]:
            told = run("keygen", step, self.directory / "key")
            self.assertEqual(told.returncode, 0, told.stderr)
            # In this order: the first one seals.
            expected = re.search(r"opens (.*)", told.stdout).group(1).split(", ")
            self.assertEqual(len(expected), count)
            if step == "--promote-in":
                second.signal(signal.SIGHUP)  # a signal does it at once
            wait_until(lambda ids=expected: keys() == [ids, ids], f"both have {expected}", 20)
        self.assertNotEqual(keys()[0], old)
        for node in [first, second]:
            self.assertNotIn("member_suspect", node.log)
            self.assertNotIn("event=traffic_refused", node.log)

    def test_who_opens_many_connections_keeps_nobody_out(self):
        # From this machine there is no limit for one address, but there is one in all.
        first = self.sealed("first", *IDLE)
        host, port = first.gossip.rsplit(":", 1)
        held = [socket.create_connection((host, int(port)), timeout=5) for _ in range(100)]
        try:
            second = self.sealed("second", *IDLE, "--join", first.gossip)
            start = time.monotonic()
            second.await_alive(2)
            self.assertLess(time.monotonic() - start, 20)
        finally:
            for connection in held:
                connection.close()


if __name__ == "__main__":
    unittest.main()
