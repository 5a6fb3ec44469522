"""A picture and its label, zoomed into as if the scene were nearer."""

import pytest
import torch

from m3depth.data.zoom import Zoom, zoomed
from m3depth.errors import ConfigError
from m3depth.types import DepthLabel, DepthMap, Kind, StereoBatch
from m3depth.types.camera import StereoRig

HEIGHT, WIDTH = 33, 49  # odd: the middle is a pixel


def batch(count: int = 2) -> StereoBatch:
    """Colours and depth are smooth, so that what lies between pixels is known."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    left = torch.stack([x / WIDTH, y / HEIGHT, (x + y) / (HEIGHT + WIDTH)]).expand(
        count, -1, -1, -1
    )
    depth = DepthMap((40.0 + x)[None, None].expand(count, 1, -1, -1), Kind.DEPTH)
    rig = StereoRig(*(torch.full((count,), value) for value in (40.0, 40.0, 24.0, 16.0, 24.0, 5.0)))
    keys = [str(place) for place in range(count)]
    return {"left": left, "rig": rig, "key": keys, "depth_label": DepthLabel.of(depth)}


def test_each_sample_is_seen_as_much_larger_and_as_much_nearer():
    given, zoom = batch(), torch.tensor([1.0, 2.0])
    found = zoomed(given, zoom)
    assert found["left"][0].allclose(given["left"][0], atol=1e-6)
    assert found["depth_label"].depth[0].allclose(given["depth_label"].depth[0])
    # pixel x shows what was at the middle + (x - middle) / 2
    inner = slice(12, 37)
    torch.testing.assert_close(
        found["left"][1, :, ::2, ::2], given["left"][1, :, 8:25, inner], rtol=0, atol=1e-6
    )
    expected = given["depth_label"].depth[1, :, 8:25, inner] / 2
    torch.testing.assert_close(found["depth_label"].depth[1, :, ::2, ::2], expected)


def test_what_is_not_known_stays_so():
    given = batch()
    known = given["depth_label"].known.clone()
    known[..., 20:30] = False
    given["depth_label"] = given["depth_label"]._replace(known=known)
    found = zoomed(given, torch.tensor([1.0, 2.0]))["depth_label"]
    assert not found.known[1, :, :, 18:34].any()
    assert found.known[1, :, :, :14].all()


def test_every_draw_lies_within_the_bounds_and_they_differ():
    given, asked = batch(64), Zoom(mirror=0.0, recolour=0.0, zoom=(1.2, 1.5))
    clean, seen = asked(given)
    assert seen.equal(clean["left"])
    middle = clean["depth_label"].depth[:, 0, 16, 24]
    zoom = given["depth_label"].depth[0, 0, 16, 24] / middle
    assert 1.2 <= zoom.min() < 1.25
    assert 1.45 < zoom.max() <= 1.5


@pytest.mark.parametrize("bounds", [(0.5, 1.4), (1.4, 1.2), (1.0,)])
def test_bounds_that_cannot_be_are_refused(bounds: tuple[float, ...]):
    with pytest.raises(ConfigError, match=r"augmentation\.zoom"):
        Zoom(zoom=bounds)


def pair(offset: float = 0.0) -> StereoBatch:
    """A slanted plane seen by both cameras, with colours that its points have."""
    given = batch(2)
    del given["depth_label"]
    rig = given["rig"]._replace(cx=torch.tensor([24.0 + offset, 24.0 + offset]))
    x = torch.arange(WIDTH).float()
    given["right"] = given["left"].clone()  # the left picture, moved by 4 pixels
    given["right"][:, 0] = (x + 4) / WIDTH
    given["ignore"] = (x > 30).expand(2, 2, HEIGHT, WIDTH)
    given["depth_mm"] = torch.full((2, 1, HEIGHT, WIDTH), 50.0)
    return {**given, "rig": rig}


def test_both_views_are_zoomed_alike_and_their_disparity_grows():
    found = zoomed(pair(), torch.tensor([1.0, 2.0]))
    moved = WIDTH * (found["right"] - found["left"])[:, 0, :, 12:37]
    # of a picture twice as large, colours change half as fast: 4 of them are 8 pixels
    assert moved.allclose(torch.tensor(4.0), atol=1e-4)
    steps = WIDTH * found["left"][:, 0].diff(dim=-1)[:, :, 12:36]
    torch.testing.assert_close(steps[0], torch.ones_like(steps[0]), rtol=0, atol=1e-4)
    torch.testing.assert_close(steps[1], torch.full_like(steps[1], 0.5), rtol=0, atol=1e-4)
    assert found["ignore"][1, :, :, 38:].all()
    assert not found["ignore"][1, :, :, :36].any()
    assert "depth_mm" not in found  # which is at a size of its own


@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_each_camera_shows_a_point_divided_by_the_zoom_where_the_zoomed_picture_does(offset: float):
    given, zoom = pair(offset), torch.tensor([1.0, 2.0])
    before, after = given["rig"], zoomed(given, zoom)["rig"]
    for baseline_mm, was, cx in (
        (0.0, before.cx, after.cx),
        (5.0, before.cx_right, after.cx_right),
    ):
        pixel = before.fx * (3.0 - baseline_mm) / 50.0 + was
        found = after.fx * (3.0 - baseline_mm) / (50.0 / zoom) + cx
        torch.testing.assert_close(found, 24 + zoom * (pixel - 24))
    row = before.fy * -2.0 / 50.0 + before.cy
    torch.testing.assert_close(after.fy * -2.0 / (50.0 / zoom) + after.cy, 16 + zoom * (row - 16))


def test_pairs_with_labels_and_clips_are_refused():
    labelled = {**pair(), "depth_label": batch()["depth_label"]}
    clips = {**pair(), "left": pair()["left"][:, None]}
    for given in (labelled, clips):
        with pytest.raises(ConfigError, match="pairs without labels"):
            Zoom()(given)
