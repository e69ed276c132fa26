"""Several daemons and one model, whatever happens to them."""

import csv
import gzip
import json
import re
import unittest

from swarm import FILES, SHARED_DATA, SIGINT, SIGKILL, SIGTERM, TEST, TRAIN, SwarmTest, run

# A run that lasts long enough to be disturbed, and not longer.
SLOW = ["--rate", "10000", "--max-time", "5s", "--loss-interval", "200ms", "--early-stopping", "0"]


class Undisturbed(SwarmTest):

    def test_how_seldom_news_is_sent_does_not_slow_a_node(self):
        # Workers take what waits for them in a millisecond: more has to come when they want it, not when news is sent.
        node = self.start("node-1", "--train", "synth:rcv1?n=20000", "--test", TEST, "--broadcast-interval", "1s",
                          "--epochs", "100", "--early-stopping", "0")
        self.assertLess(self.assert_same_result([node])["result"]["elapsed_seconds"], 20)

    def test_how_seldom_news_is_sent_does_not_slow_a_node_that_has_a_rate(self):
        node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--broadcast-interval", "1s", "--rate", "5000",
                          "--max-time", "3s", "--early-stopping", "0")
        self.assertGreater(self.assert_same_result([node])["result"]["updates"], 10_000)

    def test_four_nodes_end_with_one_state_and_one_model(self):
        nodes = self.start_swarm(4, "--epochs", "5")
        report = self.assert_same_result(nodes)
        self.assertGreaterEqual(report["result"]["updates"], 5 * 20000)
        self.assertEqual(report["result"]["stop_reason"], "epochs")
        self.assertEqual({node["name"] for node in report["nodes"]}, {f"node-{i}" for i in range(1, 5)})

    def test_every_node_writes_every_file(self):
        for node in self.start_swarm(2, "--epochs", "2"):
            self.assertEqual(node.end(), 0, node.log)
            self.assertEqual(sorted(path.name for path in node.out.iterdir()), FILES)
            rows = list(csv.DictReader((node.out / "val_stats.csv").read_text().splitlines()))
            self.assertEqual(list(rows[0]), ["t_seconds", "updates", "loss", "accuracy"])
            best = rows[node.report()["result"]["best_row"]]
            self.assertAlmostEqual(float(best["accuracy"]), node.report()["result"]["test_accuracy"], places=6)
            header = (node.out / "train_stats.csv").read_text().splitlines()[0]
            self.assertEqual(header, "t_seconds,updates,loss,accuracy,batch")
            self.assertEqual((node.out / "weights.csv").read_text().splitlines()[0], "id,weight")
            report = node.report()
            for key in ["run", "settings", "result", "nodes", "members", "links"]:
                self.assertIn(key, report)

    def test_one_node_alone_trains_too(self):
        self.assert_same_result(self.start_swarm(1, "--epochs", "3"))

    def test_a_node_without_data_of_its_own_ends_with_the_same_model(self):
        first = self.start("node-1", "--train", TRAIN, "--test", TEST, "--expect", "2", "--epochs", "3")
        second = self.start("node-2", "--join", first.gossip, "--expect", "2")
        self.assert_same_result([first, second])

    def test_an_idle_member_trains_nothing_and_writes_nothing(self):
        first = self.start("node-1", "--train", TRAIN, "--test", TEST, "--expect", "2", "--epochs", "3")
        idle = self.start("idle", "--mode", "idle", "--join", first.gossip)
        self.assert_same_result([first])
        self.assertEqual(idle.end(), 0, idle.log)
        self.assertFalse(idle.out.exists())

    def test_updates_and_loss_stop_a_run(self):
        nodes = self.start_swarm(2, "--updates", "30000")
        self.assertEqual(self.assert_same_result(nodes, accuracy=0.5)["result"]["stop_reason"], "updates")

    def test_an_interval_in_updates_longer_than_a_node_may_run_ahead(self):
        nodes = self.start_swarm(2, "--epochs", "3", "--broadcast-interval", "100000i")
        self.assertGreaterEqual(self.assert_same_result(nodes)["result"]["updates"], 60000)

    def test_logistic_loss_with_a_bias(self):
        self.assert_same_result(self.start_swarm(2, "--loss", "logistic", "--bias", "--epochs", "3"))


class Disturbed(SwarmTest):

    def test_a_late_node_joins_through_one_that_is_not_the_first(self):
        nodes = self.start_swarm(3, *SLOW)
        nodes[0].await_training()
        late = self.start("late", "--join", nodes[1].gossip)
        late.await_status(lambda s: s["cluster"]["members"]["alive"] == 4, "sees all four")
        late.await_status(lambda s: (s["training"]["node_updates_total"] or 0) > 0, "trains")
        self.assert_same_result([*nodes, late])

    def test_survivors_of_a_killed_node_finish_alike(self):
        nodes = self.start_swarm(4, *SLOW)
        nodes[2].await_training()
        nodes[2].signal(SIGKILL)
        survivors = [node for node in nodes if node is not nodes[2]]
        for node in survivors:
            node.await_status(lambda s: s["cluster"]["members"]["dead"] == 1, "knows of the death", limit=10)
        report = self.assert_same_result(survivors)
        self.assertEqual({node["name"]: node["state"] for node in report["nodes"]}["node-3"], "dead")

    def test_survivors_of_the_first_node_finish_alike(self):
        nodes = self.start_swarm(4, *SLOW)
        nodes[1].await_training()
        nodes[0].signal(SIGKILL)
        for node in nodes[1:]:
            node.await_alive(3)
        self.assert_same_result(nodes[1:])

    def test_half_of_the_nodes_can_be_killed(self):
        nodes = self.start_swarm(4, *SLOW)
        nodes[1].await_training()
        nodes[0].signal(SIGKILL)
        nodes[3].signal(SIGKILL)
        self.assert_same_result(nodes[1:3])

    def test_a_node_told_to_terminate_leaves_and_the_rest_finish_alike(self):
        nodes = self.start_swarm(3, *SLOW)
        nodes[1].await_training()
        nodes[1].signal(SIGTERM)
        self.assertEqual(nodes[1].end(), 0, nodes[1].log)
        self.assertEqual(nodes[1].report()["node"]["state"], "left")
        self.assertFalse((nodes[1].out / "model.liblinear").exists())
        rest = [nodes[0], nodes[2]]
        for node in rest:
            node.await_status(lambda s: s["cluster"]["members"]["left"] == 1, "knows that it left", limit=5)
        self.assert_same_result(rest)

    def test_an_interrupted_node_leaves_with_130(self):
        nodes = self.start_swarm(2, *SLOW)
        nodes[1].await_training()
        nodes[1].signal(SIGINT)
        self.assertEqual(nodes[1].end(), 130, nodes[1].log)
        self.assert_same_result(nodes[:1])

    def test_a_node_that_waits_for_others_can_be_told_to_terminate(self):
        node = self.start("alone", "--train", TRAIN, "--expect", "3")
        node.signal(SIGTERM)
        self.assertEqual(node.end(limit=10), 0, node.log)

    def test_lost_doubled_and_reordered_datagrams_change_nothing(self):
        nodes = self.start_swarm(4, *SLOW, "--fault", "drop=0.1,dup=0.05,reorder=0.1")
        nodes[3].await_status(lambda s: s["network"]["datagrams_repaired_total"] > 0, "something was lost and repaired")
        self.assert_same_result(nodes)

    def test_a_third_of_all_datagrams_lost_changes_nothing(self):
        nodes = self.start_swarm(3, "--epochs", "3", "--fault", "drop=0.3,seed=5")
        self.assert_same_result(nodes)

    def test_a_run_stops_when_asked_and_keeps_its_result(self):
        nodes = self.start_swarm(2, "--rate", "10000", "--early-stopping", "0", "--max-time", "60s")
        nodes[1].await_training()
        status, _, text = nodes[1].request("/v1/stop", method="POST")
        self.assertIn(status, [200, 202, 204], text)
        self.assert_same_result(nodes, accuracy=0.5)


class Refused(SwarmTest):

    def test_a_joiner_whose_flags_contradict_the_run_is_told_both_values(self):
        first = self.start_swarm(1, *SLOW)[0]
        first.await_training()
        joiner = self.start("other", "--join", first.gossip, "--lambda", "0.25")
        self.assertEqual(joiner.end(), 4, joiner.log)
        self.assertIn("0.25", joiner.log)
        self.assertIn("0.0001", joiner.log.replace("1e-4", "0.0001").replace("1e-04", "0.0001"))
        self.assert_same_result([first])

    def test_a_name_in_use_is_refused(self):
        first = self.start_swarm(1, *SLOW)[0]
        first.await_training()
        second = self.start("again", "--join", first.gossip, called="node-1")
        self.assertEqual(second.end(), 4, second.log)
        self.assert_same_result([first])

    def test_a_node_that_reaches_nobody_gives_up_when_it_was_told_to(self):
        lonely = self.start("lonely", "--train", TRAIN, "--join", "127.0.0.1:9", "--join-timeout", "1s")
        self.assertEqual(lonely.end(), 4, lonely.log)

    def test_nodes_of_another_cluster_are_not_met(self):
        first = self.start("node-1", "--train", TRAIN, "--cluster", "a", *SLOW)
        second = self.start("node-2", "--train", TRAIN, "--cluster", "b", "--join", first.gossip, "--join-timeout", "2s")
        self.assertEqual(second.end(), 4, second.log)
        self.assertEqual(first.end(), 0)


@unittest.skipUnless(SHARED_DATA.is_dir(), "the Reuters files are not here")
class Reuters(SwarmTest):

    def train(self, *arguments):
        common = ["--train", SHARED_DATA / "reuters21578.train.svm.gz", "--test", SHARED_DATA / "reuters21578.test.svm.gz",
                  "--expect", "4", "--bias", "--epochs", "40", *arguments]
        nodes = [self.start("node-1", *common)]
        nodes += [self.start(f"node-{i}", *common, "--join", nodes[0].gossip) for i in range(2, 5)]
        return self.assert_same_result(nodes, accuracy=0.985)

    def test_four_nodes_classify_reuters_earn(self):
        self.train()

    def test_four_nodes_classify_reuters_earn_with_faults(self):
        self.train("--fault", "drop=0.1,dup=0.05,reorder=0.1")


class Files(SwarmTest):

    def test_daemons_read_plain_and_gzipped_files(self):
        plain = self.directory / "t.svm"
        self.assertEqual(run("data", "synth", "synth:rcv1?n=3000&part=train", plain).returncode, 0)
        packed = self.directory / "t.svm.gz"
        packed.write_bytes(gzip.compress(plain.read_bytes()))
        first = self.start("node-1", "--train", plain, "--test", packed, "--expect", "2", "--epochs", "3")
        second = self.start("node-2", "--train", packed, "--test", plain, "--expect", "2", "--epochs", "3",
                            "--join", first.gossip)
        self.assert_same_result([first, second])

    def test_logs_hold_what_the_level_let_through_and_all(self):
        nodes = self.start_swarm(2, "--epochs", "2", "--log-level", "0")
        self.assert_same_result(nodes)
        filtered = (nodes[0].out / "filtered_logs.txt").read_text()
        everything = (nodes[0].out / "all_logs.txt").read_text()
        self.assertNotIn("event=evaluation", filtered)
        self.assertIn("event=evaluation", everything)
        self.assertIn("event=member_joined", everything)
        # The rate of an evaluation is what was made since the one before.
        points = [[float(re.search(rf" {name}=(\S+)", line)[1]) for name in ["t_seconds", "updates", "updates_per_second"]]
                  for line in everything.splitlines() if "event=evaluation" in line]
        for (t, updates, _), (later, more, rate) in zip([[0, 0, 0], *points], points):
            self.assertAlmostEqual(rate * (later - t), more - updates, delta=1)
        measures = re.search("event=result_measures .*", everything)[0]
        self.assertIn("roc_auc=0.", measures)
        self.assertNotIn("log_loss", measures)  # a hinge model has no probabilities
        settings = nodes[0].report()["settings"]
        self.assertEqual([settings[name] for name in ["epochs", "max-time", "bias", "lambda"]], [2, None, False, 1e-4])

    def test_json_logs_are_objects(self):
        log = self.directory / "json.log"
        node = self.launch("j", "--train", TRAIN, "--epochs", "1", "--log-format", "json", "--log-level", "3",
                           "--log-file", log)
        self.assertEqual(node.end(), 0, node.log)
        for line in log.read_text().splitlines():
            self.assertIn("event", json.loads(line))


if __name__ == "__main__":
    unittest.main()
