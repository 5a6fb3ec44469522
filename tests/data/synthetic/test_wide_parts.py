"""The parts of a varied scene, one at a time."""

import pytest
import torch

from m3depth.data.synthetic.draw import Draw, seeded
from m3depth.data.synthetic.march import Rays
from m3depth.data.synthetic.shading import Light, Met, lit
from m3depth.data.synthetic.texture import Look
from m3depth.data.synthetic.vectors import unit
from m3depth.data.synthetic.wide.camera import AnyCamera, exposed, shown
from m3depth.data.synthetic.wide.coverings import AnyCoverings, covered
from m3depth.data.synthetic.wide.lamps import Lamps, lit_by
from m3depth.data.synthetic.wide.lens import AnyLens, through
from m3depth.data.synthetic.wide.sensor import CHROMA, Sensor, blurred, recorded
from m3depth.data.synthetic.wide.smoke import AnySmoke, veiled

PLAIN = Sensor(blur_px=0.0, noise=0.0, chroma_noise=0.5, sharpening=0.0, quality=None, chroma=0)


def draw(seed="part"):
    return Draw(seeded(seed))


def some_met(count=50):
    d = draw("met")
    point = d.within((-20.0, 20.0), 1, 3, count) + torch.tensor([0.0, 0.0, 70.0])[:, None]
    facing = unit(d.within((-0.4, 0.4), 1, 3, count) - torch.tensor([0.0, 0.0, 1.0])[:, None])
    return Met(point, facing, facing, d.within((0.1, 0.9), 1, 3, count), torch.ones(1, count))


def lamps(offset, size_mm=0.0, share=1.0):
    count = len(offset)
    return Lamps(
        offset_mm=torch.tensor(offset),
        size_mm=torch.full((count,), size_mm),
        cone=torch.full((count,), 4.0),
        colour=torch.full((count, 3), share),
        ambient=torch.tensor(0.1),
    )


def light_of(lamp, met):
    eye, one = torch.zeros(1, 3, met.point.shape[-1]), torch.ones(1)
    return lit_by(lamp, 0.8 * one, 60.0 * one, met, eye, torch.eye(4)[None])


def test_one_small_lamp_lights_as_the_built_in_one_does():
    one, met = torch.ones(1), some_met()
    values = dict.fromkeys(Light._fields, one) | {
        "offset_mm": torch.tensor([[3.0, -5.0, 0.0]]),
        "colour": torch.ones(1, 3),
        "ambient": 0.1 * one,
        "cone": 4.0 * one,
        "gloss": 0.8 * one,
        "shininess": 60.0 * one,
    }
    expected = lit(Light(**values), met, torch.zeros(1, 3, 50), torch.eye(4)[None])
    found = light_of(lamps([[3.0, -5.0, 0.0]]), met)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-10)


def test_light_adds_up_and_a_wide_lamp_blurs_its_highlights():
    met, place = some_met(), [3.0, -5.0, 0.0]
    whole, halves = light_of(lamps([place]), met), light_of(lamps([place] * 2, share=0.5), met)
    for a, b in zip(whole, halves, strict=True):
        torch.testing.assert_close(a, b)
    wide = light_of(lamps([place], size_mm=8.0), met)
    assert wide.highlight.std() / wide.highlight.mean() < (
        0.95 * whole.highlight.std() / whole.highlight.mean()
    )


def test_smoke_follows_beer_and_lambert():
    smoke = AnySmoke(chance=1).drawn(draw())._replace(wave_vector=torch.zeros(3, 3))
    smoke = smoke._replace(phase=torch.zeros(3), per_mm=torch.tensor(0.01))  # density 1 everywhere
    rays = Rays(torch.zeros(1, 3, 2), torch.tensor([[[0.0, 0], [0, 0], [1, 1]]]))
    depth, light = torch.tensor([[50.0, 100.0]]), torch.full((1, 3, 2), 0.3)
    dark = smoke._replace(brightness=torch.tensor(0.0))
    passing = veiled(dark, light, rays, depth, torch.tensor(0.2)) / light
    torch.testing.assert_close(passing[0, 0], torch.exp(torch.tensor([-0.5, -1.0])))
    own = smoke.brightness * 0.2 * smoke.colour
    thick = veiled(smoke, light, rays, 100 * depth, torch.tensor(0.2))
    torch.testing.assert_close(thick[0, :, 0], own)
    clear = AnySmoke(chance=0).drawn(draw())
    assert veiled(clear, light, rays, depth, torch.tensor(0.2)) is light


def covered_wall(coverings, pixel_mm=0.3):
    side = torch.linspace(-30, 30, 60)
    y, x = (v.reshape(1, -1) for v in torch.meshgrid(side, side, indexing="ij"))
    look = Look(torch.full((1, 3, 3600), 0.4), torch.full((1, 3600), 0.5), torch.ones(1, 2, 3600))
    return look, covered(*coverings.drawn(draw()), look, x, y, torch.full((1, 3600), pixel_mm))


def test_blood_is_red_smooth_and_wet_where_it_is():
    bare, look = covered_wall(AnyCoverings(blood_chance=1, gauze_chance=0, blood_above=(0.5, 0.5)))
    red, green, _ = look.albedo[0]
    bloody = red - green > 0.05
    assert 0.02 < bloody.float().mean() < 0.7
    assert (look.wetness[0, bloody] > 0.55).all()
    assert (look.relief.norm(dim=1)[0, bloody] < bare.relief.norm(dim=1)[0, bloody]).all()
    assert (look.albedo[0, :, ~bloody] - 0.4).abs().mean() < 0.1


def test_gauze_is_white_and_dull_and_has_an_edge():
    bare, look = covered_wall(AnyCoverings(blood_chance=0, gauze_chance=1, gauze_half_mm=(9, 9)))
    cloth = look.wetness[0] < 0.1
    assert cloth.float().mean() * 60**2 == pytest.approx(18**2, rel=0.25)  # mm²
    assert (look.albedo[0, :, cloth].mean(1) > 0.45).all()
    assert (look.albedo - bare.albedo)[0, :, ~cloth].abs().mean() < 0.02


def test_nothing_on_the_tissue_changes_nothing():
    bare, look = covered_wall(AnyCoverings(blood_chance=0, gauze_chance=0))
    assert look is bare


def test_exposure_makes_up_for_its_share_of_the_light():
    camera = AnyCamera(adaptation=(0.5, 0.5)).drawn(draw())
    light, tangent = draw().within((1e-5, 5e-5), 1, 3, 40), torch.zeros(1, 2, 40) + 0.1
    once, four_times = (exposed(camera, k * light, k * light, tangent) for k in (1, 4))
    torch.testing.assert_close(four_times, 2 * once)
    image = shown(camera, once[..., None])
    assert 0 <= image.min() < image.max() <= 1
    assert (shown(camera, four_times[..., None]) > image).all()


def picture():
    noise = torch.randn(3, 64, 80, generator=seeded("picture"))
    return (0.5 + 1.2 * blurred(noise, 2.0)).clamp(0.1, 0.9)


def test_a_clean_lens_and_sensor_pass_the_picture_on():
    clean = AnyLens(smudge_chance=0, fog_chance=0).drawn(draw())
    image = picture()
    assert through(clean, image) is image
    torch.testing.assert_close(recorded(PLAIN, image, torch.randn(4, 64, 80)), image)


@pytest.mark.parametrize(
    "on_it", [{"smudge_chance": 1, "fog_chance": 0}, {"smudge_chance": 0, "fog_chance": 1}]
)
def test_dirt_takes_contrast_and_adds_no_light(on_it):
    lens, image = AnyLens(**on_it, fog_from=(0, 0), radius=(0.2, 0.2)).drawn(draw()), picture()
    seen = through(lens, image)
    assert seen.std() < 0.97 * image.std()
    assert seen.mean() == pytest.approx(image.mean().item(), abs=0.03)


def test_sensor_effects_do_what_they_are_named_for():
    image, still = picture(), torch.zeros(4, 64, 80)
    sharp = recorded(PLAIN._replace(sharpening=0.8), image, still)
    soft = recorded(PLAIN._replace(blur_px=1.0), image, still)
    assert sharp.std() > 1.01 * image.std() > 1.02 * soft.std()
    grain = torch.randn(4, 64, 80, generator=seeded("grain"))
    noisy = recorded(PLAIN._replace(noise=0.02), image, grain) - image
    assert noisy.std().item() == pytest.approx(0.02, rel=0.15)
    grey = recorded(PLAIN._replace(noise=0.02, chroma_noise=0.0), image, grain) - image
    assert (grey[0] / (1.5 - image[0]) - grey[1] / (1.5 - image[1])).abs().max() < 1e-5


def test_jpeg_loses_more_at_lower_quality_and_colour_before_brightness():
    image, still = picture(), torch.zeros(4, 64, 80)

    def lost(quality, chroma):
        coded = PLAIN._replace(quality=quality, chroma=CHROMA[chroma])
        return recorded(coded, image, still) - image

    assert lost(70, 0).abs().mean() > 1.5 * lost(98, 0).abs().mean()
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    whole, quartered = lost(98, 0), lost(98, 2)
    assert quartered.abs().mean() > 1.5 * whole.abs().mean()
    assert (quartered * luma).sum(0).abs().mean() < 0.5 * quartered.abs().mean()
