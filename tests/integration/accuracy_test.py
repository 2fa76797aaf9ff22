"""accuracy_test.py LLMQ: the harness of ./dev accuracy measures, judges, and tells of a broken bound.

Needs no network but the loopback interface. No bound here depends on how fast the machine is: one is so wide
that it always holds, the other cannot hold at all.
"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools/accuracy"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOOL))

import accuracy  # noqa: E402
import harness  # noqa: E402
import judge  # noqa: E402
import report  # noqa: E402
from cases import CASES, Bound  # noqa: E402

LLMQ = sys.argv.pop(1)


def stats(last_accepted_ms=12000.0, refused=0, limits=()):
    return {"requests": 800 + refused, "statuses": {"200": 800, "429": refused}, "limits": list(limits),
            "last_accepted_ms": last_accepted_ms, "ideal_ms": max([0.0, *(limit["ideal_ms"] for limit in limits)])}


def limit(ideal_ms, first_edge_ms=None, period_ms=6000.0):
    return {"limit": "requests/6s", "ideal_ms": ideal_ms, "first_edge_ms": first_edge_ms, "period_ms": period_ms}


class ShortRun(unittest.TestCase):
    def run_tool(self, *arguments):
        return subprocess.run([sys.executable, "-B", str(TOOL / "accuracy.py"), "--llmq", LLMQ, *arguments],
                              capture_output=True, text=True, timeout=240)

    def smoke(self, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "figures.json"
            done = self.run_tool("--case", "^smoke$", "--runs", "1", "--requests", str(accuracy.OWN_REQUESTS),
                                 "--json", str(file), *arguments)
            return done, json.loads(file.read_text()) if file.exists() else {}

    def test_measures_and_keeps_a_wide_bound(self):
        done, figures = self.smoke()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(figures["llmq.smoke.failed"], 0)
        self.assertEqual(figures["llmq.smoke.unfinished"], 0)
        self.assertEqual(figures["llmq.smoke.calls"] - figures["llmq.smoke.refused"], 60)
        self.assertEqual(figures["llmq.smoke.ideal_s"], 1)
        self.assertTrue(figures["llmq.smoke.kept"])
        self.assertIn("| kept |", done.stdout)
        self.assertIn("not the 800 questions", done.stdout)

    def test_fails_when_a_bound_is_broken(self):
        done, figures = self.smoke("--bound", "100,0.5")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("x ideal, 0.5 allowed", done.stderr)
        self.assertFalse(figures["llmq.smoke.kept"])
        self.assertIn("**broken**", done.stdout)

    def test_names_what_it_cannot_use(self):
        for arguments, words in ((("--requests", "/nowhere"), "/nowhere is not there"),
                                 (("--case", "nonsense"), "nonsense matches no case"),
                                 (("--case", "("), "--case: (:"),
                                 (("--runs", "0"), "expected 1 to 100"),
                                 (("--bound", "1"), "expected PERCENT,RATIO"),
                                 (("--publish", "--case", "smoke"), "--publish takes whole tables"),
                                 (("--llmq", "/nowhere", "--case", "smoke"), "/nowhere")):
            with self.subTest(arguments):
                done = self.run_tool(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertNotIn("Traceback", done.stderr)


class Judging(unittest.TestCase):
    def row(self, *runs):
        return judge.combine([harness.figures(*run) for run in runs])

    def test_a_refused_setting_is_no_pass(self):
        case = next(case for case in CASES if case.name == "smoke")
        with harness.Mock(LLMQ, case, 1) as mock, tempfile.TemporaryDirectory() as folder:
            wrong = type(case)("wrong", "", told=",shape=nonsense")
            with self.assertRaisesRegex(harness.CannotRun, "nonsense"):
                harness.run_llmq(LLMQ, mock, wrong, accuracy.OWN_REQUESTS, Path(folder))
        self.assertEqual(judge.faults({"problem": "refused"}, Bound(1, 1)), ["refused"])

    def test_bounds(self):
        exact = self.row((stats(12000.0, 4, [limit(12000.0)]), False, 800, 800, 0))
        self.assertAlmostEqual(exact["refused_percent"], 100 * 4 / 804)
        self.assertEqual(exact["over_ideal"], 1)
        self.assertEqual(judge.faults(exact, Bound(0.5, 1.0)), [])
        self.assertIn("429s are 0.50 %", judge.faults(exact, Bound(0.49, 1.0))[0])
        self.assertIn("1.000 x ideal", judge.faults(exact, Bound(0.5, 0.99))[0])
        self.assertEqual(judge.faults(exact, None), [])

    def test_one_lost_call_breaks_every_bound(self):
        good = (stats(limits=[limit(12000.0)]), False, 800, 800, 0)
        self.assertIn("1 failed", judge.faults(self.row(good, good, (*good[:3], 799, 1)), Bound(100, 100))[0])
        self.assertIn("1 unfinished", judge.faults(self.row(good, (*good[:3], 799, 0)), Bound(100, 100))[0])

    def test_the_median_counts(self):
        runs = [(stats(ms, limits=[limit(10000.0)]), False, 800, 800, 0) for ms in (10000.0, 30000.0, 11000.0)]
        row = self.row(*runs)
        self.assertEqual(row["over_ideal"], 1.1)
        self.assertEqual(row["worst_over_ideal"], 3)

    def test_fixed_windows_against_the_sliding_ideal(self):
        # Three windows with the first edge at 2 s: ideal 2 + (3 - 2) x 6 = 8 s; as sliding windows 12 s.
        fixed = stats(limits=[limit(8000.0, 2000.0), limit(0.0, 2000.0)])
        self.assertEqual(harness.ideal_ms(fixed, False), 8000)
        self.assertEqual(harness.ideal_ms(fixed, True), 12000)
        self.assertEqual(harness.ideal_ms(stats(limits=[limit(7000.0)]), True), 7000)


class Document(unittest.TestCase):
    def test_markers(self):
        text = "a\n<!-- x -->\nold\n<!-- /x -->\nb"
        self.assertEqual(report.replace_block(text, "x", "new"), "a\n<!-- x -->\nnew\n<!-- /x -->\nb")
        with self.assertRaisesRegex(ValueError, "y"):
            report.replace_block(text, "y", "new")

    def test_the_document_has_its_markers(self):
        text = accuracy.DOCUMENT.read_text(encoding="utf-8")
        for name in ("llmq", "peers"):
            report.replace_block(text, name, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
