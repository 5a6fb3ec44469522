"""A network that sees each image in the image's own shape."""

import pytest
import torch
from torch import nn

from m3depth.errors import ConfigError
from m3depth.memory import image_bytes
from m3depth.sources import own_shape
from m3depth.sources.own_shape import OwnShape, shorter_to
from m3depth.sources.pretrained import pretrained_source
from m3depth.types import DepthMap, Kind, StereoBatch


class Ramp(nn.Module):
    """Depth rises from left to right; notes what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, ...]] = []

    def forward(self, image: torch.Tensor) -> DepthMap:
        self.seen.append(tuple(image.shape))
        return DepthMap(image[:, :1] + 1, Kind.DEPTH)


def frame(height: int, width: int) -> StereoBatch:
    return {"key": "a", "left": torch.linspace(0, 1, width).expand(3, height, width).clone()}


@pytest.mark.parametrize(
    ("image", "expected"),
    [((480, 640), (56, 70)), ((640, 480), (70, 56)), ((50, 50), (56, 56)), ((10, 100), (56, 560))],
)
def test_the_shorter_side_is_given_and_the_shape_stays_to_half_a_patch(
    image: tuple[int, int], expected: tuple[int, int]
):
    found = shorter_to(56, image, 14)
    assert found == expected
    exact = tuple(side * 56 / min(image) for side in image)
    assert all(abs(one - other) <= 7 for one, other in zip(found, exact, strict=True))


def test_frames_of_two_shapes_in_one_call_each_get_their_own_map():
    network = Ramp()
    source = OwnShape(network, 20, batch_size=2)
    frames = [frame(40, 60), frame(40, 60), frame(60, 40), frame(40, 60)]
    maps = source(frames)
    assert [one.size for one in maps] == [(20, 30), (20, 30), (30, 20), (20, 30)]
    assert network.seen == [(2, 3, 20, 30), (2, 3, 30, 20), (2, 3, 20, 30)]
    for one in maps:
        width = one.size[1]
        expected = 1 + torch.linspace(0, 1, width)
        assert (one.values[0, 0, 0] - expected).abs().max() < 1 / width


def test_a_pass_that_does_not_fit_is_one_line(monkeypatch: pytest.MonkeyPatch):
    fits = image_bytes((20, 30))

    def require(setting: str, needed: float, *_: object) -> None:
        if needed > fits:
            raise ConfigError(setting)

    monkeypatch.setattr(own_shape, "require_memory", require)
    source = OwnShape(lambda image: DepthMap(image[:, :1], Kind.DEPTH), 20, batch_size=1)
    source.ahead(frame(40, 60))
    with pytest.raises(ConfigError, match=r"source\.shorter_side=20 batch_size=1"):
        source.ahead(frame(40, 64))


NETWORK = {
    "_target_": "m3depth.networks.monodepth.Monodepth",
    "encoder": "test_resnet",
    "widths": [16, 16, 8, 8, 8],
}


def test_without_a_size_a_pretrained_network_keeps_the_images_shape():
    source = pretrained_source(NETWORK, shorter_side=32, device="cpu")
    assert [one.size for one in source([frame(64, 128), frame(96, 48)])] == [(32, 64), (64, 32)]
    assert source.model.endswith("shorter_side=32")  # maps that are kept are found by it


def test_parts_need_a_size():
    with pytest.raises(ConfigError, match=r"tiles=2: parts need a size: source.size="):
        pretrained_source(NETWORK, tiles=2, device="cpu")
