"""Both views of a recorder in what should be one camera's pictures are refused with a mend."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from m3depth.check.one_view import places_to_look_at, require_one_view
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import DataError

PAIRS = SyntheticPairs("test", 3, (256, 320))


def squeezed(dim: int) -> list[tuple[str, Tensor]]:
    """Both views in one picture of the size of one."""
    whole = [torch.cat([PAIRS[i]["left"], PAIRS[i]["right"]], dim) for i in range(3)]
    size = (256, 320)
    return [(str(i), interpolate(w[None], size, mode="area")[0]) for i, w in enumerate(whole)]


@pytest.mark.parametrize(("dim", "how"), [(2, "side by side"), (1, "stacked")])
def test_both_views_in_a_clip_are_refused_with_the_crop(dim: int, how: str):
    with pytest.raises(DataError, match=f"hold two views, {how} .* -vf crop="):
        require_one_view(squeezed(dim), "clip.mp4")


def test_one_view_passes_and_a_still_picture_is_told(caplog):
    require_one_view([(str(i), PAIRS[i]["left"]) for i in range(3)], "clip.mp4")
    require_one_view([], "clip.mp4")
    assert not caplog.text
    require_one_view(squeezed(2)[:1], "one.png")
    assert "one.png: the pictures hold two views" in caplog.text


@pytest.mark.parametrize(("count", "places"), [(1, [0]), (2, [0, 1]), (6, [0, 2, 5])])
def test_frames_looked_at(count: int, places: list[int]):
    assert places_to_look_at(count) == places
    assert places_to_look_at(1000) == [0, 12, 24]
