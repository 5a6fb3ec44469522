from pathlib import Path

import pytest
from command_line import succeed

from m3depth.reconstruction.tells_k import told_of_k

CLIP = ("data.size=[96,128]", "data.test.frames=24", "+data.test.deforming=false")
PATHS = {
    "turning": ("sway_mm: [1,2]", "turn_deg: [9,11]"),
    "sliding": ("sway_mm: [8,10]", "turn_deg: [0,0]"),
}


@pytest.mark.parametrize("name", PATHS)
def test_a_camera_that_only_slides_does_not_tell_k(name: str, tmp_path: Path):
    path = ", ".join(PATHS[name])
    moving = f"+data.test.path={{_target_: m3depth.data.synthetic.paths.Moving, {path}}}"
    scene = ("data=synthetic_clip", *CLIP, "+data.test.tools=false", moving)
    succeed("reconstruct", *scene, "source=exact", "motion=exact", f"output={tmp_path}/out")
    known = told_of_k(tmp_path / "out")
    assert known is not None
    assert known.identifiable == (name == "turning")
