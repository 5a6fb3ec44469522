"""`data=synthetic_wide`: what is drawn, what is never drawn, and that both views show one scene."""

from dataclasses import fields, replace
from functools import cache

import pytest
import torch
from torch.utils.data import DataLoader

from m3depth.data.on_demand import FEW, few_of
from m3depth.data.synthetic import SyntheticPairs
from m3depth.data.synthetic.draw import Draw, seeded
from m3depth.data.synthetic.height_field import height
from m3depth.data.synthetic.views import view_pixels
from m3depth.data.synthetic.wide import WidePairs, World
from m3depth.data.synthetic.wide.coverings import AnyCoverings
from m3depth.data.synthetic.wide.instruments import AnyInstruments
from m3depth.data.synthetic.wide.lens import AnyLens
from m3depth.data.synthetic.wide.organs import AnyOrgan
from m3depth.data.synthetic.wide.palettes import (
    APART,
    _any_palette,
    distance_to_held_out,
    draw_palette,
)
from m3depth.data.synthetic.wide.ranges import _range
from m3depth.data.synthetic.wide.smoke import AnySmoke
from m3depth.data.synthetic.wide.world import SPLITS
from m3depth.errors import ConfigError
from m3depth.geometry.warp import warp

SIZE = (64, 80)
FULL = World(
    coverings=AnyCoverings(blood_chance=1, gauze_chance=1),
    smoke=AnySmoke(chance=1),
    lens=AnyLens(smudge_chance=1, fog_chance=1),
)
"""Everything that is there now and then, in every scene."""


def pairs(split="train", count=3, size=SIZE, **more):
    return WidePairs(split, count, size, **more)


@cache
def rendered(endoscope, count=6):
    dataset = pairs(count=count, world=FULL, noise=False, highlights=False, endoscope=endoscope)
    return dataset, dataset.render(range(count))


def same(a, b):
    names = ("left", "right", "depth_mm", "occluded", "tool", "tool_right")
    return all(torch.equal(a[name], b[name]) for name in names)


def test_a_frame_is_the_same_whoever_renders_it():
    alone = pairs()[2]
    assert same(pairs(count=40)[2], alone)
    assert same(pairs(kept=True)[2], alone)
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert same(pairs()[2], alone)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    (batch,) = DataLoader(pairs(), batch_size=3, num_workers=1)
    assert same({name: value[2] for name, value in batch.items() if name != "rig"}, alone)


def test_seed_split_and_index_make_another_scene():
    first = pairs()[0]["depth_mm"]
    for other in (pairs()[1], pairs(seed=1)[0], pairs("val")[0]):
        assert (other["depth_mm"] - first).abs().mean() > 1


@pytest.mark.parametrize("endoscope", [0, None])
def test_both_views_show_one_scene(endoscope):
    _, r = rendered(endoscope)
    views = [
        (r.image.left, r.image.right, -r.disparity_px.left, r.occluded.left),
        (r.image.right, r.image.left, r.disparity_px.right, r.occluded.right),
    ]
    for target, source, shift, occluded in views:
        seen = ~occluded

        def error(shift, target=target, source=source, seen=seen):
            difference = (warp(source, shift)[0] - target).abs().mean(1, keepdim=True)
            return (difference * seen).sum((1, 2, 3)) / seen.sum((1, 2, 3))

        assert (error(shift) < 0.015).all()
        assert (error(shift + 3) > 2 * error(shift)).all()


def test_depth_is_that_of_the_tissue():
    dataset, r = rendered(None)
    for i in range(3):
        tissue = dataset.scene(i).tissue
        rig = type(r.rig)(*(value[i : i + 1] for value in r.rig))
        depth = torch.cat([view[i : i + 1].flatten(1) for view in r.depth_mm], 1)
        tool = torch.cat([view[i : i + 1].flatten(1) for view in r.tool], 1)
        x, y, z = view_pixels(rig, tissue.camera_to_world, SIZE).rays.at(depth).unbind(1)
        off = (height(tissue.surface, x, y, torch.zeros(1)) - z).abs()[~tool]
        assert (off < 0.01).float().mean() > 0.998


def test_one_rig_is_the_built_in_endoscopes_and_many_are_many():
    ours, theirs = pairs(size=(128, 160)).rig(1), SyntheticPairs("val", 1, cache=False)[0]["rig"]
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    ranges, drawn = World().rig, [pairs(endoscope=None).rig(i) for i in range(40)]
    focal = torch.stack([rig.fx for rig in drawn]) / SIZE[1]
    baseline = torch.stack([rig.baseline_mm for rig in drawn])
    for values, (low, high) in ((focal, ranges.focal), (baseline, ranges.baseline_mm)):
        assert low <= values.min() < values.max() <= high
        assert values.max() - values.min() > 0.7 * (high - low)
    offset = torch.stack([rig.principal_offset for rig in drawn]) / SIZE[1]
    assert 0.01 < offset.abs().max() <= max(ranges.principal_offset)


def test_no_organ_that_is_drawn_comes_near_one_that_is_held_out():
    draw, organ = Draw(seeded("palettes")), AnyOrgan()
    ranges = organ.hue_deg, organ.saturation, organ.value
    palettes = [draw_palette(draw, *ranges) for _ in range(150)]
    palettes += [pairs().scene(i).style.palettes[0] for i in range(5)]
    assert min(distance_to_held_out(palette) for palette in palettes) >= APART
    at_will = [_any_palette(draw, *ranges) for _ in range(150)]
    assert sum(distance_to_held_out(palette) < APART for palette in at_will) > 10
    for split in ("test_style", "test_spleen", "test_gallbladder", "test_omentum"):
        style = SPLITS[split](World()).organ.drawn(draw)
        assert max(distance_to_held_out(palette) for palette in style.palettes) == 0


def test_lamps_and_cameras_kept_for_tests_lie_beyond_the_ranges():
    beneath, trained = SPLITS["test_lamps"](World()).lamps, World().lamps
    sine = [
        torch.tensor(a).deg2rad().sin().item() for a in (*beneath.angle_deg, *trained.angle_deg)
    ]
    assert min(sine[:2]) > max(sine[2:]) + 0.3  # y points down
    for name in ("warmth", "gamma"):
        held_out = getattr(SPLITS["test_cameras"](World()).camera, name)
        assert held_out[1] < getattr(World().camera, name)[0]
    changed = {"lamps": {"lamps", "own_chance"}, "cameras": {"camera", "own_chance"}}
    for split, change in SPLITS.items():  # and nothing else than what its name says is changed
        world, kind = change(World()), split.removeprefix("test_")
        other = {
            f.name for f in fields(World) if getattr(world, f.name) != getattr(World(), f.name)
        }
        assert other == (
            set() if split in ("train", "val", "test") else changed.get(kind, {"organ"})
        )


def test_the_endoscopes_own_lamp_and_camera_look_as_often_as_asked():
    own = SyntheticPairs("val", 1, SIZE, cache=False).population.scene(0).light
    for chance, least, most in ((0.0, 0, 0), (0.5, 12, 28), (1.0, 40, 40)):
        dataset = pairs(world=World(own_chance=chance))
        scenes = [dataset.scene(i) for i in range(40)]
        theirs = [s for s in scenes if torch.equal(s.lamps.offset_mm, own.offset_mm[None])]
        assert least <= len(theirs) <= most
        assert all(torch.equal(scene.camera.gamma, own.gamma) for scene in theirs)
    mixed = pairs(world=World(own_chance=1.0), endoscope=None)  # which has no own one
    assert len({mixed.scene(i).camera.gamma.item() for i in range(3)}) == 3


def test_ranges_are_kept():
    drawn = [pairs().scene(i) for i in range(60)]
    world = World()
    for name in ("exposure", "gamma", "saturation", "contrast", "black"):
        values = torch.stack([getattr(scene.camera, name) for scene in drawn])
        low, high = getattr(world.camera, name)
        assert low <= values.min() < values.max() <= high
        assert values.max() - values.min() > 0.8 * (high - low)
    lamps = [scene.lamps for scene in drawn]
    assert {len(lamp.cone) for lamp in lamps} == {1, 2, 3}
    cone = torch.cat([lamp.cone for lamp in lamps])
    assert world.lamps.cone[0] <= cone.min() < cone.max() <= world.lamps.cone[1]
    aside = torch.cat([lamp.offset_mm.norm(dim=1) for lamp in lamps])
    assert (aside <= world.lamps.aside_mm[1] + 1e-4).all()
    assert {int((scene.tissue.tools.radius_mm > 2.6).sum()) for scene in drawn} >= {0, 1, 2, 3}
    bloody = sum(not torch.isinf(scene.blood.above) for scene in drawn)
    assert 0.2 < bloody / len(drawn) < 0.6


def test_a_shorter_reach_brings_tools_nearer():
    near, far = (
        pairs(count=20, world=World(instruments=AnyInstruments(reach=reach, clip_chance=0)))
        for reach in ((0.35, 0.4), (0.62, 0.84))
    )
    nearest = [
        torch.stack([_nearest_tool_mm(dataset.scene(i)) for i in range(20)]).amin()
        for dataset in (near, far)
    ]
    assert 15 < nearest[0] < nearest[1] - 8


def _nearest_tool_mm(scene):
    """How far in front of the lens the nearest jaw ends; infinite where there is no tool."""
    tools, pose = scene.tissue.tools, scene.tissue.camera_to_world[0]
    ahead_mm, radius = (tools.end_mm[0] - pose[:3, 3]) @ pose[:3, 2], tools.radius_mm[0]
    return torch.where((radius > 0) & (radius < 1.4), ahead_mm, torch.inf).amin()


def test_a_range_of_one_part_moves_no_other():
    narrow = World(smoke=AnySmoke(chance=1), lens=AnyLens(smudge_chance=0))
    for scene, other in ((pairs().scene(i), pairs(world=narrow).scene(i)) for i in range(3)):
        assert torch.equal(scene.tissue.texture.base, other.tissue.texture.base)
        assert torch.equal(scene.lamps.offset_mm, other.lamps.offset_mm)
        assert scene.sensor == other.sensor


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: pairs("tset"), "split=tset is none of train, val, test, test_style, test_spleen"),
        (lambda: pairs(count=0), "count=0"),
        (lambda: AnySmoke(length_mm=(70, 25)), r"AnySmoke.length_mm=\(70, 25\): a range is \[low"),
        (lambda: AnySmoke(length_mm=[25.0]), r"AnySmoke.length_mm=\[25.0\]: a range is"),
        (lambda: _range("AnySmoke.length_mm", "wide"), "AnySmoke.length_mm=wide: a range is"),
        (lambda: _range("AnySmoke.length_mm", 25), "AnySmoke.length_mm=25: a range is"),
        (lambda: AnySmoke(chance=1.5), "AnySmoke.chance=1.5: a chance is a number from 0 to 1"),
        (
            lambda: pairs(world=replace(World(), organ=AnyOrgan((75, 75), (0.5, 0.5), (0.5, 0.5)))),
            "a held-out organ's colours, which are never drawn",
        ),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(make, says):
    with pytest.raises(ConfigError, match=says) as told:
        make()
    assert "\n" not in str(told.value)


def test_a_mean_does_not_ask_for_every_scene():
    many = pairs(count=FEW + 1)
    assert len(few_of(many, "mean")) == FEW
    assert few_of(pairs(count=FEW), "mean") is not many
    kept = pairs(count=1, kept=True)
    assert few_of(kept, "mean") is kept
