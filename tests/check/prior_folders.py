"""Exports of every writer, and ways to break them."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from command_line import Told, m3depth
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from m3depth.cli.configuration import configuration
from m3depth.priors.layouts.writer import SceneWriter
from m3depth.priors.prior import DepthPrior
from m3depth.types.camera import StereoRig

HEIGHT, WIDTH = 64, 80
FRAMES = 12  # enough for names whose order as text is another


def written(name: str, folder: Path, *overrides: str) -> SceneWriter:
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        settings = [f"writer={name}", "checkpoint=x", f"output={folder}", *overrides]
        config = compose("export", settings)
        OmegaConf.resolve(config)
        return instantiate(config.writer)


def a_prior(index: int, moving: bool, centre: float = WIDTH / 2) -> DepthPrior:
    """A slope that is darker where it is farther, a hole and a tool."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    depth = 45 + 0.5 * y + 0.2 * x + index / 10
    image = (60 / depth).clamp(0, 1).expand(3, -1, -1) ** 2
    depth[:6, :8] = 0
    use = torch.ones(1, HEIGHT, WIDTH, dtype=torch.bool)
    use[:, 20:40, 60:70] = False
    pose = torch.eye(4)
    pose[:3, 3] = torch.tensor([0.3, -0.1, 0.2]) * index * moving
    return DepthPrior(
        key=f"clip/{index:03d}",
        image=image.float(),
        disparity_px=depth[None] / 9,
        depth_mm=depth[None],
        confidence=torch.ones(1, HEIGHT, WIDTH),
        rig=StereoRig.of(70.0, 70.0, centre, HEIGHT / 2, centre, 4.5),
        camera_to_world=pose,
        use=use,
    )


def exported(name: str, tmp_path: Path, *overrides: str, moving: bool = True) -> Path:
    folder = tmp_path / ("stereo_clip" if name == "endonerf_stereo" else "endo_clip")
    writer = written(name, folder, *overrides)
    for index in range(FRAMES):
        writer.write(index, a_prior(index, moving))
    assert writer.finish(FRAMES) == []
    return folder


def check(folder: Path, target: str, *more: str) -> Told:
    return m3depth("check", "kind=prior", f"input={folder}", f"target={target}", *more)


def codes(folder: Path, target: str, out: Path) -> dict[str, str]:
    told = check(folder, target, f"output={out}", "overwrite=true")
    assert "Traceback" not in told.err, told.err
    said = json.loads((out / "check.json").read_text())
    assert told.status == int(said["errors"] > 0)
    assert all(finding["mend"] and finding["mend"] in told.out for finding in said["findings"])
    return {finding["code"]: finding["severity"] for finding in said["findings"]}


def pictures(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / kind).glob("*.png"))


def change(folder: Path, kind: str, how: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in pictures(folder, kind):
        cv2.imwrite(str(path), how(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)))


def change_poses(folder: Path, how: Callable[[np.ndarray], np.ndarray]) -> None:
    np.save(folder / "poses_bounds.npy", how(np.load(folder / "poses_bounds.npy")))


def half_written(folder: Path) -> None:
    (folder / "depth_meta.json").unlink()


def before_the_world_was_turned(folder: Path) -> None:
    """Poses as version 0.1.0 wrote them: the data's own world, the axes alone turned."""

    def turn(rows: np.ndarray) -> np.ndarray:
        for index, row in enumerate(rows):
            pose = a_prior(index, bool(np.ptp(rows[:, 3]) > 0)).camera_to_world[:3].numpy()
            row[:15].reshape(3, 5)[:, :4] = pose * np.array([1, -1, -1, 1])
        return rows

    change_poses(folder, turn)
