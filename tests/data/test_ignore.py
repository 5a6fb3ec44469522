"""What misleads a comparison of colours is found, and left out wherever it is looked up."""

import cv2
import numpy as np
import pytest
import torch

from m3depth.data.fields import mirrored
from m3depth.data.ignore import BlackBorder, Highlights, Ignore, Overlay, tools
from m3depth.data.resolution import CoarseToFine
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import DataError
from m3depth.geometry.synthesis import synthesise
from m3depth.losses.terms import Photometric
from m3depth.types import Disparity, StereoBatch
from m3depth.types.camera import StereoRig


def pair(left: torch.Tensor, right: torch.Tensor | None = None) -> StereoBatch:
    width = left.shape[-1]
    rig = StereoRig(*(v[None] for v in StereoRig.of(width, width, 0.0, 0.0, 0.0, 5.0)))
    return StereoBatch(left=left, right=left if right is None else right, rig=rig, key=["one"])


def test_highlights_of_rendered_tissue_are_found_and_little_else():
    shiny = SyntheticPairs("train", 8, (128, 160), cache=False, noise=False, tools=False)
    dull = SyntheticPairs(
        "train", 8, (128, 160), cache=False, noise=False, tools=False, highlights=False
    )
    left, matte = (torch.stack([s["left"] for s in pairs]) for pairs in (shiny, dull))
    glare = (left - matte).amin(1)  # what the highlight alone adds
    found = Highlights()(pair(left))[:, 0]
    assert found[glare > 0.25].float().mean() > 0.9
    assert found[glare < 0.02].float().mean() < 0.05
    assert Highlights()(pair(matte))[:, 0].float().mean() < 0.01


def test_black_is_a_border_only_where_it_reaches_the_edge():
    y, x = torch.meshgrid(torch.arange(48) - 23.5, torch.arange(64) - 31.5, indexing="ij")
    inside = x.hypot(y) < 22
    image = 0.5 * inside.expand(1, 3, -1, -1).float()
    image[..., 20:28, 28:36] = 0.0  # a dark hole in the tissue
    found = BlackBorder()(pair(image))[0, 0]
    assert torch.equal(found, ~inside)


def test_an_overlay_is_where_its_picture_says(tmp_path):
    drawn = np.zeros((40, 60), np.uint8)
    drawn[:4, :12] = 255
    cv2.imwrite(str(tmp_path / "logo.png"), drawn)
    found = Overlay(str(tmp_path / "logo.png"))(pair(torch.rand(1, 3, 20, 30)))
    expected = torch.zeros(20, 30, dtype=torch.bool)
    expected[:2, :6] = True
    assert torch.equal(found, expected.expand(1, 2, -1, -1))
    with pytest.raises(DataError, match=r"none\.png"):
        Overlay(str(tmp_path / "none.png"))(pair(torch.rand(1, 3, 20, 30)))


def test_tools_of_both_views_are_ignored_where_there_are_masks():
    from torch.utils.data import default_collate

    batch = default_collate([SyntheticPairs("train", 6, (64, 80), cache=False)[i] for i in (0, 5)])
    found = tools(batch)
    assert torch.equal(found[:, :1], batch["tool"])
    assert torch.equal(found[:, 1:], batch["tool_right"])
    assert not tools(pair(torch.rand(1, 3, 8, 8))).any()


def test_the_reasons_add_up_and_none_changes_nothing():
    batch = pair(torch.rand(1, 3, 8, 8))
    assert Ignore()(batch) is batch
    one, other = torch.zeros(1, 2, 8, 8).bool(), torch.zeros(1, 2, 8, 8).bool()
    one[0, 0, 1, 1] = other[0, 1, 2, 2] = True
    both = Ignore({"one": lambda _: one, "other": lambda _: other})(batch)["ignore"]
    assert torch.equal(both, one | other)


def test_the_mark_follows_the_mirror_and_the_resolution():
    batch = pair(torch.rand(1, 3, 8, 12), torch.rand(1, 3, 8, 12))
    mark = torch.zeros(1, 2, 8, 12).bool()
    mark[0, 0, 3, 2] = True
    batch["ignore"] = mark
    turned = mirrored(batch, torch.tensor([True]))["ignore"]
    assert turned.nonzero().tolist() == [[0, 1, 3, 9]]
    small = CoarseToFine(shrink=[2], until=[1.0])(batch, 0.0)["ignore"]
    assert small.nonzero().tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("view", [0, 1])
def test_what_is_ignored_in_either_view_changes_no_photometric_value(view):
    wide = torch.rand(1, 3, 24, 44)
    batch = pair(wide[..., :40].clone(), wide[..., 4:].clone())  # x_right = x_left - 4
    disparity = Disparity(*(torch.full((1, 1, 24, 40), 4.0 / 40) for _ in range(2)))
    mark = torch.zeros(1, 2, 24, 40).bool()
    mark[0, view, 10:13, 20:23] = True
    spoilt = {**batch, "left": batch["left"].clone(), "right": batch["right"].clone()}
    spoilt[("left", "right")[view]][..., 10:13, 20:23] = 1.0  # the glare of one lens
    term = Photometric()
    clean = term([synthesise({**batch, "ignore": mark}, disparity)]).mean()
    assert term([synthesise(spoilt, disparity)]).mean() > clean + 0.01
    assert term([synthesise({**spoilt, "ignore": mark}, disparity)]).mean() == clean


def test_a_frame_without_a_right_image_has_marks_of_its_own():
    both = pair(torch.rand(1, 3, 24, 32))
    alone = {name: value for name, value in both.items() if name != "right"}
    for part in (Highlights(), BlackBorder(), tools):
        assert torch.equal(part(alone), part(both)[:, :1])
