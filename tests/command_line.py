"""Runs ``m3depth`` as a user does, in this process (fast) or in one of its own (honest)."""

import contextlib
import io
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import jaxtyping

from m3depth.cli.app import main

NETWORK = ("network=resnet18", "network.encoder=test_resnet", "network.widths=[16,16,8,8,8]")
SCENES = (
    *("data.train.count=4", "data.val.count=2", "data.test.count=2"),
    *("data.size=[32,48]", "data.batch_size=2"),
)
TINY = (*NETWORK, *SCENES, "trainer=cpu", "trainer.log_every_n_steps=1")


class Told(NamedTuple):
    """What a command said."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on stderr, but for notes on what is being done ("INFO rendering ...")."""
        assert "Traceback" not in self.err, self.err
        lines = [line for line in self.err.splitlines() if line and not line.startswith("INFO ")]
        assert len(lines) == 1, self.err
        return lines[0]


def m3depth(*arguments: object) -> Told:
    """In this process; leaves logging, argv and the working folder as they were."""
    out, err = io.StringIO(), io.StringIO()
    handlers, level = logging.root.handlers[:], logging.root.level
    with (
        mock.patch.object(sys, "argv", sys.argv[:]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as ended:  # `--help` is Hydra's
            status = int(ended.code or 0)
        finally:
            logging.root.handlers[:], logging.root.level = handlers, level
    return Told(status, out.getvalue(), err.getvalue())


def m3depth_unchecked(*arguments: object) -> Told:
    """The same without the tests' type checks, before which a setting of another kind would end."""
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        return m3depth(*arguments)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def succeed(*arguments: object) -> Told:
    """The same, and it must work."""
    told = m3depth(*arguments)
    assert told.status == 0, told.err
    return told


def m3depth_process(
    *arguments: object, cwd: Path, python: str = sys.executable, **options: object
) -> Told:
    """In a process of its own."""
    command = [python, "-m", "m3depth", *map(str, arguments)]
    fakes = (str(Path(__file__).parent / folder) for folder in ("systems", "plugins"))
    paths = (*fakes, os.environ.get("PYTHONPATH", ""))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, timeout=240, env=environment, **options
    )
    return Told(done.returncode, done.stdout, done.stderr)
