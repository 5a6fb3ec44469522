"""LPIPS: only with weights at hand, of the pixels that count, and told in the record."""

import pytest
import torch
import torchvision
from small_scenes import a_clip
from torch import Tensor

from m3depth.splatting.perceptual import lpips, weights
from m3depth.splatting.scene.clip import ClipFrame
from m3depth.splatting.scores import RenderedView, scored

EVERYWHERE = torch.ones(1, 1, 48, 64, dtype=torch.bool)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where torch.hub would look, with weights that are drawn at random."""
    folder = tmp_path_factory.mktemp("hub")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(folder))
        torch.manual_seed(0)
        weights().parent.mkdir(parents=True)
        torch.save(torchvision.models.alexnet().state_dict(), weights())
    return str(folder)


@pytest.fixture
def at_hand(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", home)


def picture() -> Tensor:
    return torch.rand(1, 3, 6, 8).repeat_interleave(8, -1).repeat_interleave(8, -2)


def distance(shown: Tensor, target: Tensor, counts: Tensor = EVERYWHERE) -> float:
    found = lpips(shown, target, counts)
    assert found is not None
    return found.item()


@pytest.mark.usefixtures("at_hand")
def test_it_is_0_for_equal_pictures_and_grows_with_what_is_wrong():
    target, noise = 0.25 + picture() / 2, torch.randn(1, 3, 48, 64)
    assert distance(target, target) == pytest.approx(0, abs=1e-7)
    little, much = (distance((target + share * noise).clamp(0, 1), target) for share in (0.02, 0.2))
    assert 0 < 2 * little < much


@pytest.mark.usefixtures("at_hand")
def test_what_does_not_count_does_not_matter():
    target, counts = picture(), EVERYWHERE.clone()
    counts[..., :32] = False
    shown = target.clone()
    shown[..., :32] = 1 - target[..., :32]
    assert distance(shown, target, counts) == pytest.approx(0, abs=1e-7)
    assert distance(shown, target) > 1e-4


def test_without_weights_it_is_absent(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert lpips(picture(), picture(), EVERYWHERE) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("at_hand")
def test_of_a_picture_that_is_too_small_it_is_absent():
    assert lpips(picture()[..., :30], picture()[..., :30], EVERYWHERE[..., :30]) is None
    assert lpips(picture()[..., :31], picture()[..., :31], EVERYWHERE[..., :31]) is not None


@pytest.mark.usefixtures("at_hand")
def test_the_record_has_it():
    frame: ClipFrame = a_clip().frames[0]
    view = RenderedView(frame, None, frame.image, frame.depth_mm)
    assert scored([view])["metrics"]["lpips"] == pytest.approx(0, abs=1e-6)
