"""The table of experiments/shift/benchmark.py, of scores that are known."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments/shift/benchmark.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))  # it imports the script beside it
    found = importlib.util.spec_from_file_location("shift_benchmark", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "levels")
    return module


def told(mae_mm: float, answered: float = 1.0, protocol: str = "unscaled") -> dict[str, Any]:
    interval = [mae_mm - 1, mae_mm + 2]
    about = {"alignment": "none", "answered": answered}
    return {protocol: {"mae_mm": mae_mm, "interval": interval, **about}}


def test_a_row_for_each_level_and_protocol_and_no_mean_of_what_was_trained_on(script: ModuleType):
    record = {
        "synthetic/test": {
            "demo": {"": told(5.0), "statistics; 1": told(6.0), "statistics; 2": told(8.0)},
            "theirs": {"": told(4.0, 0.5, "median")},
        },
        "synthetic/test_style": {
            "demo": {"": told(10.0), "statistics; 1": told(7.0), "statistics; 2": told(9.0)},
            "theirs": {"": told(2.0, 0.7, "median")},
        },
        "synthetic/test_spleen": {"demo": {"": told(20.0)}},  # so far
    }
    lines = script.table(record, {"theirs": {"licence": "CC-BY-NC-4.0"}}).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert rows[0][-4:] == [*record, "mean, held out"]
    plain, adapted, theirs = rows[2:]
    assert plain[:2] == ["demo", "nothing"]
    assert plain[-4:] == ["5.0 [4.0, 7.0]", "10.0 [9.0, 12.0]", "20.0 [19.0, 22.0]", "15.0"]
    assert adapted[:2] == ["demo", "statistics"]
    assert adapted[-4:] == ["7.0 [6.0, 8.0]", "8.0 [7.0, 9.0]", "", "8.0"]
    assert theirs[:7] == ["theirs", "nothing", "median", "none", "CC-BY-NC-4.0", "1", "60%"]
    assert theirs[-1] == "2.0"


def test_no_system_adapts_to_what_it_is_scored_on(script: ModuleType):
    with pytest.raises(SystemExit, match="frames that are scored"):
        script.by_level.to_adapt("synthetic", "test_style", 0)
    given = script.by_level.to_adapt.__wrapped__
    script.by_level.TO_ADAPT, script.by_level.SIZE = 12, (32, 48)
    read = [one["left"] for part in given("synthetic", "test_style", 1) for one in part]
    scored = [one["left"] for one in script.by_level.pairs("synthetic", "test_style", 0, 12)]
    assert not any((one == other).all() for one in read for other in scored)
