"""The status endpoint as a user with curl sees it."""

import json
import subprocess
import unittest

from swarm import SIGTERM, TEST, TRAIN, SwarmTest, needs_tool, run


@needs_tool("curl")
class Curl(SwarmTest):

    def setUp(self):
        super().setUp()
        self.node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--epochs", "2", "--on-finish", "serve")
        self.node.await_status(lambda s: s["node"]["state"] == "finished", "finished")

    def curl(self, path, *arguments):
        """(status, headers in lower case, body)"""
        ended = subprocess.run(["curl", "-sS", "-m", "20", "-i", *arguments, f"http://{self.node.http}{path}"],
                               capture_output=True, text=True, timeout=30, check=True)
        head, _, body = ended.stdout.replace("\r\n", "\n").partition("\n\n")
        first, *lines = head.split("\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        return int(first.split()[1]), headers, body

    def test_every_path_answers_with_its_type(self):
        for path, kind in [("/", "text/plain"), ("/livez", "text/plain"), ("/readyz", "text/plain"),
                           ("/startupz", "text/plain"), ("/metrics", "text/plain"), ("/v1/status", "application/json"),
                           ("/v1/members", "application/json"), ("/v1/training/history", "application/json"),
                           ("/v1/training/history?format=csv", "text/csv"), ("/v1/deltas", "application/json"),
                           ("/v1/model", "application/json"), ("/v1/model.liblinear", "text/plain"),
                           ("/v1/logs", "application/json"), ("/v1/report", "application/json"),
                           ("/v1/config", "application/json")]:
            with self.subTest(path=path):
                status, headers, body = self.curl(path)
                self.assertEqual(status, 200, body)
                self.assertTrue(headers["content-type"].startswith(kind), headers)
                self.assertTrue(body)
                if kind == "application/json":
                    json.loads(body)

    def test_head_answers_as_get_without_a_body(self):
        for path in ["/", "/livez", "/metrics", "/v1/status", "/v1/model.liblinear"]:
            with self.subTest(path=path):
                status, headers, body = self.curl(path, "-I")
                self.assertEqual((status, body.strip()), (200, ""))
                self.assertIn("content-type", headers)

    def test_the_first_page_lists_the_paths(self):
        _, _, body = self.curl("/")
        for path in ["/v1/status", "/v1/members", "/metrics", "/v1/training/history", "/v1/model"]:
            self.assertIn(path, body)

    def test_status_has_the_fields_people_rely_on(self):
        status = self.node.status()
        for part, keys in {
            "node": ["id", "name", "version", "state", "uptime_seconds", "gossip", "http"],
            "cluster": ["name", "mode", "members", "coordinator", "evaluator"],
            "run": ["id", "loss", "lambda", "features", "rows", "seed"],
            "training": ["epoch", "updates_total", "node_updates_total", "updates_per_second", "nonzeros_per_second",
                         "train_loss", "test_loss", "test_accuracy", "best_test_loss", "round", "eta_seconds",
                         "stop_reason"],
            "replica": ["state_digest", "pending_updates", "divergence", "published_seq"],
            "network": ["sent_bytes_total", "received_bytes_total", "datagrams_lost_total", "datagrams_repaired_total",
                        "datagrams_rejected_total"],
        }.items():
            for key in keys:
                self.assertIn(key, status[part], part)
        self.assertEqual(status["node"]["name"], "node-1")
        self.assertEqual(status["cluster"]["members"], {"alive": 1, "suspect": 0, "dead": 0, "left": 0})
        self.assertEqual(status["training"]["stop_reason"], "epochs")
        self.assertEqual(status["replica"]["state_digest"], self.node.json("/v1/model")["state_digest"])
        self.assertEqual(status["replica"]["pending_updates"], 0)
        self.assertIsInstance(status["run"]["seed"], str)

    def test_the_downloaded_model_is_the_written_one(self):
        _, _, body = self.curl("/v1/model.liblinear")
        self.assertEqual(body, (self.node.out / "model.liblinear").read_text())

    def test_history_is_the_same_in_both_forms(self):
        points = self.node.json("/v1/training/history")["points"]
        _, _, csv = self.curl("/v1/training/history?format=csv")
        self.assertEqual(len(csv.strip().splitlines()), len(points) + 1)
        self.assertEqual(list(points[0]), ["t_seconds", "updates", "train_loss", "test_loss", "test_accuracy"])

    def test_what_is_not_there_is_404_and_other_methods_are_405(self):
        status, headers, body = self.curl("/nothing")
        self.assertEqual(status, 404)
        self.assertEqual(headers["content-type"].split(";")[0], "application/problem+json")
        self.assertEqual(json.loads(body)["status"], 404)
        status, headers, _ = self.curl("/v1/status", "-X", "DELETE")
        self.assertEqual(status, 405)
        self.assertIn("GET", headers["allow"])
        self.assertIn("HEAD", headers["allow"])
        self.assertEqual(self.curl("/v1/stop")[0], 405)

    def test_unknown_parameters_foreign_hosts_and_foreign_origins_are_refused(self):
        self.assertEqual(self.curl("/v1/status?colour=red")[0], 400)
        self.assertEqual(self.curl("/v1/members?state=asleep")[0], 400)
        self.assertEqual(self.curl("/v1/status", "-H", "Host: evil.example")[0], 421)
        self.assertEqual(self.curl("/v1/stop", "-X", "POST", "-H", "Origin: http://evil.example")[0], 403)

    def test_text_for_people_is_served_when_asked_for(self):
        status, headers, body = self.curl("/v1/status?format=text")
        self.assertEqual((status, headers["content-type"].split(";")[0]), (200, "text/plain"))
        self.assertIn("node-1", body)
        self.assertEqual(self.curl("/v1/status", "-H", "Accept: text/plain")[2].splitlines()[0], body.splitlines()[0])

    @needs_tool("promtool")
    def test_metrics_are_clean_for_promtool(self):
        _, _, body = self.curl("/metrics")
        ended = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, text=True, timeout=30,
                               check=False)
        self.assertEqual((ended.returncode, ended.stdout + ended.stderr), (0, ""))

    def test_thin_clients_print_what_the_node_says(self):
        self.assertIn("node-1", run("status", self.node.http).stdout)
        self.assertIn("node-1", run("members", self.node.http).stdout)
        self.assertEqual(json.loads(run("status", "--json", self.node.http).stdout)["node"]["state"], "finished")

    def test_a_finished_node_that_serves_ends_with_0_when_told_to(self):
        self.node.signal(SIGTERM)
        self.assertEqual(self.node.end(limit=15), 0, self.node.log)

    def test_leave_makes_it_leave(self):
        self.assertEqual(run("leave", self.node.http).returncode, 0)
        self.assertEqual(self.node.end(limit=15), 0, self.node.log)


class Tokens(SwarmTest):

    def test_with_a_token_file_changes_need_the_token(self):
        token = self.directory / "token"
        token.write_text("correct horse\n".replace(" ", "-"))
        token.chmod(0o600)
        node = self.start("node-1", "--mode", "idle", "--http-token-file", token)
        self.assertIn(node.request("/v1/leave", method="POST")[0], [401, 403])
        wrong = node.request("/v1/leave", method="POST", headers={"Authorization": "Bearer wrong"})
        self.assertIn(wrong[0], [401, 403])
        self.assertEqual(run("leave", node.http, "--http-token-file", token).returncode, 0)
        self.assertEqual(node.end(limit=15), 0, node.log)


if __name__ == "__main__":
    unittest.main()
