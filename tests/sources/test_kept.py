"""Depth that is kept on disk."""

from pathlib import Path

import pytest
import torch
from fake_sources import Fake

from m3depth.data.synthetic import SyntheticPairs
from m3depth.sources.kept import KeptSource
from m3depth.types import DepthMap, Kind, Scale, StereoBatch

SAMPLE = SyntheticPairs("train", 1, (32, 48), cache=False)[0]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M3DEPTH_CACHE", str(tmp_path))


def counting(asked: list[str]) -> Fake:
    """Half the image's size; not known where it is darkest."""

    def depth(batch: StereoBatch) -> DepthMap:
        asked.append(batch["key"][0])
        values = batch["left"][:, :1, ::2, ::2]
        scale = Scale.UP_TO_SCALE_AND_SHIFT
        return DepthMap(values, Kind.INVERSE_DEPTH, scale, known=values > values.min())

    return Fake(depth)


def test_a_frame_is_asked_for_once_and_comes_back_as_it_was():
    asked: list[str] = []
    first = KeptSource(counting(asked))([SAMPLE])[0]
    again = KeptSource(counting(asked))([SAMPLE])[0]
    made = counting([])([SAMPLE])[0]
    assert len(asked) == 1
    for found in (first, again):
        assert (found.kind, found.scale) == (made.kind, made.scale)
        assert torch.equal(found.values, made.values)
        assert found.known is not None
        assert torch.equal(found.known, made.known)
        assert found.camera is not None
        torch.testing.assert_close(found.camera.fx, SAMPLE["rig"].fx / 2)


@pytest.mark.parametrize("other", ["left", "rig", "model", "checkpoint_sha256", "size"])
def test_another_frame_or_source_is_asked_anew(other: str):
    asked: list[str] = []
    KeptSource(counting(asked))([SAMPLE])
    sample, source = SAMPLE.copy(), counting(asked)
    if other == "left":
        sample["left"] = sample["left"].flip(-1)
    elif other == "rig":
        sample["rig"] = sample["rig"]._replace(baseline_mm=sample["rig"].baseline_mm * 2)
    else:
        setattr(source, other, (64, 96) if other == "size" else "another")
    KeptSource(source)([sample])
    assert len(asked) == 2
