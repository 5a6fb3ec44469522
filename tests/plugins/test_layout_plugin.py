"""A user's own layout, named by class path in YAML, with no file edited."""

import json
from pathlib import Path

import cv2
import numpy as np
from command_line import m3depth_process

from m3depth.data.synthetic import SyntheticClip

HERE = Path(__file__).parent
CLIP = ("data=synthetic_clip", "data.size=[32,48]", "data.test.frames=3")


def exported(folder: Path, *options: str) -> None:
    given = (f"--config-dir={HERE / 'conf'}", "writer=tum", "source=exact", *CLIP, *options)
    told = m3depth_process("export", *given, "output=scene", cwd=folder)
    assert told.status == 0, told.err


def test_a_layout_of_a_users_own_is_exported(tmp_path: Path):
    exported(tmp_path, "writer.steps=1000")
    scene = tmp_path / "scene"
    poses = []
    for index, sample in enumerate(SyntheticClip("test", 0, 3, (32, 48), zoom=False)):
        poses.append(sample["camera_to_world"].double().numpy())
        depth_mm = sample["depth_mm"][0].numpy()
        image = (sample["left"] * 255).round().byte().permute(1, 2, 0).numpy()
        seen_mm = np.where(sample["tool"][0].numpy(), 0, np.rint(depth_mm))
        for kind, expected in (("rgb", image[..., ::-1]), ("depth", seen_mm)):
            found = cv2.imread(str(scene / f"{kind}/{index:06d}.png"), cv2.IMREAD_UNCHANGED)
            assert np.array_equal(found, expected)
        assert np.array_equal(np.load(scene / f"depth_float/{index:06d}.npy"), depth_mm)
    lines = [line.split() for line in (scene / "groundtruth.txt").read_text().splitlines()]
    assert [line[0] for line in lines] == ["000000", "000001", "000002"]
    moved_m = np.array([[float(number) for number in line[1:4]] for line in lines])
    assert np.abs(moved_m * 1000 - np.array(poses)[:, :3, 3]).max() < 1e-3
    meta = json.loads((scene / "depth_meta.json").read_text())
    assert (meta["writer"], meta["steps"], meta["unit"]) == ("TumWriter", 1000, "m")


def test_an_option_that_the_layout_does_not_have_is_one_line(tmp_path: Path):
    given = (f"--config-dir={HERE / 'conf'}", "writer=tum", "source=exact", *CLIP)
    told = m3depth_process("export", *given, "+writer.unheard=3", "output=scene", cwd=tmp_path)
    assert (told.status, "writer.unheard: no such setting" in told.line) == (2, True)
