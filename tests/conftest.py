"""Every shape annotation of m3depth is checked at run time while the tests run."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

install_import_hook("m3depth", "shape_checks.checked")
collect_ignore_glob = ["*conftest.py"]  # no doctests here, and several of one name
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")
torch.set_num_threads(1)  # the tests' tensors are tiny, and xdist runs several processes


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Rendered sets of the tests go to a temporary folder; subprocesses inherit all of this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("M3DEPTH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("WANDB_MODE", "offline")
        yield


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    torch.manual_seed(0)
