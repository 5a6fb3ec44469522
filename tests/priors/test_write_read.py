"""What each layout writes is what its reader has, but for the steps that its files count in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from prior_scenes import a_prior, export, meta_of, usable

from m3depth.cli.configuration import configuration
from m3depth.data.readers.endonerf import EndoNerf
from m3depth.priors.layouts.endonerf.foreign import ForeignScene, foreign_cameras
from m3depth.priors.layouts.scene import PriorFrame, PriorScene
from m3depth.priors.prior import DepthPrior

FRAMES = 3
CENTRED = {"endonerf", "endonerf_stereo", "endogaussian_mono", "endo4dgs", "gsharp"}
SIZED = CENTRED - {"gsharp", "endonerf"}  # by default
STEPS = {  # of the depth in mm, at this depth
    "endonerf": lambda z: 1.0,
    "endonerf_stereo": lambda z: 1.0,
    "gsharp": lambda z: 1.0,
    "endogaussian_mono": lambda z: z**2 / (255 * 20 - z),  # from one number to the next
    "graphdeco": lambda z: z**2 / (65536 * 10 - z),
    "endo4dgs": lambda z: 1e-3,
    "nerfstudio": lambda z: 1e-3,
    "colmap": lambda z: 1e-3,
    "npz": lambda z: 1e-3,
}


def configured(name: str, folder: Path) -> tuple[object, object]:
    sized = ["writer.size=null"] if name in SIZED else []
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        settings = [f"writer={name}", "checkpoint=x", f"output={folder}", *sized]
        exporting = compose("export", settings)
        checking = compose("check_prior", [f"target={name}", f"input={folder}"])
    OmegaConf.resolve(exporting)
    return instantiate(exporting.writer), instantiate(checking.target, _convert_="all")


def odd(prior: DepthPrior) -> DepthPrior:
    """Of 63 x 47 pixels."""
    names = ("image", "disparity_px", "depth_mm", "confidence", "use")
    return replace(prior, **{name: getattr(prior, name)[..., :47, :63] for name in names})


def read_back(name: str, moving: bool, folder: Path) -> tuple[list[DepthPrior], PriorScene]:
    writer, target = configured(name, folder / "stereo_endo")
    priors = [odd(a_prior(index, moving)) for index in range(FRAMES)]
    return priors, target(export(writer, priors), FRAMES)


def kept(frame: PriorFrame, scene: PriorScene) -> tuple[slice, slice]:
    cut = meta_of(scene.folder).get("cropped_px", {"left": 0, "top": 0})
    height, width = frame.image.shape
    return (slice(cut["top"], cut["top"] + height), slice(cut["left"], cut["left"] + width))


@pytest.mark.parametrize("moving", [True, False], ids=["moving", "still"])
@pytest.mark.parametrize("name", STEPS)
def test_depth_mask_image_camera_and_poses_come_back(name: str, moving: bool, tmp_path: Path):
    priors, scene = read_back(name, moving, tmp_path)
    assert len(scene.frames) == FRAMES
    for frame, prior in zip(scene.frames, priors, strict=True):
        area = kept(frame, scene)
        known, depth_mm = usable(prior)[area], prior.depth_mm[0].numpy()[area]
        off_mm = np.abs(frame.depth * scene.unit_mm - depth_mm)
        assert (off_mm <= 0.5 * STEPS[name](depth_mm) + 1e-4)[known].all()
        use = known if name in CENTRED else prior.use[0].numpy()[area]
        assert np.array_equal(frame.used, use)
        grey = 255 * prior.image.mean(0).numpy()[area]
        assert np.abs(frame.image - grey)[use].max() < 0.5
        exact = prior.rig.matrix().numpy().copy()
        exact[:2, 2] -= area[1].start, area[0].start
        assert frame.camera.size == frame.image.shape
        assert frame.camera.K[:2, :2] == pytest.approx(exact[:2, :2])
        off_px = np.abs(frame.camera.K - exact)[:2, 2].max()
        assert off_px <= (1.0 if name == "gsharp" else 0.5 if name in CENTRED else 1e-4)
        if "K_exact" in meta_of(scene.folder):
            assert np.array(meta_of(scene.folder)["K_exact"]) == pytest.approx(exact, abs=1e-5)
    world_to_first = np.linalg.inv(priors[0].camera_to_world.double().numpy())
    motion = [world_to_first @ prior.camera_to_world.double().numpy() for prior in priors]
    found = np.linalg.inv(scene.poses_mm[0]) @ scene.poses_mm
    assert found == pytest.approx(np.array(motion), abs=1e-4)


@pytest.mark.parametrize("size", [(47, 63), (48, 64)])
def test_every_reader_of_endonerfs_layout_has_one_middle(size: tuple[int, int], tmp_path: Path):
    """EndoNeRF's own, of odd sizes too: its rays are (i - W / 2) / f."""
    from m3depth.io.files import write_npy, write_png

    height, width = size
    row = [*np.hstack([np.eye(3, 4), [[height], [width], [60.0]]]).ravel(), 40, 100]
    write_npy(tmp_path / "poses_bounds.npy", np.array([row, row]))
    for name in ("000000", "000001"):
        write_png(tmp_path / f"images/{name}.png", np.zeros((*size, 3), np.uint8))
    as_data = EndoNerf(tmp_path, None)[0]["rig"].matrix()
    as_scene = foreign_cameras(tmp_path, ForeignScene(1.0)).intrinsics
    assert as_data.tolist() == as_scene.tolist()
    assert as_scene[:2, 2].tolist() == [width / 2, height / 2]
