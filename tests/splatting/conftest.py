"""Scenes of every layout that is read, written once, and a copy of one to be broken."""

import shutil
from pathlib import Path

import pytest
from exported_scenes import WRITERS, exported


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: exported(make(tmp_path_factory.mktemp(name))) for name, make in WRITERS.items()}


@pytest.fixture
def scene(request: pytest.FixtureRequest, written: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(written[request.param], tmp_path / written[request.param].name))
