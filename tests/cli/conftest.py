from pathlib import Path

import pytest
from command_line import TINY, Told, m3depth_process
from pair_files import write_pairs


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three calibrated pairs with depth, in files."""
    return write_pairs(tmp_path_factory.mktemp("folder") / "pairs")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """What ``python -m m3depth train`` left in an empty folder, and what it said."""
    cwd = tmp_path_factory.mktemp("trained")
    return cwd / "run", m3depth_process("train", *TINY, "debug=two_steps", "output=run", cwd=cwd)


@pytest.fixture(scope="session")
def checkpoint(trained: tuple[Path, Told]) -> Path:
    run, told = trained
    assert told.status == 0, told.err
    return run / "checkpoints/best.ckpt"
