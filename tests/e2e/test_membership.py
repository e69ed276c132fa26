"""What people do about members, and how soon the others notice what happens to one."""

import re
import time
import unittest

from swarm import SIGKILL, SwarmTest, run, wait_until

IDLE = ["--mode", "idle", "--log-level", 2]


class MembershipTest(SwarmTest):

    def start_idle(self, count, *arguments):
        """So many members that all know each other."""
        nodes = [self.start("node-1", *IDLE, *arguments)]
        for number in range(2, count + 1):
            nodes.append(self.start(f"node-{number}", *IDLE, *arguments, "--join", nodes[0].gossip))
        for node in nodes:
            node.await_alive(count)
        return nodes

    def member(self, node, name):
        return next(row for row in node.json("/v1/members")["members"] if row["name"] == name)


class ByHand(MembershipTest):

    def test_a_dead_member_can_be_removed_and_only_a_dead_one(self):
        nodes = self.start_idle(3)
        victim = self.member(nodes[0], "node-3")
        status, _, text = nodes[0].request(f"/v1/members/{victim['id']}", method="DELETE")
        self.assertEqual(status, 409, text)
        self.assertIn("node-3 is alive", text)
        nodes[2].signal(SIGKILL)
        nodes[0].await_status(lambda s: s["cluster"]["members"]["alive"] == 2, "misses it")
        status, _, _ = nodes[0].request(f"/v1/members/{victim['id'][:7]}", method="DELETE")
        self.assertEqual(status, 404, "too few digits to mean anybody")
        status, _, text = nodes[0].request(f"/v1/members/{victim['id'][:8]}", method="DELETE")
        self.assertEqual(status, 200, text)
        for node in nodes[:2]:
            node.await_status(lambda s: s["cluster"]["members"] == {"alive": 2, "suspect": 0, "dead": 0, "left": 1},
                              "knows that it was removed", limit=5)
        self.assertRegex(nodes[0].log, "event=member_left name=node-3 .*removed by hand")
        status, _, text = nodes[0].request(f"/v1/members/{victim['id']}", method="DELETE")
        self.assertEqual(status, 409, text)
        status, _, _ = nodes[0].request(f"/v1/members/{'0' * 32}", method="DELETE")
        self.assertEqual(status, 404)

    def test_running_nodes_are_told_to_join_and_to_leave(self):
        first, second = self.start("first", *IDLE), self.start("second", *IDLE)
        status, _, text = second.request(f"/v1/join?address={first.gossip}", method="POST")
        self.assertEqual(status, 202, text)
        for node in [first, second]:
            node.await_alive(2)
        self.assertEqual(second.request("/v1/leave", method="POST")[0], 202)
        self.assertEqual(second.end(), 0, second.log)
        first.await_status(lambda s: s["cluster"]["members"] == {"alive": 1, "suspect": 0, "dead": 0, "left": 1},
                           "knows that it left", limit=5)
        self.assertRegex(first.log, "event=member_left name=second .*evidence=")
        self.assertNotIn("member_suspect", first.log)

    def test_members_read_well(self):
        nodes = self.start_idle(3)
        text = run("members", nodes[1].http).stdout
        lines = text.splitlines()
        self.assertEqual(lines[0].split(), ["name", "state", "for", "rtt_ms", "gossip", "http", "version", "keys", "id",
                                            "note"])
        self.assertEqual([line.split()[0] for line in lines[1:4]], ["node-1", "node-2", "node-3"])
        self.assertRegex(lines[1], r"^node-1 +alive +\d+s +[-\d.]+ +127\.0\.0\.1:\d+ +:\d+ ")
        self.assertTrue(lines[2].endswith("  this node"), lines[2])
        self.assertEqual(lines[5], "3 members: 3 alive, 0 suspect, 0 dead, 0 left")


class Remembered(MembershipTest):

    def test_a_node_that_starts_again_finds_its_cluster_by_itself(self):
        state = self.directory / "state"
        nodes = self.start_idle(2)
        lonely = self.start("lonely", *IDLE, "--state", state, "--join", nodes[0].gossip)
        lonely.await_alive(3)
        peers = state / "peers"
        wait_until(lambda: peers.exists() and peers.read_text().count("node-") == 2, "both are remembered")
        lonely.signal(SIGKILL)
        lonely.end()
        nodes[0].signal(SIGKILL)  # whom it was told of is gone
        again = self.start("again", *IDLE, "--state", state, called="lonely")
        again.await_status(lambda s: s["cluster"]["members"]["alive"] >= 2, "found the other", limit=10)

    def test_a_file_that_cannot_be_read_is_told_and_not_fatal(self):
        state = self.directory / "state"
        state.mkdir()
        (state / "peers").write_text("nonsense\n")
        node = self.start("node", *IDLE, "--state", state)
        wait_until(lambda: "event=peers_forgotten" in node.log, "the mistake is told")
        self.assertIn("line 1", node.log)
        node.await_alive(1)


class Death(MembershipTest):

    def seconds_until_known(self, victim, survivors):
        start = time.monotonic()
        victim.signal(SIGKILL)
        for node in survivors:
            node.await_status(lambda s: s["cluster"]["members"]["dead"] == 1, "knows of the death", limit=15)
        return time.monotonic() - start

    def test_a_killed_process_is_known_to_be_dead_soon_and_by_its_refused_port(self):
        nodes = self.start_idle(5)
        seconds = self.seconds_until_known(nodes[4], nodes[:4])
        self.assertLess(seconds, 5, "as the others probe it and are refused")
        evidence = "".join(re.findall("event=member_(?:suspect|failed) name=node-5 .*", "".join(n.log for n in nodes[:4])))
        self.assertRegex(evidence, "refused|nobody listens|reset")


if __name__ == "__main__":
    unittest.main()
