"""A rolling upgrade: programs of two versions in one run, and one that speaks another version of the protocol."""

import unittest
from unittest import mock

import swarm
from swarm import HOGWILD, SIGTERM, TEST, TRAIN, SwarmTest

OTHER = HOGWILD.with_name("hogwild-other-version")


@unittest.skipUnless(OTHER.exists(), "the program of another version is not built")
class Upgrade(SwarmTest):

    def start_other(self, name, *arguments, protocol=None, **options):
        """A node of version 9.9.9."""
        program = OTHER
        if protocol is not None:
            program = self.directory / "other"
            program.write_text(f"#!/bin/sh\nE2E_PROTOCOL={protocol} exec {OTHER} \"$@\"\n")
            program.chmod(0o755)
        with mock.patch.object(swarm, "HOGWILD", program):
            return self.start(name, *arguments, **options)

    def versions(self, node):
        return {member["name"]: member["version"] for member in node.json("/v1/members")["members"] if member["state"] == "alive"}

    def test_nodes_are_replaced_one_by_one_in_a_run_that_goes_on(self):
        train = ["--train", TRAIN, "--test", TEST, "--max-time", "10m", "--early-stopping", "0", "--rate", "5000", "--expect", "2", "--log-level", "2"]
        state = {name: ["--state", self.directory / f"state-{name}"] for name in ("a", "b")}
        first = self.start("a-old", *train, *state["a"], called="a")
        second = self.start("b-old", *train, *state["b"], "--join", first.gossip, called="b")
        first.await_training()
        run_id = first.status()["run"]["id"]
        new = []
        for leaver, name in ((first, "a"), (second, "b")):
            seed = second if leaver is first else new[0]
            leaver.signal(SIGTERM)
            self.assertEqual(leaver.end(), 0, leaver.log)
            new.append(self.start_other(f"{name}-new", *train, *state[name], "--join", seed.gossip, called=name))
            new[-1].await_status(lambda s: s["training"]["node_updates_total"], "the new one trains")
            if leaver is first:
                mixed = self.versions(second)
                self.assertEqual(mixed["a"], "9.9.9", mixed)
                self.assertNotEqual(mixed["b"], "9.9.9")
        self.assertEqual(self.versions(new[0]), {"a": "9.9.9", "b": "9.9.9"})
        self.assertEqual(new[1].status()["run"]["id"], run_id)
        new[0].request("/v1/stop", "POST")
        self.assert_same_result(new)

    def test_another_protocol_is_kept_out_and_both_sides_say_so(self):
        node = self.start("node", "--mode", "idle", "--log-level", "2")
        other = self.start_other("other", "--mode", "idle", "--join", node.gossip, "--join-timeout", "2s", protocol=2)
        self.assertEqual(other.end(limit=20), 4, other.log)
        self.assertIn("speaks version 1 of the protocol, this node version 2", other.log)
        self.assertIn("event=traffic_refused", node.log)
        self.assertIn("other_version", node.log)
        self.assertEqual(node.status()["cluster"]["members"]["alive"], 1)


if __name__ == "__main__":
    unittest.main()
