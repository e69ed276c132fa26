"""A node that joins with nothing gets the run's data from its members, and takes part."""

import unittest

from swarm import SIGKILL, SIGTERM, SwarmTest, run


class DataTravels(SwarmTest):

    def files(self, rows=4000):
        """Text files that only who has them can read."""
        train, test = self.directory / "train.svm", self.directory / "test.svm"
        for source, path in [(f"synth:rcv1?n={rows}", train), ("synth:rcv1?n=500&part=test", test)]:
            self.assertEqual(run("data", "synth", source, path).returncode, 0)
        return ["--train", train, "--test", test]

    def start_donors(self, count, *more):
        options = ["--rate", "4000", "--early-stopping", "0", "--expect", str(count), *more]
        first = self.start("node-1", *self.files(), *options)
        others = [self.start(f"node-{i}", "--train", self.directory / "train.svm", "--test", self.directory / "test.svm",
                             "--join", first.gossip, *options) for i in range(2, count + 1)]
        return [first, *others]

    def finish(self, nodes):
        """Ends the run, with a model that knows more than nothing."""
        self.assertEqual(nodes[0].request("/v1/stop", "POST")[0], 202)
        self.assert_same_result(nodes, accuracy=0.5)

    def test_a_joiner_with_nothing_takes_part(self):
        donors = self.start_donors(1, "--max-time", "60s")
        joiner = self.start("joiner", "--join", donors[0].gossip, "--log-level", "2")
        joiner.await_status(lambda s: s["training"]["node_updates_total"] > 0, "it trains")
        self.finish([*donors, joiner])
        self.assertIn("event=data_fetched", joiner.log)

    def test_it_evaluates_when_who_gave_the_data_is_gone(self):
        donors = self.start_donors(1, "--max-time", "60s", "--loss-interval", "200ms")
        joiner = self.start("joiner", "--join", donors[0].gossip, "--rate", "4000")
        joiner.await_status(lambda s: s["training"]["node_updates_total"] > 0, "it trains")
        donors[0].signal(SIGKILL)
        joiner.await_status(lambda s: s["cluster"]["evaluator"]["name"] == "joiner", "it evaluates")
        self.finish([joiner])

    def test_another_donor_goes_on_when_one_dies(self):
        donors = self.start_donors(2, "--max-time", "60s", "--bandwidth", "8Mbit")  # half a megabyte a second of data
        joiner = self.start("joiner", "--join", donors[0].gossip, "--log-level", "2")
        joiner.await_log("event=fetching_data")
        donors[1].signal(SIGKILL)
        joiner.await_status(lambda s: s["training"]["node_updates_total"] > 0, "it trains")
        self.finish([donors[0], joiner])

    def test_state_keeps_the_data_for_the_next_start(self):
        donors = self.start_donors(1, "--max-time", "60s")
        state = self.directory / "state"
        joiner = self.start("joiner", "--join", donors[0].gossip, "--state", state, "--log-level", "2")
        joiner.await_status(lambda s: s["training"]["node_updates_total"] > 0, "it trains")
        joiner.signal(SIGTERM)
        self.assertEqual(joiner.end(), 0, joiner.log)
        stored = sorted(path.name.split("-")[0] for path in state.glob("*.hwd"))
        self.assertEqual(stored, ["test", "train"])
        again = self.start("again", "--join", donors[0].gossip, "--state", state, "--log-level", "2")
        again.await_status(lambda s: s["training"]["node_updates_total"] > 0, "it trains at once")
        self.assertNotIn("event=fetching_data", again.log)
        again.signal(SIGTERM)
        again.end()
        # What was damaged meanwhile is fetched anew.
        train = next(state.glob("train-*.hwd"))
        content = bytearray(train.read_bytes())
        content[len(content) // 2] ^= 1
        train.write_bytes(content)
        third = self.start("third", "--join", donors[0].gossip, "--state", state, "--log-level", "2")
        third.await_status(lambda s: s["training"]["node_updates_total"] > 0, "it trains")
        self.assertIn("event=stored_data_unusable", third.log)
        self.finish([*donors, third])


if __name__ == "__main__":
    unittest.main()
