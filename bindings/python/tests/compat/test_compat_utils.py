"""Helpers, and the import under the old name."""

import asyncio
import logging
import time

import pytest
from compat_tools import LONG, Held, fresh, run  # noqa: F401

from llmq.compat.llm_queue import (
    ModelConfig,
    QueueManager,
    QueueRequest,
    RequestStatus,
    Timer,
    get_logger,
    setup_logging,
    with_timeout,
)


def bare_logging(monkeypatch):
    """The root logger as in a program that has not set up anything. For the test itself to call,
    since pytest adds handlers after its fixtures."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", logging.WARNING)
    return root


def test_setup_logging(monkeypatch, capsys):
    bare_logging(monkeypatch)
    setup_logging()
    get_logger("app").info("begun")
    get_logger("app").debug("not shown")
    logging.getLogger("of.the.program").info("here too")
    told = capsys.readouterr().err.splitlines()
    assert [line.split(" ", 2)[2] for line in told] == [
        "INFO llm_queue.app: begun",
        "INFO of.the.program: here too",
    ]


def test_setup_logging_in_a_form_of_ones_own(monkeypatch, capsys):
    bare_logging(monkeypatch)
    setup_logging(level="DEBUG", format_string="%(message)s!")
    get_logger("app").debug("shown")
    assert capsys.readouterr().err == "shown!\n"


def test_setup_logging_again(monkeypatch):
    root = bare_logging(monkeypatch)
    setup_logging(logging.ERROR)
    (shown,) = root.handlers
    setup_logging(logging.DEBUG)
    assert root.handlers == [shown]  # each line once
    assert root.level == logging.DEBUG


def test_get_logger():
    assert get_logger("app") is logging.getLogger("llm_queue.app")


def test_with_timeout_gives_the_result():
    async def add(a, b, *, c):
        return a + b + c

    assert run(with_timeout(add, LONG, 1, 2, c=3)) == 6


def test_with_timeout_ends_the_wait():
    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await with_timeout(asyncio.Event().wait, 0.01)

    run(main())


def test_a_timeout_leaves_the_request_alone():
    async def main():
        held = Held()
        manager = QueueManager()
        await manager.register_queue(ModelConfig(model_id="m", rate_limit=10), held)
        request = QueueRequest(model_id="m")
        with pytest.raises(asyncio.TimeoutError):
            await with_timeout(manager.submit_request, 0.01, request)
        held.let()
        await manager.shutdown_all()
        assert request.status is RequestStatus.COMPLETED

    run(main())


def test_timer():
    timer = Timer()
    assert timer.start_time is timer.end_time is timer.elapsed is None
    before = time.time()
    with timer as entered:
        assert entered is timer
        assert timer.end_time is timer.elapsed is None
    assert timer.elapsed >= 0
    assert before <= timer.start_time <= timer.end_time <= time.time()
    with timer:
        assert timer.elapsed is None  # it begins anew


def test_timer_with_async_with():
    async def main():
        async with Timer() as timer:
            await asyncio.sleep(0.01)
        assert timer.elapsed >= 0.009

    run(main())


def test_timer_measures_a_block_that_raises():
    timer = Timer()
    with pytest.raises(KeyError), timer:
        raise KeyError
    assert timer.elapsed is not None


INSTALL = """
import llmq.compat.install
import llmq.compat.llm_queue as home
import llm_queue
import llm_queue.models, llm_queue.queue, llm_queue.utils, llm_queue.rate_limiter
from llm_queue import QueueManager, QueueRequest
from llm_queue.exceptions import LLMQueueException
from llm_queue.manager import QueueManager as Same

assert llm_queue is home
assert Same is QueueManager is home.QueueManager
assert QueueRequest is home.QueueRequest is llm_queue.models.QueueRequest
assert LLMQueueException is home.LLMQueueException
import importlib
importlib.reload(llmq.compat.install)
print(sorted(llm_queue.__all__) == sorted(home.__all__))
"""

OLD = """
import sys, types
old = sys.modules["llm_queue"] = types.ModuleType("llm_queue")
old.__file__ = "/somewhere/llm_queue/__init__.py"
try:
    import llmq.compat.install
except ImportError as error:
    print(error)
assert sys.modules["llm_queue"] is old
import llmq.compat.llm_queue
"""

ALONE = """
import sys
import llmq.compat.llm_queue
assert "llm_queue" not in sys.modules
try:
    import llm_queue
except ModuleNotFoundError:
    print("not there")
"""


def test_the_old_name(run_python):
    assert run_python(INSTALL).stdout == "True\n"


def test_the_old_package_is_not_replaced_under_a_program(run_python):
    told = run_python(OLD).stdout
    assert "/somewhere/llm_queue/__init__.py" in told
    assert "import llmq.compat.install before it" in told


def test_the_old_name_is_there_only_if_asked_for(run_python):
    assert run_python(ALONE).stdout == "not there\n"


def test_the_old_package_may_be_installed(run_python, tmp_path):
    (tmp_path / "llm_queue").mkdir()
    (tmp_path / "llm_queue" / "__init__.py").write_text("OLD = True\n")
    (tmp_path / "llm_queue" / "models.py").write_text("OLD = True\n")
    path = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    assert run_python(path + INSTALL).stdout == "True\n"
    assert run_python(path + "import llm_queue; print(llm_queue.OLD)").stdout == "True\n"
