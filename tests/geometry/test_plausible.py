"""Which calibrations are believed, told and refused."""

import pytest

from m3depth.errors import DataError
from m3depth.geometry.plausible import Doubt, oddities, require_plausible
from m3depth.types.camera import StereoRig

SIZE = (464, 584)
USUAL = {"fx": 517.0, "fy": 517.0, "cx": 291.5, "cy": 231.5, "cx_right": 291.5, "baseline_mm": 4.14}


def rig(**changed: float) -> StereoRig:
    values = USUAL | changed
    if "cx" in changed and "cx_right" not in changed:
        values["cx_right"] = changed["cx"]
    return StereoRig.of(**values)


@pytest.mark.parametrize(
    ("known", "size"),
    [
        (StereoRig.of(1035.03, 1035.03, 542.2, 520.74, 542.2, 4.14339), (1024, 1080)),
        (StereoRig.of(1035, 1035, 596.0, 520.0, 687.4, 4.14339), (1024, 1280)),  # SCARED, raw
        (StereoRig.of(373.48, 373.48, 182.918, 113.73, 182.918, 5.63117), (192, 384)),  # da Vinci
        (StereoRig.of(677.171, 677.171, 872.127, 471.918, 872.127, 0.0), (1080, 1920)),  # nasal
        (StereoRig.of(769.24, 769.24, 678.5, 543.0, 678.5, 4.5), (1080, 1350)),  # C3VD's pinhole
        (rig().resized(SIZE, (256, 320)), (256, 320)),
    ],
)
def test_real_rigs_are_believed(known: StereoRig, size: tuple[int, int]):
    assert oddities(known, size) == []


@pytest.mark.parametrize(
    ("known", "size"),
    [
        (StereoRig.of(994.978, 994.978, 311.193, 254.877, 343.99, 193.001), (497, 741)),
        (StereoRig.of(721.5, 721.5, 609.6, 172.9, 609.6, 540.0), (375, 1242)),  # KITTI
        (StereoRig.of(754.668, 754.668, 489.379, 265.162, 489.379, 63.0), (540, 960)),
    ],
)
def test_rigs_that_are_no_endoscopes_are_told_and_used(known: StereoRig, size: tuple[int, int]):
    assert [odd.code for odd in oddities(known, size)] == ["baseline_unit"]
    assert oddities(known, size, endoscope=False) == []
    require_plausible(known, size, "calib.txt")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (rig(fx=0.885, fy=1.11, cx=0.5, cy=0.5), "normalised"),
        (rig(fx=258.5, fy=258.5, cx=145.5, cy=115.5), "an image of about 292x232"),  # half
        (rig(fx=258.5, fy=258.5, cx=152, cy=120), "outside the middle"),  # half, off the centre
        (rig(fx=1034, fy=1034, cx=583.5, cy=463.5), "outside the middle"),  # twice
        (rig(cx=5000), "cx 5000"),
        (rig(cx_right=30), "cx_right 30"),
        (rig(fx=51.7), "is 0.1 times fy"),
        (rig(fx=25, fy=25), "it would see 17"),
        (rig(fx=51.7, fy=51.7), "it would see 160 degrees"),
        (rig(fx=3000, fy=3000), "it would see 11 degrees"),
        (rig(baseline_mm=0.00414), "which 0.00414 would be in metres"),
        (rig(baseline_mm=4140), "which 4140 would be in micrometres"),
        (rig(baseline_mm=0.414), "which 0.414 would be in centimetres"),
    ],
)
def test_what_no_camera_has_is_refused(wrong: StereoRig, said: str):
    with pytest.raises(DataError, match=said) as caught:
        require_plausible(wrong, SIZE, "clip/rig.yaml")
    assert str(caught.value).startswith("clip/rig.yaml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rare", "code"),
    [
        (rig(fx=125, fy=125), "field_of_view"),
        (rig(fx=1300, fy=1300), "field_of_view"),
        (rig(fy=400), "pixel_shape"),
        (rig(baseline_mm=41.4), "baseline_unit"),
    ],
)
def test_what_few_cameras_have_is_told(rare: StereoRig, code: str, caplog):
    assert [(odd.code, odd.doubt) for odd in oddities(rare, SIZE)] == [(code, Doubt.RARE)]
    require_plausible(rare, SIZE, f"{code}/rig.yaml")
    assert f"{code}/rig.yaml: " in caplog.text


def test_what_is_said_to_be_meant_is_told_but_normalised_numbers_are_not_meant(caplog):
    cropped = rig(cx=20.0)
    require_plausible(cropped, SIZE, "meant.yaml", refused=Doubt.IMPOSSIBLE)
    assert "meant.yaml: cx 20, cy 231.5 is outside the middle" in caplog.text
    with pytest.raises(DataError, match="normalised"):
        require_plausible(
            rig(fx=0.885, fy=1.11, cx=0.5, cy=0.5), SIZE, "rig.yaml", refused=Doubt.IMPOSSIBLE
        )


def test_a_published_centre_is_told_inside_the_image_and_refused_outside(caplog):
    require_plausible(rig(cx=90.0), SIZE, "published", refused=Doubt.UNLIKELY)
    assert "published: cx 90" in caplog.text
    with pytest.raises(DataError, match="cx 5000"):
        require_plausible(rig(cx=5000.0), SIZE, "published", refused=Doubt.UNLIKELY)
