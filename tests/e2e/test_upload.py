"""What happens to the files of a run at its end."""

import contextlib
import http.client
import subprocess
import unittest

from swarm import FILES, TEST, TRAIN, SwarmTest, free_port, needs_tool, wait_until

CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  client_max_body_size 100m;
  server {{
    listen 127.0.0.1:{port};
    root {directory}/files;
    location / {{ dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""


@needs_tool("nginx")
class Nginx(SwarmTest):

    def setUp(self):
        super().setUp()
        wait_until(self.try_to_start, "nginx started")

    def try_to_start(self):
        """True once an nginx of this test answers; somebody may have taken the port in between."""
        self.port = free_port()
        (self.directory / "files").mkdir(exist_ok=True)
        configuration = self.directory / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(directory=self.directory, port=self.port))
        server = subprocess.Popen(["nginx", "-p", str(self.directory), "-c", str(configuration)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        self.addCleanup(lambda: (server.poll() is None and server.terminate(), server.wait(10)))

        def answers():
            if server.poll() is not None:
                return "ended"
            with contextlib.suppress(OSError):
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
                    connection.request("GET", "/")
                    return connection.getresponse().status and "up"
            return None
        return wait_until(answers, "nginx answers or ends", limit=10) == "up"

    def test_every_file_arrives_and_its_link_is_printed(self):
        url = f"http://127.0.0.1:{self.port}/run"
        nodes = self.start_swarm(2, "--epochs", "2", "--upload", url)
        report = self.assert_same_result(nodes, accuracy=0.5)
        stored = self.directory / "files" / "run"
        self.assertEqual(sorted(path.name for path in stored.iterdir()), FILES)
        self.assertEqual((stored / "model.liblinear").read_bytes(), (nodes[0].out / "model.liblinear").read_bytes())
        self.assertEqual(set(report["links"]), set(FILES))
        self.assertEqual(nodes[0].report()["links"], nodes[1].report()["links"])
        for node in nodes:
            for name in FILES:
                self.assertIn(f"{url}/{name}", node.log)


class Failing(SwarmTest):

    def test_where_nobody_answers_the_statistics_are_printed_and_the_run_is_well(self):
        port = free_port()
        node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--epochs", "2", "--upload",
                          f"http://127.0.0.1:{port}")
        self.assertEqual(node.end(limit=30), 0, node.log)
        self.assertIn("t_seconds,updates,loss,accuracy", node.stdout)
        self.assertEqual(node.stdout.strip(), (node.out / "val_stats.csv").read_text().strip())
        self.assertIn("upload_failed", node.log)
        self.assertFalse(node.report()["links"])
        self.assertEqual(sorted(path.name for path in node.out.iterdir()), FILES)


if __name__ == "__main__":
    unittest.main()
