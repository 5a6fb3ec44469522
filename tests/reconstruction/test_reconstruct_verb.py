"""``m3depth reconstruct``, as a user runs it."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import open3d
import pytest
from command_line import Told, m3depth, succeed
from toy_video import STEP, write_checkpoint

from m3depth.io.tum import read_tum
from m3depth.priors.layouts.writer import SceneWriter
from m3depth.splatting.scene.read import read_clip

CLIP = (
    *("data=synthetic_clip", "data.size=[48,64]", "data.test.frames=8"),
    *("+data.test.deforming=false", "+data.test.tools=false"),
)
EXACT = (*CLIP, "source=exact", "motion=exact")
ALWAYS = {
    *("poses.txt", "intrinsics.csv", "mesh.ply", "report.html", "reconstruction.json"),
    *("depth_meta.json", "priors", "frames", "sparse", "state", ".m3depth"),
}


@pytest.fixture(scope="module")
def from_video(
    video: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Told]:
    """Depth, path and K by the toy networks, up to scale."""
    output = tmp_path_factory.mktemp("out") / "run"
    told = succeed("reconstruct", f"input={video}", f"checkpoint={checkpoint}", f"output={output}")
    return output, told


@pytest.fixture(scope="module")
def from_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a built-in clip, by its own depth and poses."""
    output = tmp_path_factory.mktemp("out") / "exact"
    succeed("reconstruct", *EXACT, f"output={output}")
    return output


def metrics(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def files_below(folder: Path) -> dict[str, bytes]:
    paths = (p for p in sorted(folder.rglob("*")) if p.is_file() and ".m3depth" not in p.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_video_leaves_what_the_contract_names(from_video: tuple[Path, Told]):
    output, told = from_video
    assert {path.name for path in output.iterdir()} == ALWAYS  # no metrics.json: no truth
    assert "Traceback" not in told.err
    mesh = open3d.io.read_triangle_mesh(str(output / "mesh.ply"))
    assert len(mesh.triangles) > 100
    assert mesh.has_vertex_colors()


def test_the_path_is_the_network_s_in_one_unit_with_the_depth(from_video: tuple[Path, Told]):
    """The wall is 5 units away, and 50 in the scene: translations are ten times the network's."""
    output, _ = from_video
    found = read_tum(output / "poses.txt")
    np.testing.assert_allclose(found.time_s, np.arange(8) / 10, atol=1e-9)
    np.testing.assert_allclose(found.camera_to_world[1, :3, 3], 10 * np.array(STEP), rtol=1e-4)
    with np.load(output / "priors/000003.npz") as frame:
        np.testing.assert_allclose(frame["depth_mm"], 50, rtol=1e-5)
        np.testing.assert_allclose(frame["camera_to_world"], found.camera_to_world[3], atol=1e-5)
    with (output / "intrinsics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == [f"{i:06d}" for i in range(8)]
    assert {float(row["fx"]) for row in rows} == {60.0}
    assert {float(row["cx"]) for row in rows} == {31.5}


def test_a_video_that_only_slides_shows_no_k(from_video: tuple[Path, Told]):
    """Its record says so, each row of its file does, and the page has no curve of it."""
    output, told = from_video
    assert "K: not identifiable" in told.err
    assert json.loads((output / "reconstruction.json").read_text())["K"]["identifiable"] is False
    with (output / "intrinsics.csv").open(newline="") as file:
        assert {row["identifiable"] for row in csv.DictReader(file)} == {"false"}
    page = (output / "report.html").read_text()
    assert "<h2>K is not identifiable</h2>" in page
    assert "focal length, px" not in page


def test_where_the_scale_is_open_every_file_says_so(from_video: tuple[Path, Told]):
    output, told = from_video
    assert read_tum(output / "poses.txt").unit == "up to scale"
    meta = json.loads((output / "depth_meta.json").read_text())
    assert (meta["depth_scale"], meta["unit"]) == ("up_to_scale", "none")
    with np.load(output / "priors/000000.npz") as frame:
        assert (str(frame["scale"]), str(frame["unit"])) == ("up_to_scale", "none")
    assert json.loads((output / "reconstruction.json").read_text())["scale"] == "up to scale"
    assert ">Up to scale<" in (output / "report.html").read_text()
    assert "(up to scale)" in told.err


def test_splat_takes_the_scene_of_a_video(from_video: tuple[Path, Told], tmp_path: Path):
    """The chain from a plain video to Gaussians: README, experiments/reconstruction."""
    output, _ = from_video
    few = ("recipe.iterations=3", "recipe.density.most=50")
    told = succeed("splat", f"scene={output}", f"output={tmp_path}/fit", "objective=m3depth", *few)
    assert "known up to scale" in told.err
    assert (tmp_path / "fit/gaussians.ply").stat().st_size > 1000
    clip = read_clip(output)
    assert len(clip) == 8
    assert not np.allclose(clip.frames[0].camera_to_world, clip.frames[7].camera_to_world)


@pytest.mark.parametrize("writer", ["npz", "nerfstudio", "colmap"])
def test_export_takes_the_scene_to_other_layouts(from_data: Path, tmp_path: Path, writer: str):
    scene = ("data=reconstruction", f"data.root={from_data}", "source=exact")
    succeed("export", *scene, f"writer={writer}", f"output={tmp_path}/scene")
    meta = json.loads((tmp_path / "scene/depth_meta.json").read_text())
    assert meta["frames"] == 8
    told = succeed("check", "kind=prior", f"input={tmp_path}/scene", f"target={writer}")
    assert "error" not in told.out.lower()


def test_exact_depth_and_poses_give_the_true_path_and_surface(from_data: Path):
    found = metrics(from_data)
    assert found["scale"] == "mm"
    assert found["trajectory"]["ate_unscaled_mm"] == pytest.approx(0, abs=1e-4)
    assert found["trajectory"]["rotation_max_deg"] == pytest.approx(0, abs=1e-3)
    assert "intrinsics" not in found  # K is the data's own
    assert found["surface"]["alignment"] == "none"
    assert found["surface"]["accuracy_mm"] < 0.5
    assert found["surface"]["completeness_mm"] < 1.5
    assert found["surface"]["fscore_2mm"] > 0.95
    assert (from_data / "metrics.json").read_text().count("NaN") == 0


def test_poses_in_a_file_are_scored_by_the_same_code(from_data: Path, tmp_path: Path):
    output = tmp_path / "out"
    succeed(
        *("reconstruct", *CLIP, "source=exact", f"poses={from_data}/poses.txt"),
        *(f"output={output}", "loops=false"),
    )
    found = metrics(output)
    assert found["trajectory"]["ate_unscaled_mm"] == pytest.approx(0, abs=1e-4)
    assert found["motion"] == f"poses in {from_data}/poses.txt"


def test_a_network_s_k_and_path_are_scored_and_drawn(checkpoint: Path, tmp_path: Path):
    told = succeed(
        *("reconstruct", *CLIP, f"checkpoint={checkpoint}", f"output={tmp_path}/out"),
        "voxel=1.5",
    )
    found = metrics(tmp_path / "out")
    assert found["intrinsics"]["frames"] == 8
    assert found["intrinsics"]["fx_share"] > 0
    assert found["surface"]["alignment"] == "scale"
    assert found["trajectory"]["ate_mm"] > 0
    page = (tmp_path / "out/report.html").read_text()
    titles = ("The surface", "Path of the camera", "K of the camera", "Up to scale")
    assert all(f"<h2>{title}</h2>" in page for title in titles)
    assert "K: not identifiable" in told.err  # the toy's motion has nothing to do with the clip's


def test_a_stopped_run_goes_on_to_the_same_bytes(
    from_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write = SceneWriter.write

    def stops(self: SceneWriter, index: int, *rest: object) -> None:
        if index == 4:
            raise KeyboardInterrupt
        write(self, index, *rest)

    output = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(SceneWriter, "write", stops)
        told = m3depth("reconstruct", *EXACT, f"output={output}")
    assert told.status == 1
    assert "goes on where it was" in told.err
    assert len(list((output / "priors").iterdir())) == 4
    made = (output / "priors/000001.npz").stat().st_mtime_ns
    succeed("reconstruct", *EXACT, f"output={output}")
    assert (output / "priors/000001.npz").stat().st_mtime_ns == made
    ours, theirs = files_below(output), files_below(from_data)
    assert ours.keys() == theirs.keys()
    different = {"report.html", "metrics.json", "reconstruction.json"}  # they name the output
    assert [name for name in ours if ours[name] != theirs[name] and name not in different] == []
    numbers = [metrics(one) for one in (output, from_data)]
    assert numbers[0] | {"config_sha256": 0} == numbers[1] | {"config_sha256": 0}


def test_other_settings_in_the_same_folder_are_refused(from_data: Path):
    told = m3depth("reconstruct", *EXACT, "every=2", f"output={from_data}")
    assert told.status == 2
    assert "is of a run with another every" in told.line


def test_a_checkpoint_without_motion_says_what_to_train(video: Path, tmp_path: Path):
    still = write_checkpoint(tmp_path / "still.ckpt", motion=False)
    told = m3depth("reconstruct", f"input={video}", f"checkpoint={still}", "output=x")
    assert told.status == 1
    assert "m3depth train" in told.line
    assert "video" in told.line


MISTAKES = {
    "nothing": ((), "give either input=VIDEO or data=NAME"),
    "both": (("input={video}", "data=synthetic_clip"), "give either input=VIDEO or data=NAME"),
    "no checkpoint": (("input={video}",), "needs checkpoint=PATH"),
    "no video": (("input=none.mp4", "checkpoint={toy}"), "no such image, folder, glob or video"),
    "two frames": (("input={video}", "checkpoint={toy}", "count=2"), "a path needs 3 at least"),
    "beyond": (("input={video}", "checkpoint={toy}", "first=9"), "there are 8 frames"),
    "every": (("input={video}", "checkpoint={toy}", "every=0"), "every=0: expected"),
    "voxel": (("input={video}", "checkpoint={toy}", "voxel=0"), "voxel=0: expected"),
    "huge voxel": (("input={video}", "checkpoint={toy}", "voxel=5000"), "set voxel= "),
    "no depth": (("input={video}", "source=exact", "checkpoint={toy}"), "needs depth_mm of each"),
    "units": ((*CLIP, "source=exact", "checkpoint={toy}"), "the path is known up to scale"),
    "other units": ((*CLIP, "motion=exact", "checkpoint={toy}"), "no unit in common"),
    "poses": (("input={video}", "checkpoint={toy}", "poses=none.txt"), "no such file"),
    "setting": (("input={video}", "loop=false"), "no such setting"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line(name: str, video: Path, checkpoint: Path, tmp_path: Path):
    options, said = MISTAKES[name]
    given = [one.format(video=video, toy=checkpoint) for one in options]
    told = m3depth("reconstruct", *given, f"output={tmp_path}/out")
    assert told.status in (1, 2)
    assert said in told.err.splitlines()[-1]
    assert "Traceback" not in told.err


def test_poses_of_another_length_are_refused(video: Path, checkpoint: Path, tmp_path: Path):
    np.savez(tmp_path / "poses.npz", camera_to_world=np.tile(np.eye(4), (5, 1, 1)))
    told = m3depth(
        *("reconstruct", f"input={video}", f"checkpoint={checkpoint}"),
        *(f"poses={tmp_path}/poses.npz", f"output={tmp_path}/out"),
    )
    assert "5 poses without names or times, and 8 frames" in told.line


def test_a_folder_of_pictures_with_a_rig(checkpoint: Path, tmp_path: Path):
    """K of the data where the network says none; the COLMAP model names the pictures."""
    import pycolmap

    folder = tmp_path / "pictures"
    folder.mkdir()
    wide = cv2.resize(np.random.default_rng(0).integers(0, 255, (12, 30, 3), np.uint8), (300, 96))
    for i in range(4):
        cv2.imwrite(str(folder / f"view{i + 9}.png"), wide[:, 3 * i : 3 * i + 128])
    (tmp_path / "rig.yaml").write_text("{fx: 120, fy: 121, cx: 63, cy: 48, width: 128, height: 96}")
    silent = write_checkpoint(tmp_path / "silent.ckpt", says_k=False)
    succeed(
        *("reconstruct", f"input={folder}", f"checkpoint={silent}", f"output={tmp_path}/out"),
        *(f"rig={tmp_path}/rig.yaml", "size=[48,64]"),
    )
    with (tmp_path / "out/intrinsics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == ["view9", "view10", "view11", "view12"]
    assert float(rows[0]["fx"]) == pytest.approx(60)
    assert float(rows[0]["cx"]) == pytest.approx(31.25)
    assert {row["identifiable"] for row in rows} == {""}  # given, not found
    model = pycolmap.Reconstruction(str(tmp_path / "out/sparse/0"))
    assert sorted(image.name for image in model.images.values()) == [
        *("view10.png", "view11.png", "view12.png", "view9.png")
    ]
    assert len(model.points3D) > 10
    told = m3depth(
        *("reconstruct", f"input={folder}", f"checkpoint={silent}", f"output={tmp_path}/none")
    )
    assert "K of the camera is not known" in told.line
