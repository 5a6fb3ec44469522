"""How many pairs of a folder a training holds out, and in words which."""

from hydra.utils import instantiate
from omegaconf import DictConfig

from m3depth.data.held_out import DEFAULT, FEW, held_out, video_of
from m3depth.data.own_size import frames_of
from m3depth.data.readers.folder import FolderPairs, same_folder
from m3depth.validation import require_number


def settle_hold_out(data: DictConfig) -> None:
    """Replace ``hold_out: null`` by the share, so that the run's records have it.

    Nothing is held out of `FEW` pairs or less, where pairs are chosen by name, or where validation
    and test have folders of their own.
    """
    if not _of_folder(data):
        return
    if data.hold_out is not None:
        require_number("data.hold_out", data.hold_out, 0, 0.5)
        return
    parts = [data.train, data.val, data.test]
    chosen = any(part.get(name) for part in parts for name in ("only", "without"))
    if chosen or not _shared(data):
        data.hold_out = 0
        return
    data.hold_out = DEFAULT if len(set(frames_of(instantiate(data.train)))) > FEW else 0


def describe_hold_out(data: DictConfig) -> str:
    """What a training on this folder would test on, in words; "" for other data.

    Args:
        data: After `settle_hold_out`.
    """
    if not _of_folder(data):
        return ""
    names = instantiate(data.train, hold_out=0).names
    if not data.hold_out:
        shared = _shared(data)
        line = f"data.hold_out=0: all {len(names)} pairs are trained on"
        return line + (f", and {' and '.join(shared)} use the same ones" if shared else "")
    kept = held_out(names, data.hold_out)
    videos = {video_of(name) for name in names}
    some = sorted({video_of(name) for name in kept})
    how = "the last ones" if len(videos) in (1, len(names)) else f"all of {', '.join(some)}"
    return (
        f"data.hold_out={data.hold_out:g}: {len(names) - len(kept)} pairs are trained on, "
        f"{len(kept)} held out ({how}): validation chooses the checkpoint by their loss, without "
        "labels, and test scores them"
    )


def _of_folder(data: DictConfig) -> bool:
    """Whether pairs of one folder are trained on, and can be held out."""
    return "hold_out" in data and str(data.train.get("_target_")).endswith(FolderPairs.__name__)


def _shared(data: DictConfig) -> list[str]:
    """Which of validation and test are on the folder that is trained on."""
    parts = {"validation": data.val, "test": data.test}
    roots = {name: part.get("root") for name, part in parts.items()}
    return [name for name, root in roots.items() if root and same_folder(root, data.train.root)]
