"""The table of a solved lens: which image gets which K."""

import pytest
import torch
from torch import Tensor, nn

from m3depth.errors import ConfigError, DataError
from m3depth.geometry.zoom_bundle import Bundle
from m3depth.networks.video.solved_lens import SolvedLens

SIZE = (48, 64)
NOTHING = torch.zeros(2, 0)


def images() -> Tensor:
    draw = torch.Generator().manual_seed(0)
    return nn.functional.interpolate(torch.rand(3, 3, 6, 8, generator=draw), SIZE, mode="bilinear")


def bundle(focal: float = 70.0) -> Bundle:
    still = Bundle.still(3, SIZE)
    return still._replace(
        focal=torch.tensor([60.0, 65.0, focal]).double(),
        centre=torch.tensor([33.0, 22.0]).double(),
        log_aspect=torch.tensor(1.02).log().double(),
    )


def solved() -> SolvedLens:
    lens = SolvedLens()
    lens.keep(images(), bundle())
    return lens


def test_an_image_has_the_k_of_its_frame_whatever_the_noise():
    noise = 0.02 * torch.randn(3, 3, *SIZE, generator=torch.Generator().manual_seed(1))
    one = images() + noise
    found = solved()(one[[0, 2]], one[[1, 0]], NOTHING)
    torch.testing.assert_close(found.fx, torch.tensor([[60.0, 65.0], [70.0, 60.0]]))
    torch.testing.assert_close(found.fy, found.fx / 1.02)
    torch.testing.assert_close(found.cx, torch.full((2, 2), 33.0))
    torch.testing.assert_close(found.cy, torch.full((2, 2), 22.0))


def test_at_another_size_it_is_the_same_camera():
    half = nn.functional.avg_pool2d(images(), 2)
    found = solved()(half[:2], half[1:], NOTHING)
    torch.testing.assert_close(found.fx[:, 0], torch.tensor([30.0, 32.5]))
    torch.testing.assert_close(found.cx[0, 0], torch.tensor(16.25))


def test_before_it_is_solved_all_are_in_the_middle():
    found = SolvedLens()(images()[:2], images()[1:], NOTHING)
    torch.testing.assert_close(found.fx, torch.full((2, 2), 64.0))


def test_it_is_kept_in_a_checkpoint_and_does_not_learn():
    lens, other = solved(), SolvedLens()
    other.load_state_dict(lens.state_dict())
    one = images()
    assert torch.equal(other(one[:2], one[1:], NOTHING).fx, lens(one[:2], one[1:], NOTHING).fx)
    assert not [*lens.parameters()]


@pytest.mark.parametrize("focal", [10.0, 400.0, float("nan")])
def test_a_k_that_cannot_be_is_told_and_not_kept(focal: float):
    lens = solved()
    with pytest.raises(DataError, match="do not tell K"):
        lens.keep(images().flip(0), bundle(focal))
    assert lens(images()[:2], images()[1:], NOTHING).fx[0, 0] == 60


def test_options_out_of_range_are_told():
    with pytest.raises(ConfigError, match=r"intrinsics\.apart"):
        SolvedLens(apart=(0,))
    with pytest.raises(ConfigError, match=r"intrinsics\.rounds"):
        SolvedLens(rounds=0)
