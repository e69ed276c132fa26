"""Clusters with a key: who has it takes part, who has another one learns why, and keys change while a run goes on."""

import re
import signal
import socket
import struct
import threading
import unittest

from swarm import TEST, TRAIN, SwarmTest, run, wait_until

SLOW = ["--rate", "10000", "--max-time", "8s", "--loss-interval", "200ms", "--early-stopping", "0"]
IDLE = ["--mode", "idle"]


def new_key():
    """(the key's line, its id)"""
    text = run("keygen").stdout
    return text.splitlines()[1], re.search(r"key ([0-9a-f]{4})", text).group(1)


class Keygen(unittest.TestCase):

    def test_each_key_is_another_one(self):
        first, second = run("keygen"), run("keygen")
        self.assertEqual(first.returncode, 0)
        self.assertRegex(first.stdout, r"\A# .*\n[A-Za-z0-9+/]{43}=\n\Z")
        self.assertNotEqual(first.stdout.splitlines()[1], second.stdout.splitlines()[1])


class SealedTest(SwarmTest):

    def key_file(self, name, *keys):
        path = self.directory / f"{name}.key"
        path.touch(mode=0o600)
        path.write_text("# a cluster's key\n" + "\n".join(keys) + "\n")
        return path

    def keys_seen(self, node):
        """{name: keys} of the live members as `node` sees them."""
        return {member["name"]: member["keys"] for member in node.json("/v1/members?state=alive")["members"]}


class Sealed(SealedTest):

    def test_a_sealed_run_ends_with_one_model(self):
        key, key_id = new_key()
        nodes = self.start_swarm(4, "--key-file", self.key_file("all", key), "--epochs", "3",
                                 "--fault", "drop=0.05,dup=0.1,reorder=0.1")
        self.assertIn(f"sealed_with={key_id}", nodes[0].log)
        nodes[3].await_alive(4)
        self.assertEqual(self.keys_seen(nodes[3]), {f"node-{i}": [key_id] for i in range(1, 5)})
        rejected = nodes[0].await_status(lambda s: s["network"]["datagrams_rejected_total"] > 0, "doubles are dropped")
        self.assertTrue(rejected)
        self.assertIn('hogwild_messages_refused_total{reason="forged"} 0\n', nodes[0].request("/metrics")[2])
        self.assert_same_result(nodes)

    def test_keys_change_while_a_run_goes_on_and_nobody_is_missed(self):
        (old, old_id), (new, new_id) = new_key(), new_key()
        names = ["node-1", "node-2", "node-3"]
        files = {name: self.key_file(name, old) for name in names}
        common = ["--train", TRAIN, "--test", TEST, "--expect", 3, "--log-level", 2, *SLOW]
        nodes = [self.start("node-1", *common, "--key-file", files["node-1"])]
        for name in names[1:]:
            nodes.append(self.start(name, *common, "--key-file", files[name], "--join", nodes[0].gossip))
        nodes[0].await_training()

        def change(*keys, ids):
            for node in nodes:
                self.key_file(node.name, *keys)
                node.signal(signal.SIGHUP)
            for node in nodes:
                wait_until(lambda at=node: self.keys_seen(at) == dict.fromkeys(names, ids), f"{node.name} sees {ids}", 10)
        change(old, new, ids=[old_id, new_id])
        change(new, old, ids=[new_id, old_id])
        change(new, ids=[new_id])
        late = self.start("late", "--key-file", self.key_file("late", new), "--join", nodes[1].gossip)
        late.await_alive(4)
        self.assert_same_result([*nodes, late])
        for node in nodes:
            self.assertNotIn("member_suspect", node.log)
            self.assertNotIn("event=traffic_refused", node.log)

    def test_a_key_file_with_a_mistake_changes_nothing(self):
        key, key_id = new_key()
        first = self.start("first", *IDLE, "--key-file", self.key_file("first", key))
        second = self.start("second", *IDLE, "--key-file", self.key_file("second", key), "--join", first.gossip)
        second.await_alive(2)
        self.key_file("second", key[1:])
        second.signal(signal.SIGHUP)
        wait_until(lambda: "event=keys_kept" in second.log, "the mistake is told")
        self.assertIn("line 2", second.log)
        self.assertEqual(self.keys_seen(first), {"first": [key_id], "second": [key_id]})


class KeptOut(SealedTest):
    """Two members, and one that is none of them."""

    def start_two(self, *arguments):
        first = self.start("first", *IDLE, *arguments)
        second = self.start("second", *IDLE, *arguments, "--join", first.gossip)
        second.await_alive(2)
        first.await_alive(2)
        return [first, second]

    def assert_kept_out(self, members, stranger, reason, words):
        """It ends with 4 and knows why; the members counted it and did not notice it otherwise."""
        self.assertEqual(stranger.end(limit=20), 4, stranger.log)
        self.assertRegex(stranger.log, f"event=refused_by_peer .*reason={reason}")
        self.assertRegex(stranger.log, f"event=join_fails .*{words}")
        self.assertIn(f"reason={reason}", members[0].log)
        self.assertNotRegex(members[0].request("/metrics")[2],
                            rf'hogwild_messages_refused_total{{reason="{reason}"}} 0\n')
        for member in members:
            counts = member.status()["cluster"]["members"]
            self.assertEqual(counts, {"alive": 2, "suspect": 0, "dead": 0, "left": 0})

    def test_another_key(self):
        members = self.start_two("--key-file", self.key_file("members", new_key()[0]))
        stranger = self.start("stranger", *IDLE, "--key-file", self.key_file("stranger", new_key()[0]),
                              "--join", members[0].gossip, "--join-timeout", "3s")
        shown = wait_until(lambda: stranger.json("/v1/members")["refused_by"], "the stranger shows who refuses it")
        metrics = stranger.request("/metrics")[2]
        self.assertRegex(metrics, r'hogwild_messages_refused_by_peers_total\{reason="other_key"\} [1-9]')
        self.assertIn("\nhogwild_messages_unsealable_total 0\n", metrics)
        self.assertEqual([shown[0]["gossip"], shown[0]["reason"]], [members[0].gossip, "other_key"])
        self.assertIn("take nothing from this one", stranger.request("/v1/members?format=text")[2])
        self.assert_kept_out(members, stranger, "other_key", "does not have the key")

    def test_no_key(self):
        members = self.start_two("--key-file", self.key_file("members", new_key()[0]))
        stranger = self.start("stranger", *IDLE, "--join", members[0].gossip, "--join-timeout", "2s")
        self.assert_kept_out(members, stranger, "not_sealed", "this node has none")

    def test_a_key_where_there_is_none(self):
        members = self.start_two()
        stranger = self.start("stranger", *IDLE, "--key-file", self.key_file("stranger", new_key()[0]),
                              "--join", members[0].gossip, "--join-timeout", "2s")
        self.assert_kept_out(members, stranger, "sealed", "has no key")

    def test_another_cluster_with_the_same_key(self):
        key = self.key_file("all", new_key()[0])
        members = self.start_two("--key-file", key)
        stranger = self.start("stranger", *IDLE, "--key-file", key, "--cluster", "other",
                              "--join", members[0].gossip, "--join-timeout", "2s")
        self.assert_kept_out(members, stranger, "other_cluster", "another cluster")

    def test_another_version_of_the_protocol(self):
        # A node of the future: it reads the request's frame, and answers with a hint of its version.
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    (size,) = struct.unpack("<I", connection.recv(4, socket.MSG_WAITALL))
                    request = connection.recv(size, socket.MSG_WAITALL)
                    hint = b"hw\x02\x03" + struct.pack("<I", 2) + request[8:16]
                    connection.sendall(struct.pack("<I", len(hint)) + hint)
        threading.Thread(target=serve, daemon=True).start()
        stranger = self.start("stranger", *IDLE, "--join", f"127.0.0.1:{server.getsockname()[1]}", "--join-timeout", "2s")
        self.assertEqual(stranger.end(limit=20), 4, stranger.log)
        self.assertRegex(stranger.log, "event=join_fails .*speaks version 2 of the protocol, this node version 1")

    def test_a_member_told_of_another_version_is_told_back(self):
        # The other way round: this node answers what it cannot read with a hint, and only so often.
        node = self.start("node", *IDLE)
        host, port = node.gossip.rsplit(":", 1)
        answers = []
        message = b"hw\x02\x01" + bytes(4) + struct.pack("<Q", 77) + bytes(60)
        for _ in range(60):
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(struct.pack("<I", len(message)) + message)
                answers.append(connection.recv(64))
        hint = struct.pack("<I", 16) + b"hw\x01\x03" + struct.pack("<I", 2) + struct.pack("<Q", 77)
        self.assertEqual(set(answers), {hint, b""})
        self.assertEqual(answers[0], hint)
        self.assertLessEqual(answers.count(hint), 20 * 3)
        # Nothing answers a datagram.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.5)
            probe.sendto(message, (host, int(port)))
            with self.assertRaises(TimeoutError):
                probe.recv(64)

    def test_a_member_that_was_left_behind_by_a_change_of_keys_learns_it(self):
        old, (new, _) = new_key()[0], new_key()
        files = {name: self.key_file(name, old) for name in ["first", "second"]}
        first = self.start("first", *IDLE, "--key-file", files["first"])
        second = self.start("second", *IDLE, "--key-file", files["second"], "--join", first.gossip)
        first.await_alive(2)
        self.key_file("first", new)
        first.signal(signal.SIGHUP)
        wait_until(lambda: second.json("/v1/members")["refused_by"], "second learns that it lacks the key", limit=15)
        self.key_file("second", new, old)
        second.signal(signal.SIGHUP)
        wait_until(lambda: not second.json("/v1/members")["refused_by"], "second is taken again", limit=30)
        second.await_alive(2)
        first.await_alive(2)

    def test_a_file_that_others_can_read_is_wrong_usage(self):
        path = self.key_file("open", new_key()[0])
        path.chmod(0o644)
        ended = run("node", "--key-file", path, "--gossip", "127.0.0.1:0")
        self.assertEqual(ended.returncode, 2, ended.stderr)
        self.assertIn("chmod 600", ended.stderr)


if __name__ == "__main__":
    unittest.main()
