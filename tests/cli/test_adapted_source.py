"""``source=adapted`` as a user calls it: fitted to the very clip that is exported."""

import json
from pathlib import Path

import pytest
from command_line import m3depth, succeed
from pairs_folder import write_pairs

from m3depth.data.synthetic import SyntheticPairs

STEPS = ("source.levels.steps.steps=2", "source.levels.steps.every=1", "source.check=warn")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clip") / "pairs"
    pairs = SyntheticPairs("test_style", 5, (64, 96), cache=False)
    write_pairs(root, [pairs[index] for index in range(5)])
    return root


@pytest.fixture(scope="module")
def command(checkpoint: Path, clip: Path) -> tuple[str, ...]:
    data = ("data=folder", f"data.root={clip}", "writer=npz")
    return ("export", "source=adapted", f"checkpoint={checkpoint}", *data, *STEPS)


@pytest.fixture(scope="module")
def exported(command: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("exported") / "scene"
    succeed(*command, f"output={output}")
    return output


def test_priors_are_of_the_fitted_network_and_its_report_lies_beside_them(exported: Path):
    record = json.loads((exported / "adaptation/metrics.json").read_text())
    assert record["frames"] == {"adapt": 5, "stop": 5, "judge": 5, "held_back": 0}
    assert [level["level"] for level in record["levels"]] == ["steps"]
    page = (exported / "adaptation/report.html").read_text()
    assert "on the very frames that it was adapted to" in page
    for shown in ("left image", "before", "now", "stereo matcher"):
        assert f">{shown}<" in page
    assert len(list((exported / "priors").glob("*.npz"))) == 5


def test_the_same_command_fits_once(command: tuple[str, ...], exported: Path):
    fitted = exported / "adaptation/checkpoints/best.ckpt"
    written = fitted.stat().st_mtime_ns
    succeed(*command, f"output={exported}")
    assert fitted.stat().st_mtime_ns == written
    told = m3depth(*command, f"output={exported}", "source.levels.steps.steps=3")
    assert told.status == 2
    assert "holds a run of m3depth adapt" in told.line


def test_an_average_with_images_that_the_fit_did_not_see_is_told_of(
    command: tuple[str, ...], tmp_path: Path
):
    told = succeed(*command, f"output={tmp_path}/scene", "flip=true")
    assert "flip=false is better here" in told.err


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["checkpoint=null"], "source=adapted needs checkpoint=PATH"),
        (["source.frames=0"], "source.frames=0"),
    ],
)
def test_mistakes_get_one_line(
    options: list[str], line: str, command: tuple[str, ...], tmp_path: Path
):
    told = m3depth(*command, f"output={tmp_path}/out", *options)
    assert told.status == 2
    assert line in told.line
    assert not (tmp_path / "out").exists()


def test_a_clip_of_one_camera_has_nothing_to_be_fitted_to(
    checkpoint: Path, clip: Path, tmp_path: Path
):
    rig = f"data.test.rig={clip}/rig.yaml"
    data = ("data=frames", f"data.root={clip}/left", rig, f"checkpoint={checkpoint}")
    told = m3depth("export", "source=adapted", *data, f"output={tmp_path}/out")
    assert told.status == 2
    assert "no right images" in told.line
    assert not (tmp_path / "out").exists()


def test_a_verb_without_a_data_set_says_so(checkpoint: Path, clip: Path, tmp_path: Path):
    given = (f"checkpoint={checkpoint}", f"input={clip}/left", f"output={tmp_path}/out")
    told = m3depth("predict", "source=adapted", *given)
    assert told.status == 2
    assert "which this verb does not take" in told.line
