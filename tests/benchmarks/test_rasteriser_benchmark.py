"""The rasteriser benchmark in miniature: its keys, and what must be true at any size."""

import json

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from m3depth.cli.configuration import configuration


def test_it_tells_what_the_interface_names():
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("bench", overrides=["benchmark=rasteriser"]).benchmark
    told = instantiate(config, gaussians=150, size=[32, 40], repeats=1)
    json.dumps(told)
    assert told["gaussians"] == 150
    assert told["size"] == [32, 40]
    assert told["ms"].keys() == told["mb"].keys() == {"ours", "dense"}
    assert all(ms > 0 for ms in told["ms"].values())
    assert told["max_difference"] < 1e-10
    assert told["max_relative_difference_of_gradients"] < 1e-10
    assert told["mean_weight"] > 0.5
