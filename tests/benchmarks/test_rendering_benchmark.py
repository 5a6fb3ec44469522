import json

from m3depth.benchmarks.rendering import measure


def test_every_scene_is_rendered_by_each_number_of_workers():
    found = measure([32, 40], frames=2, workers=[0, 1], repeats=1)
    json.dumps(found)
    assert found["scenes_per_s"].keys() == {"0", "1"}
    assert min(found["scenes_per_s"].values()) > 0
