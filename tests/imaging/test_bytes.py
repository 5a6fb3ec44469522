"""Pictures in 8 bits: exact there and back, rounded and clipped."""

import torch

from m3depth.imaging.bytes import to_bytes, to_floats, to_picture


def test_every_byte_comes_back():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(to_floats(every)), every)
    assert torch.equal(to_bytes(every * (1.0 / 255)), every)  # as files are read


def test_what_lies_between_is_rounded_and_what_lies_outside_clipped():
    given = torch.tensor([-0.2, 0.49 / 255, 0.51 / 255, 254.6 / 255, 1 + 1e-7, 7.0])
    kept = given.clone()
    assert to_bytes(given).tolist() == [0, 0, 1, 255, 255, 255]
    assert torch.equal(given, kept)


def test_a_picture_has_its_channels_last_and_may_be_drawn_on():
    image = torch.rand(3, 4, 5)
    picture = to_picture(image)
    assert (picture == (image.permute(1, 2, 0).numpy() * 255).round()).all()
    picture[0, 0] = 128
    assert picture.flags.c_contiguous
