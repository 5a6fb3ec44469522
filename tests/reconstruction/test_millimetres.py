"""What tells the millimetres of a video whose depth and path are known up to scale."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import m3depth, succeed
from fake_sources import Fake
from torch.utils.data import Dataset
from toy_video import STEP

from m3depth.data.synthetic.clip import SyntheticClip
from m3depth.data.synthetic.paths import Moving
from m3depth.errors import ConfigError, DataError
from m3depth.geometry.lamp_scale import Lamp
from m3depth.io.tum import read_tum
from m3depth.reconstruction.millimetres import Millimetres, by_lamp
from m3depth.reconstruction.unit import Unit
from m3depth.types import DepthMap, Kind, Scale, StereoBatch, StereoRig, Track

UNIT_MM = 2.5  # of the depth and path below


def test_a_known_depth_tells_the_scale_of_depth_and_path(
    video: Path, checkpoint: Path, tmp_path: Path
):
    """The wall is 5 units away for the network; that it is 40 mm makes a unit 8 mm."""
    anchor = tmp_path / "known.csv"
    anchor.write_text("frame,x,y,depth_mm,sd_mm\n000003,20,10,40,0.4\n")
    output = tmp_path / "out"
    succeed(
        *("reconstruct", f"input={video}", f"checkpoint={checkpoint}", f"output={output}"),
        f"anchor={anchor}",
    )
    path = read_tum(output / "poses.txt")
    assert path.unit == "mm"
    np.testing.assert_allclose(path.camera_to_world[1, :3, 3], 8 * np.array(STEP), rtol=1e-4)
    with np.load(output / "priors/000003.npz") as frame:
        np.testing.assert_allclose(frame["depth_mm"], 40, rtol=1e-5)
    record = json.loads((output / "reconstruction.json").read_text())
    assert record["scale"] == "mm"
    assert record["millimetres"]["from"] == f"anchors in {anchor}"
    low, high = record["millimetres"]["interval_95_mm"]
    assert (low, high) == pytest.approx((40 - 1.96 * 0.4, 40 + 1.96 * 0.4), rel=1e-3)
    page = (output / "report.html").read_text()
    assert "<h2>Where the millimetres are from</h2>" in page
    assert "A depth told as 40.0 mm lies between 39.2 and 40.8 mm with 95 % probability" in page
    assert "<h2>Up to scale</h2>" not in page


def test_one_line_for_what_tells_nothing_or_is_not_needed(
    video: Path, checkpoint: Path, tmp_path: Path
):
    out = f"output={tmp_path}/out"
    ours = ("reconstruct", f"input={video}", f"checkpoint={checkpoint}", out)
    told = m3depth(*ours, "anchor=a.csv", "pairs=b")
    assert "anchor= and pairs= tell the scale: give one" in told.line
    assert "anchor=none.csv: cannot be read" in m3depth(*ours, "anchor=none.csv").line
    exact = ("reconstruct", "data=synthetic_clip", "data.size=[48,64]", "data.test.frames=4")
    known = tmp_path / "known.csv"
    known.write_text("frame,x,y,depth_mm\n000001,20,10,40\n")
    told = m3depth(*exact, "source=exact", "motion=exact", f"anchor={known}", out)
    assert "gives the path in mm: leave it out" in told.line
    told = m3depth(*ours, "lamp=beside", "lamp.offset_mm=[4,0]")
    assert "lamp.offset_mm=[4, 0]: expected [x,y,z]" in told.line


class Frames(Dataset[StereoBatch]):
    """A rigid scene without noise and highlights, of a camera that turns and sways."""

    def __init__(self, index: int) -> None:
        plain = {"deforming": False, "tools": False, "highlights": False, "noise": False}
        moving = Moving(zoom=(0.3, 0.3))
        clip = SyntheticClip("train", index, 41, (128, 160), path=moving, cache=False, **plain)
        self.light = clip.scene.light
        self.found = clip.render(range(0, 40, 3))

    def __len__(self) -> int:
        return len(self.found.image.left)

    def __getitem__(self, index: int) -> StereoBatch:
        depth_mm = self.found.depth_mm.left[index]
        return {"left": self.found.image.left[index], "key": f"c/{index}", "depth_mm": depth_mm}


@cache
def frames(index: int) -> Frames:
    return Frames(index)


def by_light(index: int, **changes: object) -> Millimetres:
    """By depth and path in a unit of `UNIT_MM`."""
    one = frames(index)
    poses = one.found.camera_to_world.double()
    poses = torch.linalg.inv(poses[0]) @ poses
    poses[:, :3, 3] /= UNIT_MM
    count = len(one)
    names, times = [str(i) for i in range(count)], torch.arange(count).double()
    track = Track(poses, StereoRig(*(v.double() for v in one.found.rig)), times, names)
    source = Fake(
        lambda batch: DepthMap(batch["depth_mm"] / UNIT_MM, Kind.DEPTH, Scale.UP_TO_SCALE)
    )
    light = one.light
    known = {"offset_mm": light.offset_mm.tolist(), "gamma": float(light.gamma)}
    known |= {"cone": float(light.cone), "ambient": float(light.ambient) / 2}
    known |= {"vignetting": float(light.vignetting)}
    return by_lamp(Lamp(**(known | changes)), source, one, range(count), track)


@pytest.mark.parametrize("index", [0, 1])
def test_a_lamp_beside_the_lens_tells_millimetres_and_how_surely(index: int):
    found = by_light(index)
    assert found.factor == pytest.approx(UNIT_MM, rel=0.05)
    low, high = found.record["interval_95"]
    assert low < UNIT_MM < high
    assert high / low < 1.3


def test_a_lamp_in_the_lens_is_refused():
    with pytest.raises(DataError, match="does not tell its scale"):
        by_light(0, offset_mm=(0.0, 0.0, 0.0))


def test_a_unit_that_was_open_is_closed():
    """Depth and path were multiplied by 10, so that the median depth was 50; a unit is 8 mm."""
    assert Millimetres(8.0, {}).instead_of(Unit(10.0, False, 50.0)) == Unit(8.0, True, 40.0)


@pytest.mark.parametrize("wrong", [{"gamma": 0}, {"ambient": 1}, {"offset_mm": (1.0, 2.0)}])
def test_a_lamp_that_is_none(wrong: dict[str, object]):
    with pytest.raises(ConfigError, match=f"lamp.{next(iter(wrong))}="):
        Lamp(**({"offset_mm": (4.0, 0.0, 0.0)} | wrong))  # type: ignore[arg-type]
