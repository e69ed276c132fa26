"""What happens to the files of a run at its end."""

import contextlib
import http.client
import http.server
import json
import re
import ssl
import subprocess
import threading
import unittest

from swarm import FILES, SIGKILL, TEST, TRAIN, SwarmTest, clean_environment, free_port, needs_tool, run, wait_until

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


class Target(http.server.ThreadingHTTPServer):
    """Keeps what is PUT, after `faults`: one a request, a status, "cut" in the middle of the body, or "stall"."""

    daemon_threads = True

    def __init__(self, faults=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults = list(faults)
        self.stored = {}
        self.requests = []
        self.stalled, self.released = threading.Event(), threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.released.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):

    def do_PUT(self):
        self.server.requests.append(self.path)
        fault = self.server.faults.pop(0) if self.server.faults else None
        length = int(self.headers["Content-Length"])
        if fault == "stall":
            self.server.stalled.set()
            self.server.released.wait(60)
            self.close_connection = True
            return
        if fault == "cut":
            self.rfile.read(length // 2)
            self.connection.close()
            self.close_connection = True
            return
        content = self.rfile.read(length)
        if fault:
            self.send_error(fault)
            return
        name = self.path.rsplit("/", 1)[1]
        self.server.stored[name] = content
        link = f"{self.server.url}/link/{name}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(link)))
        self.end_headers()
        self.wfile.write(link)

    def log_message(self, *_):
        pass


class Faults(SwarmTest):

    def train(self, *arguments):
        node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--epochs", "1", *arguments)
        self.assertEqual(node.end(limit=40), 0, node.log)
        return node

    def test_a_busy_server_and_a_cut_link_are_tried_again(self):
        with Target([503, 503, "cut", 429]) as target:
            node = self.train("--upload", target.url)
            self.assertEqual(sorted(target.stored), FILES)
            self.assertEqual(len(target.requests), len(FILES) + 4)
            self.assertEqual(target.requests[-1], "/report.json")
            for name in ["model.liblinear", "weights.csv", "val_stats.csv", "train_stats.csv"]:
                self.assertEqual(target.stored[name], (node.out / name).read_bytes())
            sent = json.loads(target.stored["report.json"])
            self.assertEqual(set(sent["links"]), set(FILES) - {"report.json"})
            self.assertEqual(node.report()["links"]["report.json"], f"{target.url}/link/report.json")
            self.assertIn(f"{target.url}/link/weights.csv", target.stored["report.html"].decode())

    def test_a_file_that_is_refused_fails_alone_and_is_named(self):
        with Target([403]) as target:
            node = self.train("--upload", target.url, "--on-finish", "exit")
            report = node.report()
            self.assertEqual(set(report["links"]), set(FILES) - {"model.liblinear"})
            self.assertEqual(list(report["upload"]["errors"]), ["model.liblinear"])
            self.assertIn("403", report["upload"]["errors"]["model.liblinear"])
            self.assertIn("t_seconds,updates,loss,accuracy", node.stdout)

    def test_what_was_not_sent_is_sent_later_by_hand(self):
        with Target([403] * len(FILES)) as target:
            node = self.train("--upload", target.url)
            self.assertFalse(node.report()["links"])
        again = re.search(r'again="hogwild (report \S+) --upload', node.log).group(1).split()
        with Target([500]) as target:
            ended = run(*again, "--upload", target.url)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn(f"to {target.url}", ended.stderr)
            self.assertEqual(sorted(target.stored), FILES)
            for name in FILES:
                self.assertIn(f"{name}  {target.url}/link/{name}", ended.stdout)
            links = node.report()["links"]
            self.assertEqual(set(links), set(FILES))
            shown = run("report", node.out)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn(links["weights.csv"], shown.stdout)
            self.assertIn(links["weights.csv"], (node.out / "report.html").read_text())
        with Target([403] * len(FILES)) as target:
            ended = run("report", node.out, "--upload", target.url)
            self.assertEqual(ended.returncode, 1)
            self.assertIn("model.liblinear was not sent", ended.stderr)
        self.assertEqual(run("report", self.directory).returncode, 3)

    def test_a_proxy_of_the_environment_is_used_and_said(self):
        with Target() as proxy:
            node = self.train()
            ended = run("report", node.out, "--upload", "http://upload.invalid/x",
                        env=clean_environment(http_proxy=proxy.url))
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn(f"through the proxy {proxy.url[7:]}", ended.stderr)
            self.assertEqual(proxy.requests[0], "http://upload.invalid/x/model.liblinear")

    @needs_tool("openssl")
    def test_https_wants_a_certificate_of_an_authority_that_is_trusted(self):
        key, certificate = self.directory / "key.pem", self.directory / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "2", "-subj", "/CN=t", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with Target() as target:
            target.socket = context.wrap_socket(target.socket, server_side=True)
            url = target.url.replace("http:", "https:")
            node = self.train("--upload", url, "--ca-file", certificate)
            self.assertEqual(sorted(target.stored), FILES, node.log)
            target.stored.clear()
            unknown = run("report", node.out, "--upload", url)
            self.assertEqual((unknown.returncode, target.stored), (1, {}))
            self.assertIn("certificate that is not trusted", unknown.stderr)
            named = run("report", node.out, "--upload", url, env=clean_environment(SSL_CERT_FILE=str(certificate)))
            self.assertEqual(named.returncode, 0, named.stderr)
            self.assertEqual(sorted(target.stored), FILES)

    def test_the_page_is_one_file_with_curves(self):
        node = self.train("--loss-interval", "2000i", "--rate", "40000")
        page = (node.out / "report.html").read_text()
        self.assertEqual(page.count("<svg "), page.count("</svg>"))
        self.assertGreaterEqual(page.count("<svg "), 3)
        self.assertNotRegex(page, r'(src|href)="(https?:)?//')
        self.assertIn(node.digest(), page)


class UploaderDies(SwarmTest):

    def test_the_next_member_sends_the_files(self):
        with Target(["stall"]) as target:
            nodes = self.start_swarm(3, "--epochs", "1", "--upload", target.url)
            self.assertTrue(target.stalled.wait(40))
            uploader = next(node for node in nodes if "event=uploading" in node.log)
            uploader.signal(SIGKILL)
            rest = [node for node in nodes if node is not uploader]
            report = self.assert_same_result(rest, accuracy=0.5)
            self.assertEqual(sorted(target.stored), FILES)
            self.assertIn("report.json", report["links"])
            self.assertEqual(len({str(node.report()["links"]) for node in rest}), 1)


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
