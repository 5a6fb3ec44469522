"""Relative depth through ``m3depth predict``, to millimetres."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import m3depth, succeed
from pairs_folder import write_pairs

from m3depth.data.synthetic import SyntheticPairs
from m3depth.io.depth_files import write_depth
from m3depth.types import DepthMap, Kind, Scale, StereoBatch

SIZE = (96, 128)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, exact relative depth in ``relative/``, a pair in ``pairs/``, and anchors."""
    root = tmp_path_factory.mktemp("clip")
    pairs = SyntheticPairs("train", 3, SIZE, cache=False)
    frames = [pairs[index] for index in range(3)]
    write_pairs(root, frames)
    write_pairs(root / "pairs", frames[:1], "pair")
    write_relative(root / "relative/pair0000.npz", frames[0])
    rows = ["frame,x,y,depth_mm,sd_mm"]
    for index, frame in enumerate(frames):
        write_relative(root / f"relative/{index:04}.npz", frame)
        np.save(root / f"true_{index:04}.npy", frame["depth_mm"][0].numpy())
        for x, y in ((10, 10), (100, 20), (60, 80), (30, 50)):
            rows.append(f"{index:04},{x},{y},{float(frame['depth_mm'][0, y, x]):.4f},0.5")
    (root / "anchors.csv").write_text("\n".join(rows) + "\n")
    return root


def write_relative(path: Path, frame: StereoBatch) -> None:
    relative = 40 / frame["depth_mm"][None] - 0.2
    scale = Scale.UP_TO_SCALE_AND_SHIFT
    path.parent.mkdir(exist_ok=True)
    write_depth(path, DepthMap(relative, Kind.INVERSE_DEPTH, scale))


def predict(clip: Path, output: Path, *options: str) -> list[str]:
    return [f"predictions={clip}/relative", f"input={clip}/left", f"output={output}", *options]


@pytest.mark.parametrize(
    ("by", "most_mm"),
    [("anchor={}/anchors.csv", 0.05), ("pairs={}/pairs", 2.0)],  # the matcher's own error is 2 mm
)
def test_millimetres_and_where_they_are_from(clip: Path, tmp_path: Path, by: str, most_mm: float):
    told = succeed("predict", *predict(clip, tmp_path / "out", by.format(clip)))
    assert "95 % within" in told.err
    for index in range(3):
        with np.load(tmp_path / f"out/{index:04}.npz") as saved:
            assert (saved["kind"], saved["scale"], saved["unit"]) == ("depth", "metric", "mm")
            off_mm = np.abs(saved["depth_mm"] - np.load(clip / f"true_{index:04}.npy"))
        assert off_mm.mean() < most_mm
    record = json.loads((tmp_path / "out/predictions.json").read_text())["millimetres"]
    low, high = record["all frames"]["interval_95_mm"]
    assert low < record["all frames"]["depth_mm"] < high


def test_without_them_it_stays_relative(clip: Path, tmp_path: Path):
    succeed("predict", *predict(clip, tmp_path / "out"))
    with np.load(tmp_path / "out/0000.npz") as saved:
        assert saved["scale"] == "up_to_scale_and_shift"
        assert "depth_mm" not in saved
    assert "millimetres" not in json.loads((tmp_path / "out/predictions.json").read_text())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("anchor={}/anchors.csv", "pairs={}/pairs"), "give one"),
        (("anchor={}/anchors.csv", "anchor_per=second"), "choose video or frame"),
        (("anchor={}/none.csv",), "cannot be read as .csv"),
        (("pairs={}/nowhere",), "pairs={}/nowhere: no folder {}/nowhere/left"),
        (("pairs=2",), "pairs=2: no folder 2/left"),
    ],
)
def test_one_clear_line(clip: Path, tmp_path: Path, options: tuple[str, ...], said: str):
    given = [one.format(clip) for one in options]
    told = m3depth("predict", *predict(clip, tmp_path / "out", *given))
    assert told.status in (1, 2)
    assert said.replace("{}", str(clip)) in told.line


def test_one_file_is_the_depth_of_a_frame_and_of_the_same_picture_in_a_pair(
    clip: Path, tmp_path: Path
):
    """As where all left images of a rig's pairs are predicted, and tell their own millimetres."""
    given = predict(clip, tmp_path / "out", f"pairs={clip}")
    assert "0 skipped" in succeed("predict", *given).err


@pytest.mark.parametrize(
    ("verb", "options"), [("export", ("writer=npz",)), ("evaluate", ()), ("check", ())]
)
def test_every_verb_takes_relative_depth_with_pairs(
    clip: Path, tmp_path: Path, verb: str, options: tuple[str, ...]
):
    data = ("data=folder", f"data.root={clip}", f"predictions={clip}/relative")
    output = f"output={tmp_path / 'out'}"
    told = m3depth(verb, *data, *options, output, f"pairs={clip}/pairs")
    assert told.status == 0, told.err
    assert "95 % within" in told.err
    if verb == "evaluate":
        record = json.loads((tmp_path / "out/metrics.json").read_text())
        assert record["millimetres"]["from"] == f"the pairs in {clip}/pairs"
        return
    refused = m3depth(verb, *data, *options, output, "overwrite=true")
    assert refused.status == 2
    assert "or give pairs=DIR of the same rig" in refused.line
    assert "protocol=scale_shift" in refused.line


def test_without_anchors_the_record_names_the_files_that_know_millimetres(
    clip: Path, tmp_path: Path
):
    (tmp_path / "known").mkdir()
    for index in range(3):
        depth_mm = np.load(clip / f"true_{index:04}.npy")
        np.save(tmp_path / f"known/{index:04}.npy", depth_mm)
    files = (f"predictions={tmp_path}/known", f"input={clip}/left", f"output={tmp_path}/out")
    succeed("predict", *files)
    record = json.loads((tmp_path / "out/predictions.json").read_text())
    assert record["millimetres"] == {"from": f"the depth of depth_mm in {tmp_path}/known"}
    disparity = ("kind=disparity_px", f"rig={clip}/rig.yaml", "overwrite=true")
    succeed("predict", *files, *disparity)
    record = json.loads((tmp_path / "out/predictions.json").read_text())
    assert record["millimetres"] == {"from": f"disparity, by {clip}/rig.yaml"}
