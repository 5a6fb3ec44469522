import pytest
import torch
from omegaconf import OmegaConf
from torch.utils.data import default_collate

from m3depth.data.synthetic import LIVER, PELVIS, SyntheticPairs
from m3depth.errors import ConfigError
from m3depth.types.disparity import disparity_from_depth

SIZE = (32, 40)
OTHERS = ("spleen", "gallbladder", "omentum")


def pairs(split="train", count=3, size=SIZE, **more):
    return SyntheticPairs(split, count, size, **({"cache": False} | more))


def images(dataset):
    return torch.stack([sample["left"] for sample in dataset])


def test_a_sample_is_what_the_program_expects():
    dataset = pairs("test", 2)
    assert len(dataset) == len(list(dataset)) == 2
    sample = dataset[1]
    assert sample["key"] == "synthetic/test/000001"
    for view in ("left", "right"):
        assert sample[view].shape == (3, *SIZE)
        assert sample[view].dtype == torch.float32
        assert 0 <= sample[view].min() < sample[view].max() <= 1
    assert (
        sample["depth_mm"].shape == sample["occluded"].shape == sample["tool"].shape == (1, *SIZE)
    )
    assert sample["occluded"].dtype == sample["tool"].dtype == torch.bool
    assert all(value.shape == () for value in sample["rig"])
    batch = default_collate([dataset[0], sample])
    assert batch["rig"].fx.shape == (2,)
    assert batch["key"] == ["synthetic/test/000000", "synthetic/test/000001"]


def test_a_sample_is_its_rendering():
    dataset = pairs(count=2)
    rendering = dataset.render([1])
    sample = dataset[1]
    torch.testing.assert_close(sample["left"], rendering.image.left[0], atol=0.01, rtol=0)
    torch.testing.assert_close(sample["right"], rendering.image.right[0], atol=0.01, rtol=0)
    torch.testing.assert_close(
        disparity_from_depth(sample["depth_mm"], sample["rig"]),
        rendering.disparity_px.left[0],
        atol=1e-3,
        rtol=0,
    )


def test_the_seed_decides_and_the_count_does_not():
    first = images(pairs())
    assert torch.equal(images(pairs()), first)
    longer = images(pairs(count=5))
    torch.testing.assert_close(longer[:3], first, atol=0.005, rtol=0)
    assert not torch.allclose(images(pairs(seed=1)), first, atol=0.05)
    assert not torch.allclose(longer[3], longer[4], atol=0.05)


def test_no_two_splits_share_a_scene():
    places = []
    for split in ("train", "val", "test", "test_style", "test_spleen"):
        population = pairs(split, 1).population
        places += [population.scene(i).surface.wave_phase for i in range(20)]
    assert len(torch.stack(places).unique(dim=0)) == 100


def test_one_style_is_kept_for_testing():
    assert pairs("train", 1).population.style is PELVIS
    assert pairs("test", 1).population.style is PELVIS
    assert pairs("test_style", 1).population.style is LIVER
    assert pairs("test", 1, style=LIVER).population.style is LIVER
    held_out = [pairs(f"test_{name}", 1).population.style for name in ("style", *OTHERS)]
    assert len({palette for style in held_out for palette in style.palettes}) == 9
    assert not set(PELVIS.palettes) & {p for style in held_out for p in style.palettes}


def test_one_endoscope_for_all_splits_or_one_for_each_scene():
    rigs = [pairs(split, 2)[i]["rig"] for split in ("train", "val") for i in (0, 1)]
    assert len(set(torch.stack([rig.baseline_mm for rig in rigs]).tolist())) == 1
    assert pairs(count=1, seed=1)[0]["rig"].baseline_mm == rigs[0].baseline_mm
    assert pairs(count=1, endoscope=1)[0]["rig"].baseline_mm != rigs[0].baseline_mm
    several = [sample["rig"].baseline_mm.item() for sample in pairs(count=3, endoscope=None)]
    assert len(set(several)) == 3
    assert all(4.0 <= baseline <= 5.6 for baseline in several)


def test_the_switches_switch():
    plain = {"tools": False, "highlights": False, "noise": False}
    reference = images(pairs(**plain))
    for name in ("highlights", "noise"):
        changed = images(pairs(**(plain | {name: True})))
        assert (changed - reference).abs().max() > 0.01
    with_tools = torch.stack([s["tool"] for s in pairs(count=6)])
    assert with_tools.any()
    assert not torch.stack([s["tool"] for s in pairs(count=6, tools=False)]).any()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"split": "tset"}, "split=tset is none of train, val, test, test_style"),
        ({"count": 0}, "count=0"),
        ({"size": (128,)}, r"size=\[128\]"),
        ({"size": (8, 160)}, r"size=\[8, 160\]"),
    ],
)
def test_a_wrong_setting_is_named(wrong, says):
    with pytest.raises(ConfigError, match=says):
        pairs(**wrong)


def test_the_size_may_come_from_yaml():
    assert pairs(count=1, size=OmegaConf.create([32, 40]))[0]["left"].shape == (3, 32, 40)


def test_an_index_beyond_the_end_is_an_error():
    dataset = pairs(count=2)
    assert dataset[-1]["key"] == dataset[1]["key"]
    with pytest.raises(IndexError):
        dataset[2]
