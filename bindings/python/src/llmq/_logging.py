"""Brings the library's log lines to the logger "llmq".

The library writes them to a pipe, never calling into the interpreter from its own threads: so it
cannot hang when the interpreter ends. One thread empties the pipe, another hands the lines to the
handlers, which may be slow and may use llmq.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque

logger = logging.getLogger("llmq")

#: Lines that handlers have not taken yet; older ones are dropped.
_MOST_LINES = 10_000
_STOP = b"\x00stop\n"
_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


def level_name(level: int) -> str:
    """Name that the library has for a level of the logging module."""
    if level < logging.DEBUG:
        return "trace"
    if level < logging.INFO:
        return "debug"
    if level < logging.WARNING:
        return "info"
    if level < logging.ERROR:
        return "warn"
    return "error" if level <= logging.CRITICAL else "off"


def split_line(line: str) -> tuple[int, str]:
    """Level and text of a line, which begins with "TIME LEVEL llmq "."""
    parts = line.split(" ", 3)
    if len(parts) < 4 or parts[1] not in _LEVELS:
        return logging.INFO, line
    return _LEVELS[parts[1]], parts[3]


class _Pipe:
    def __init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._there = threading.Semaphore(0)
        self._threads = [
            threading.Thread(target=self._read, name="llmq-log-read", daemon=True),
            threading.Thread(target=self._emit, name="llmq-log", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def path(self) -> str:
        return f"/dev/fd/{self.write_fd}"

    def _read(self) -> None:
        rest = b""
        while True:
            read = os.read(self.read_fd, 65536)
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                if line + b"\n" == _STOP:
                    self._lines.append("")
                    self._there.release()
                    return
                self._lines.append(line.decode("utf-8", "replace"))
                self._there.release()

    def _emit(self) -> None:
        while True:
            self._there.acquire()
            try:
                line = self._lines.popleft()
            except IndexError:  # dropped, since there were too many
                continue
            if not line:
                return
            level, text = split_line(line)
            logger.log(level, "%s", text)

    def stop(self, until: float) -> None:
        """Delivers what is there, until that time at most."""
        with contextlib.suppress(OSError):
            os.write(self.write_fd, _STOP)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))


class _State:
    lock = threading.Lock()
    pipe: _Pipe | None = None


def log_path() -> str:
    """Where the library's log lines are to be written."""
    with _State.lock:
        if _State.pipe is None:
            _State.pipe = _Pipe()
        return _State.pipe.path


def stop(until: float) -> None:
    """Hands over the last lines, when no manager is left, until that time at most."""
    pipe, _State.pipe = _State.pipe, None
    if pipe is not None:
        pipe.stop(until)


def _after_fork() -> None:
    _State.lock = threading.Lock()
    pipe, _State.pipe = _State.pipe, None
    if pipe is not None:
        os.close(pipe.read_fd)
        os.close(pipe.write_fd)


os.register_at_fork(after_in_child=_after_fork)
