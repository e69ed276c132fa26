"""Synchronous runs of real processes: one model on all nodes, whoever coordinates and whoever dies."""

import hashlib
import json
import signal
import time
import unittest

from swarm import SIGKILL, SIGTERM, TEST, TRAIN, SwarmTest


class Sync(SwarmTest):
    def start_sync(self, count, *arguments):
        return self.start_swarm(count, "--mode", "sync", "--early-stopping", "0", *arguments)

    def await_round(self, node, number, limit=20):
        return node.await_status(lambda s: (s["training"]["round"] or 0) >= number and s["cluster"]["coordinator"],
                                 f"round {number}", limit)

    def coordinator(self, nodes):
        """The node that another one names."""
        name = nodes[0].await_status(lambda s: s["cluster"]["coordinator"], "a coordinator")["cluster"]["coordinator"]
        return next(node for node in nodes if node.name == name["name"]), name["term"]

    def await_progress(self, node, than, limit=10):
        """Seconds until a round after `than` is committed."""
        begin = time.monotonic()
        node.await_status(lambda s: (s["training"]["round"] or 0) > than, f"a round after {than}", limit)
        return time.monotonic() - begin

    def test_four_nodes_agree_and_are_as_good_as_without_rounds(self):
        nodes = self.start_sync(4, "--epochs", "5")
        status = self.await_round(nodes[1], 5)
        self.assertEqual(status["cluster"]["mode"], "sync")
        self.assertEqual(status["rounds"]["members"], 4)
        self.assertIsNone(status["rounds"]["waiting"])
        self.assertTrue(status["cluster"]["coordinator"]["since"])
        self.assertIn("coordinator", nodes[1].request("/v1/status?format=text")[2])
        named = [each["name"] for each in json.loads(nodes[1].request("/v1/members")[2])["members"] if "coordinator" in each["roles"]]
        self.assertEqual(named, [status["cluster"]["coordinator"]["name"]])
        metrics = [node.request("/metrics")[2] for node in nodes]
        self.assertEqual(sum("hogwild_coordinator 1\n" in text for text in metrics), 1)
        self.assertIn('hogwild_sync_rounds_total{outcome="complete"}', metrics[0])
        accuracy = self.assert_same_result(nodes)["result"]["test_accuracy"]
        for node in nodes:
            self.assertIn("event=coordinator ", (node.out / "all_logs.txt").read_text())
        others = [self.start("async-1", "--train", TRAIN, "--test", TEST,
                             "--epochs", "5", "--early-stopping", "0")]
        self.assertAlmostEqual(self.assert_same_result(others)["result"]["test_accuracy"], accuracy, delta=0.01)

    def test_equal_seeds_give_equal_bits(self):
        digests = []
        settings = ["--mode", "sync", "--train", TRAIN, "--test", TEST, "--expect", "3",
                    "--seed", "7", "--broadcast-interval", "700i", "--epochs", "2"]
        for attempt in range(2):
            nodes = [self.start(f"r{attempt}-1", *settings, called="node-1")]
            for number in (2, 3):
                nodes.append(self.start(f"r{attempt}-{number}", *settings, "--join", nodes[0].gossip,
                                        called=f"node-{number}"))
            report = self.assert_same_result(nodes)
            digests.append((report["result"]["state_digest"],
                            hashlib.sha256((nodes[0].out / "model.liblinear").read_bytes()).hexdigest()))
        self.assertEqual(digests[0], digests[1])

    def test_the_coordinator_and_its_successor_are_killed_and_a_joiner_comes_with_nothing(self):
        nodes = self.start_sync(4, "--rate", "4000", "--max-time", "12s")
        self.await_round(nodes[0], 20)
        for _ in range(2):
            coordinator, term = self.coordinator(nodes)
            coordinator.signal(SIGKILL)
            nodes.remove(coordinator)
            # Rounds that were under way may still be told; a new coordinator is a newer term.
            begin = time.monotonic()
            nodes[0].await_status(lambda s, old=term: s["cluster"]["coordinator"] and
                                  s["cluster"]["coordinator"]["term"] > old, "another coordinator", 8)
            self.assertLess(time.monotonic() - begin, 6)
            self.await_progress(nodes[0], nodes[0].status()["training"]["round"])
        nodes.append(self.start("late", "--join", nodes[0].gossip))
        nodes[-1].await_status(lambda s: s["rounds"] and s["rounds"]["member"], "member of the roster")
        self.assert_same_result(nodes)

    def test_a_stopped_coordinator_is_replaced_and_comes_back(self):
        nodes = self.start_sync(3, "--rate", "4000", "--max-time", "8s")
        self.await_round(nodes[0], 20)
        coordinator, term = self.coordinator(nodes)
        others = [node for node in nodes if node is not coordinator]
        coordinator.signal(signal.SIGSTOP)
        begin = time.monotonic()
        others[0].await_status(lambda s: s["cluster"]["coordinator"] and s["cluster"]["coordinator"]["term"] > term,
                               "another coordinator", 8)
        self.assertLess(time.monotonic() - begin, 6)
        coordinator.signal(signal.SIGCONT)
        coordinator.await_status(lambda s: s["cluster"]["coordinator"] and s["cluster"]["coordinator"]["term"] > term,
                                 "the newer term known")
        self.assert_same_result(nodes)

    def test_a_minority_says_that_it_waits(self):
        nodes = self.start_sync(3, "--rate", "4000", "--max-time", "60s", "--quorum", "majority")
        self.await_round(nodes[2], 20)
        for node in nodes[:2]:
            node.signal(SIGKILL)
        status = nodes[2].await_status(lambda s: s["rounds"]["waiting"], "waiting")
        self.assertEqual(status["rounds"]["waiting"], "no quorum")
        self.assertEqual(status["node"]["state"], "waiting")
        self.assertIsNone(status["cluster"]["coordinator"])
        nodes[2].signal(SIGTERM)
        self.assertEqual(nodes[2].end(), 0)


if __name__ == "__main__":
    unittest.main()
