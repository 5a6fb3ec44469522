"""Other people's own readers read ours, where they are installed; each skips where it is not.

pycolmap's is in ``test_round_trips.py``. nerfstudio is too heavy for the suite's environment: to
run its test, put nerfstudio beside these packages (``pip install nerfstudio``, tried with 1.1.5).
"""

from pathlib import Path

import numpy as np
import pytest
from prior_scenes import export, some_priors, usable, world_points

from m3depth.priors.layouts.nerfstudio.layout import NerfstudioLayout
from m3depth.priors.layouts.writer import scene_writer


@pytest.mark.parametrize("moving", [True, False], ids=["moving", "static"])
@pytest.mark.parametrize("png", [False, True], ids=["npy", "png"])
def test_nerfstudios_own_parser_finds_the_points(tmp_path: Path, png: bool, moving: bool) -> None:
    parsers = pytest.importorskip("nerfstudio.data.dataparsers.nerfstudio_dataparser")
    utils = pytest.importorskip("nerfstudio.data.utils.data_utils")
    priors = some_priors(moving)
    scene = export(scene_writer(tmp_path, NerfstudioLayout, png=png), priors)
    config = parsers.NerfstudioDataParserConfig(
        data=scene,
        auto_scale_poses=False,
        center_method="none",
        orientation_method="none",
        eval_mode="all",
        downscale_factor=1,
        load_3D_points=True,
    )
    parsed = config.setup().get_dataparser_outputs("train")
    assert len(parsed.image_filenames) == 3
    cameras, height, width = parsed.cameras, *priors[0].size
    for index, prior in enumerate(priors):
        depth = utils.get_depth_image_from_path(
            parsed.metadata["depth_filenames"][index],
            height,
            width,
            parsed.metadata["depth_unit_scale_factor"] * parsed.dataparser_scale,
        )
        mask = utils.get_image_mask_tensor_from_path(parsed.mask_filenames[index])
        rays = cameras.generate_rays(camera_indices=index, keep_shape=True)
        # Its directions have unit length; with z = 1 they had this one
        points = rays.origins + rays.directions * rays.metadata["directions_norm"] * depth
        used = ((depth > 0) & mask).squeeze(-1).numpy()
        assert np.array_equal(used, usable(prior))
        off = np.linalg.norm(points.numpy() * 1000 - world_points(prior), axis=-1)
        assert off[used].max() < (0.75 if png else 0.01)
    assert len(parsed.metadata["points3D_xyz"]) > 500
