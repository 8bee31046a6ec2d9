"""Runs every test here and prints how many passed, in the words of `cargo test`."""

import pathlib
import sys
import unittest

suite = unittest.defaultTestLoader.discover(str(pathlib.Path(__file__).parent))
result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
failed = len(result.failures) + len(result.errors)
verdict = "ok" if failed == 0 else "FAILED"
print(f"test result: {verdict}. {result.testsRun - failed} passed; {failed} failed; {len(result.skipped)} ignored")
sys.exit(failed != 0 or result.testsRun == 0)
