"""report_chromium_test.py LLMQ: the page of `llmq run --report` in a browser.

Its plots can be seen, in light and in dark; it asks the network for nothing, and the console is silent. Pages that do
otherwise are shown to be found out. No network is needed but the loopback interface.
"""
import http.server
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
import zlib
from html.parser import HTMLParser
from pathlib import Path

LLMQ = sys.argv.pop(1)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

CONFIG = {"models": [{
    "name": "*", "provider": "mock", "price_input": 2, "price_output": 3,
    "retry": {"max_attempts": 9, "base_ms": 1, "cap_ms": 20},
    "limits": [{"requests": 80, "per": "1s"}, {"concurrency": 8}],
    "mock": {"latency_ms": "1..9", "fail_rate_limited": 0.1, "fail_server": 0.1}}]}
# As in the style sheet of the page.
LIGHT = {"card": (246, 247, 249), "a": (37, 99, 235), "b": (217, 115, 13), "good": (43, 147, 72),
         "limit": (209, 26, 42)}
DARK = {"card": (27, 33, 42), "a": (110, 168, 254), "limit": (255, 107, 107)}
# The plots, and the colours of what they must show; of two curves that may coincide, the upper one.
PLOTS = {"load-0": ["a", "limit"], "load-1": ["a", "limit"], "answers": ["good"], "trouble": ["limit", "b"],
         "waits": ["b"], "latencies": ["b"], "cost": ["a", "limit"]}


def make_page(folder):
    lines = [json.dumps({"custom_id": str(i), "method": "POST", "url": "/v1/chat/completions", "body": {
        "model": "<b>&m", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 16}}) for i in range(200)]
    (folder / "in.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "c.json").write_text(json.dumps(CONFIG))
    subprocess.run([LLMQ, "run", "in.jsonl", "-o", "out.jsonl", "--config", "c.json", "--summary", "s.json", "--report",
                    "r.html", "--max-cost", "1", "-q"], cwd=folder, check=True)
    return (folder / "r.html").read_text(encoding="utf-8"), json.loads((folder / "s.json").read_text())


class Browser:
    """Opens pages of a folder, with nothing in reach but this machine."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, page, *options):
        path = self.folder / "page.html"
        path.write_text(page, encoding="utf-8")
        done = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
             "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
             "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr",
             f"--user-data-dir={self.folder}/profile", *options, path.as_uri()],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
        if done.returncode != 0:
            raise AssertionError(f"{CHROMIUM} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def read(self, page):
        """The DOM, what the page asked the network for, and what the console said."""
        log = self.folder / "net.json"
        done = self.run(page, f"--log-net-log={log}", "--dump-dom")
        events = json.loads(log.read_text(encoding="utf-8", errors="replace"))
        start = events["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
        # What the browser wants for itself has no origin.
        asked = [event["params"]["url"] for event in events["events"]
                 if event["type"] == start and "url" in event.get("params", {})
                 and event["params"].get("initiator") != "not an origin"
                 and not event["params"]["url"].startswith("file:")]
        return done.stdout, asked, re.findall(r"CONSOLE.*", done.stderr)

    def colours(self, page, plot, *options, style=""):
        """How many pixels have which colour in a picture of one plot, without its legend, which has them as well."""
        style += f"body > :not(.plots), figure:not(#{plot}), .legend {{ display: none; }}"
        picture = self.folder / "picture.png"
        picture.unlink(missing_ok=True)
        page = page.replace("</style>", style + "</style>")
        self.run(page, "--window-size=520,330", f"--screenshot={picture}", *options)
        return count_colours(picture.read_bytes())


def paeth(a, b, c):
    near_a, near_b, near_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return a if near_a <= near_b and near_a <= near_c else b if near_b <= near_c else c


def count_colours(png):
    at, data = 8, b""
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, _, depth, colour = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT":
            data += body
        at += size + 12
    assert depth == 8 and colour in (2, 6), (depth, colour)
    step = 3 if colour == 2 else 4
    data, stride = zlib.decompress(data), width * step
    above, counts = bytearray(stride), {}
    for begin in range(0, len(data), stride + 1):
        how, row = data[begin], bytearray(data[begin + 1:begin + 1 + stride])
        for i in range(stride if how else 0):
            left = row[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            guess = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[how]
            row[i] = (row[i] + guess) & 255
        for i in range(0, stride, step):
            pixel = tuple(row[i:i + 3])
            counts[pixel] = counts.get(pixel, 0) + 1
        above = row
    return counts


def near(counts, colour, ground):
    """Pixels of a colour; thin lines mix it with the ground."""
    way = [c - g for c, g in zip(colour, ground)]
    found = 0
    for pixel, n in counts.items():
        off = [p - g for p, g in zip(pixel, ground)]
        share = sum(o * w for o, w in zip(off, way)) / sum(w * w for w in way)
        if 0.4 <= share <= 1.1 and max(abs(o - share * w) for o, w in zip(off, way)) <= 25:
            found += n
    return found


class Reader(HTMLParser):
    """Figures with a picture, shapes in each, totals."""

    def __init__(self, dom):
        super().__init__()
        self.figure, self.shapes, self.totals, self.text = None, {}, {}, ""
        self.feed(dom)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "figure":
            self.figure = attributes["id"]
        if tag in ("polyline", "rect", "circle"):
            self.shapes[self.figure] = self.shapes.get(self.figure, 0) + 1
        if attributes.get("id", "").startswith("total-"):
            self.totals[attributes["id"][6:]] = float(attributes["data-value"])

    def handle_data(self, data):
        self.text += data


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.TemporaryDirectory()
        folder = Path(cls.root.name)
        cls.page, cls.summary = make_page(folder)
        cls.browser = Browser(folder)

    @classmethod
    def tearDownClass(cls):
        cls.root.cleanup()

    def test_holds_the_plots_and_figures_and_asks_for_nothing(self):
        dom, asked, console = self.browser.read(self.page)
        self.assertEqual(asked, [])
        self.assertEqual(console, [])
        seen = Reader(dom)
        self.assertEqual(set(seen.shapes), set(PLOTS))
        for name, value in self.summary.items():
            self.assertAlmostEqual(seen.totals[name], value, delta=1e-5, msg=name)
        self.assertIn("<b>&m", seen.text)  # the model's name is text

    def test_plots_can_be_seen(self):
        for plot, looks in PLOTS.items():
            counts = self.browser.colours(self.page, plot)
            for look in looks:
                self.assertGreater(near(counts, LIGHT[look], LIGHT["card"]), 10, f"{look} in {plot}")
        self.assertGreater(counts.get((255, 255, 255), 0), 1000)

    def test_is_dark_where_dark_is_preferred(self):
        counts = self.browser.colours(self.page, "load-0", "--force-dark-mode")
        for look in ("a", "limit"):
            self.assertGreater(near(counts, DARK[look], DARK["card"]), 10, look)
        self.assertGreater(counts.get((18, 22, 28), 0), 1000)
        self.assertEqual(counts.get((255, 255, 255), 0), 0)

    def test_a_page_without_plots_is_found_out(self):
        counts = self.browser.colours(self.page, "load-0", style="svg { display: none; }")
        for look in ("a", "limit"):
            self.assertEqual(near(counts, LIGHT[look], LIGHT["card"]), 0, look)

    def test_a_page_that_asks_is_found_out_and_its_policy_forbids_it(self):
        paths = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                paths.append(self.path)
                self.send_error(404)

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            url = f"http://127.0.0.1:{server.server_port}/x.png"
            asking = self.page.replace("</body>", f'<img src="{url}"></body>')
            _, asked, console = self.browser.read(asking)
            self.assertEqual((asked, paths), ([], []))
            self.assertIn("Content Security Policy", console[0])
            _, asked, console = self.browser.read(re.sub("<meta http-equiv[^>]*>", "", asking))
            self.assertEqual(set(asked), {url})
            self.assertEqual(set(paths), {"/x.png"})
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    if CHROMIUM is None:
        print("SKIP: no Chromium on this machine (Debian: chromium)")
        sys.exit(77)
    unittest.main()
