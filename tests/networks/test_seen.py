"""What an encoder sees in place of three colours."""

import torch

from m3depth.networks.encoder import Encoder
from m3depth.networks.seen import BLACK, Grey, LogChromaticity


def test_grey_is_luma_thrice_and_blind_to_colours_of_equal_luma():
    image = torch.rand(2, 3, 5, 6)
    found = Grey()(image)
    expected = 0.299 * image[:, 0] + 0.587 * image[:, 1] + 0.114 * image[:, 2]
    for channel in range(3):
        torch.testing.assert_close(found[:, channel], expected)


def test_log_chromaticity_tells_white_from_red_and_no_exposure_changes_it():
    image = 0.1 + 0.4 * torch.rand(2, 3, 5, 6, dtype=torch.float64)
    first, brighter = (LogChromaticity()(one) for one in (image, 2 * image + BLACK))
    torch.testing.assert_close(first[:, 1:], brighter[:, 1:])
    torch.testing.assert_close(first[:, 0], Grey()(image)[:, 0])
    white = LogChromaticity()(torch.full((1, 3, 1, 1), 0.7))[0, 1:]
    torch.testing.assert_close(white, torch.full((2, 1, 1), 0.5))
    red = LogChromaticity()(torch.tensor([0.9, 0.2, 0.2]).view(1, 3, 1, 1))[0, :, 0, 0]
    assert red[1] > 0.8
    assert abs(red[2] - 0.5) < 1e-6


def test_an_encoder_sees_what_it_is_told_to():
    torch.manual_seed(0)
    encoder = Encoder("test_resnet", sees=Grey()).eval()
    image = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(encoder(image)[-1], encoder(Grey()(image))[-1])
    other = encoder(image.flip(1))[-1]
    assert (encoder(image)[-1] - other).abs().max() > 1e-4
