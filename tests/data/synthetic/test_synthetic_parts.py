import math

import pytest
import torch

from m3depth.data.synthetic.draw import Draw, seeded, stacked, turn
from m3depth.data.synthetic.height_field import height, normal
from m3depth.data.synthetic.march import Rays, height_grid, march, refine
from m3depth.data.synthetic.noise import TILE, WAVES, look_up, noise_tile
from m3depth.data.synthetic.shading import (
    ADAPTATION,
    TYPICAL_LIGHT,
    Light,
    Met,
    automatic_gain,
    expose,
    lit,
)
from m3depth.data.synthetic.styles import PELVIS
from m3depth.data.synthetic.texture import CLEAR_PX, FINEST_PX, tissue
from m3depth.data.synthetic.tissue_scene import draw_scene
from m3depth.data.synthetic.tools import NO_HIT_MM, Tools, meet
from m3depth.data.synthetic.vessels import vessel_tiles

NOW = torch.zeros(1)


def capsule(start, end, radius):
    one = torch.ones(1, 1)
    return Tools(
        start_mm=torch.tensor([[start]]),
        end_mm=torch.tensor([[end]]),
        radius_mm=radius * one,
        metal=torch.ones(1, 1, 3),
        travel_mm=torch.zeros(1, 1, 3),
        travel_rate=one,
    )


def rays(count=4000, spread=0.6):
    generator = torch.Generator().manual_seed(0)
    direction = torch.ones(1, 3, count)
    direction[:, :2] = spread * (2 * torch.rand(1, 2, count, generator=generator) - 1)
    return Rays(torch.zeros(1, 3, count), direction)


def test_a_ray_meets_a_ball_and_a_cylinder_where_they_are():
    ahead = Rays(torch.zeros(1, 3, 1), torch.tensor([[[0.0], [0.0], [1.0]]]))
    ball = capsule([0.0, 0.0, 50.0], [0.0, 0.0, 60.0], 3.0)
    bar = capsule([-20.0, 0.0, 40.0], [20.0, 0.0, 40.0], 2.5)
    assert meet(ball, ahead).depth_mm.item() == pytest.approx(47.0)
    assert meet(bar, ahead).depth_mm.item() == pytest.approx(37.5)
    beside = capsule([10.0, 0.0, 40.0], [20.0, 0.0, 40.0], 2.5)
    assert meet(beside, ahead).depth_mm.item() == NO_HIT_MM


def test_tools_are_met_on_their_skin_and_nowhere_before():
    tool = capsule([-12.0, 5.0, 60.0], [25.0, -3.0, 40.0], 4.0)
    cast = rays()
    depth = meet(tool, cast).depth_mm
    met = depth < NO_HIT_MM

    def distance(at_depth):
        start, axis = tool.start_mm[0, 0, :, None], (tool.end_mm - tool.start_mm)[0, 0, :, None]
        from_start = cast.at(at_depth)[0] - start
        along = ((from_start * axis).sum(0) / (axis * axis).sum()).clamp(0, 1)
        return (from_start - along * axis).norm(dim=0)

    assert 0.01 < met.float().mean() < 0.5
    torch.testing.assert_close(
        distance(depth)[met[0]], torch.full_like(depth[met], 4.0), atol=1e-2, rtol=0
    )
    for share in torch.linspace(0.1, 0.999, 30):
        assert (distance(depth * share)[met[0]] > 4.0 - 1e-2).all()
    far = torch.linspace(10, 150, 400)
    closest = torch.stack([distance(d.expand_as(depth)) for d in far]).amin(0)
    assert (closest[~met[0]] > 4.0 - 1e-2).all()


def test_an_absent_tool_is_never_met():
    assert (meet(capsule([0.0, 0.0, 50.0], [0.0, 0.0, 60.0], 0.0), rays()).depth_mm > 1e5).all()


def steep_surface():
    """A tissue with folds that hide parts of themselves."""
    surface = draw_scene(seeded("steep", 3), seeded("e"), PELVIS).surface
    return stacked([surface._replace(fold_mm=torch.tensor([9.0, 5.0]))])


def test_the_march_finds_the_first_crossing():
    surface = steep_surface()
    cast = rays(count=1500, spread=0.9)
    cast = cast._replace(origin=cast.origin - torch.tensor([0.0, 0.0, 70.0])[:, None])
    marched, hit = march(height_grid(surface, cast, NOW), cast)
    depth = refine(surface, cast, marched, NOW)
    steps = torch.arange(20, 140, 0.1)
    inside = torch.stack([gap(surface, cast, d.expand_as(depth)) <= 0 for d in steps])
    first = steps[inside.int().argmax(0)]
    assert hit.float().mean() > 0.999
    crossings = (inside[1:] != inside[:-1]).sum(0)
    assert (crossings > 1).float().mean() > 0.005  # some rays pass behind a fold
    assert ((depth - first).abs() < 0.12).float().mean() > 0.998
    assert (gap(surface, cast, depth).abs() < 1e-3).float().mean() > 0.999


def gap(surface, cast, depth):
    x, y, z = cast.at(depth).unbind(1)
    return height(surface, x, y, NOW) - z


def test_normals_are_the_gradients():
    surface = steep_surface()
    surface = type(surface)(*(value.double() for value in surface))
    x = torch.linspace(-40, 40, 300, dtype=torch.float64)[None].requires_grad_()
    y = torch.linspace(30, -35, 300, dtype=torch.float64)[None].requires_grad_()
    now = NOW.double()
    slopes = torch.autograd.grad(height(surface, x, y, now).sum(), (x, y))
    outward = torch.stack([*slopes, -torch.ones_like(x)], dim=1)
    expected = torch.nn.functional.normalize(outward, dim=1)
    torch.testing.assert_close(normal(surface, x, y, now), expected, atol=2e-3, rtol=0)


def test_noise_is_periodic_and_knows_its_slope():
    tile = noise_tile()
    assert torch.equal(tile[..., 0], tile[..., -1])
    assert torch.equal(tile[:, 0], tile[:, -1])
    torch.testing.assert_close(tile[:2, 1:, 1:].std(dim=(1, 2)), torch.ones(2), atol=1e-3, rtol=0)
    per_wavelength = TILE / WAVES / 2
    found = (tile[0, 1:-1, 2:] - tile[0, 1:-1, :-2]) * per_wavelength
    assert (found - tile[2, 1:-1, 1:-1]).abs().mean() < 0.15 * found.abs().mean()
    found = (tile[0, 2:, 1:-1] - tile[0, :-2, 1:-1]) * per_wavelength
    assert (found - tile[3, 1:-1, 1:-1]).abs().mean() < 0.15 * found.abs().mean()


def test_look_up_repeats_the_tile():
    tile = noise_tile()[None]
    u, v = torch.tensor([[0.25, 0.8125]]), torch.tensor([[0.5, 0.125]])
    expected = tile[0][:, [128, 32], [64, 208]]
    torch.testing.assert_close(look_up(tile, u, v)[0], expected)
    torch.testing.assert_close(look_up(tile, u + 3, v - 2)[0], expected, atol=1e-3, rtol=0)


def test_vessels_are_lines_that_blur_without_fading():
    tiles = vessel_tiles()[..., 1:, 1:]
    share = tiles.mean(dim=(2, 3))
    torch.testing.assert_close(share, share[:, :1].expand_as(share), atol=1e-3, rtol=0)
    assert ((share > 0.02) & (share < 0.4)).all()
    assert (tiles[:, 0].std(dim=(1, 2)) > 1.3 * tiles[:, -1].std(dim=(1, 2))).all()


def lamp(**changes):
    one = torch.ones(1)
    values = dict.fromkeys(Light._fields, one) | {
        "offset_mm": torch.zeros(1, 3),
        "colour": torch.ones(1, 3),
        "ambient": torch.zeros(1),
    }
    return Light(**(values | changes))


def facing_wall(depth):
    point = torch.tensor([[[0.0], [0.0], [depth]]])
    towards = torch.tensor([[[0.0], [0.0], [-1.0]]])
    return Met(point, towards, towards, torch.full((1, 3, 1), 0.5), torch.ones(1, 1))


def test_light_falls_off_with_the_square_of_the_distance():
    eye, pose = torch.zeros(1, 3, 1), torch.eye(4)[None]
    near, far = (lit(lamp(), facing_wall(d), eye, pose).diffuse for d in (40.0, 80.0))
    torch.testing.assert_close(near, 4 * far)
    torch.testing.assert_close(near, torch.full_like(near, 0.5 / 40**2))


def test_lambert_and_blinn_phong():
    eye, pose = torch.zeros(1, 3, 1), torch.eye(4)[None]
    wall = facing_wall(50.0)
    angle = torch.tensor(math.pi / 3)
    leaning = turn("x", angle) @ wall.normal
    tilted = wall._replace(normal=leaning, wet_normal=leaning)
    light = lamp(shininess=torch.full((1,), 20.0))
    straight, aslant = (lit(light, met, eye, pose) for met in (wall, tilted))
    torch.testing.assert_close(aslant.diffuse, 0.5 * straight.diffuse)
    torch.testing.assert_close(aslant.highlight, 0.5**20 * straight.highlight)


def test_exposure_makes_up_for_a_part_of_the_light():
    light = lamp(exposure=torch.full((1,), 0.2), gamma=torch.full((1,), 2.2))
    scene = torch.rand(1, 3, 50, generator=torch.Generator().manual_seed(0))
    scene *= TYPICAL_LIGHT / scene.mean()
    gain, brighter = automatic_gain(light, scene), automatic_gain(light, 4 * scene)
    torch.testing.assert_close(brighter, gain * 4**-ADAPTATION)
    assert (4 * scene * brighter).mean() > 1.5 * (scene * gain).mean()  # near stays brighter
    torch.testing.assert_close((scene * gain).mean(), torch.tensor(0.2))
    one = expose(light, scene, gain)
    assert 0 < one.min() < one.max() < 1


def test_draws_stay_in_their_range():
    draw = Draw(seeded("draw"))
    values = draw.within((2.0, 3.0), 1000)
    assert 2.0 <= values.min() < 2.1 < 2.9 < values.max() <= 3.0
    assert {draw.whole(3) for _ in range(50)} == {0, 1, 2}
    lengths = 2 * math.pi / draw.waves((10.0, 40.0), 1000).norm(dim=1)
    assert 10.0 < lengths.min() < 11 < 38 < lengths.max() <= 40.01


def test_texture_finer_than_a_pixel_is_not_drawn():
    texture = draw_scene(seeded("texture"), seeded("e"), PELVIS).texture
    texture = stacked([texture._replace(vessel_share=torch.tensor(0.0))])
    x = torch.linspace(0, 60, 6000)[None]
    finest = texture.wavelength_mm[0, -1].item()
    kept, gone = torch.full_like(x, finest / CLEAR_PX), torch.full_like(x, finest / FINEST_PX)
    without = texture._replace(
        mottle=texture.mottle * (torch.arange(texture.mottle.shape[1]) < 6),
    )
    full, faded, expected = (
        tissue(t, x, x, pixel).albedo
        for t, pixel in [(texture, kept), (texture, gone), (without, gone)]
    )
    torch.testing.assert_close(faded, expected)
    assert (full.diff().abs().mean() / faded.diff().abs().mean()) > 1.2
    assert FINEST_PX >= 2  # Nyquist
