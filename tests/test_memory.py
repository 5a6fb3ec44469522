"""Estimates are the least that is needed: they refuse what cannot be, and nothing else."""

import pytest
from torch import nn

from m3depth import memory
from m3depth.errors import ConfigError
from m3depth.memory import image_bytes, pass_bytes, require_images, require_memory


def test_what_is_more_than_free_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 2e9)
    require_memory("batch_size=8", 1.9e9)
    with pytest.raises(ConfigError, match=r"batch_size=9: would need 2\.1 GB .* 2\.0 GB are free"):
        require_memory("batch_size=9", 2.1e9)
    require_images([10000, 10000], 1)
    require_images(None, 10**9)
    with pytest.raises(ConfigError, match=r"data\.size=\[10000, 20000\]: would need 2\.4 GB"):
        require_images([10000, 20000], 1)


def test_a_machine_has_some_memory():
    assert 1e8 < memory.free_bytes() < 1e14


def test_a_pass_is_counted_by_shapes():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    assert pass_bytes(network, (10, 20)) == 4 * 200 * 16  # the rectifier's input and output
    assert pass_bytes(network, (10, 20), images=5) == 5 * 4 * 200 * 16
    assert pass_bytes(network, (10, 20), kept=True) == 4 * 200 * (8 + 8 + 1)
    assert image_bytes((10, 20), 2) == 2 * 3 * 200 * 4
