"""Packages import downward only, so that one knows where to look for a thing."""

import ast
from pathlib import Path

import pytest

import m3depth

ROOT = Path(m3depth.__file__).parent
LAYERS = (  # from the top; a room may import from those below its own line, and from itself
    {"__main__", "__init__"},
    {"cli"},
    {"benchmarks", "check"},
    {"report"},
    {"adaptation"},
    {"splatting", "systems", "reconstruction"},
    {"priors"},
    {"evaluation"},
    {"anchors"},
    {"sources"},
    {"networks", "losses"},
    {"matching"},
    {"data"},
    {"io"},
    {"geometry", "imaging", "memory", "device"},
    {"types"},
    {"progress", "status_line"},
    {"outputs"},
    {"validation"},
    {"errors", "log", "stopping", "version"},
)


def imports() -> list[tuple[str, str, str]]:
    """(importing file, its room, the room that it imports from)."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                whole = node.module == "m3depth"
                modules = [f"m3depth.{a.name}" for a in node.names] if whole else [node.module]
            else:
                continue
            for module in modules:
                head, _, rest = str(module).partition(".")
                if head == "m3depth" and rest:
                    found.append((str(name), name.parts[0].removesuffix(".py"), rest.split(".")[0]))
    return found


PLACE = {room: layer for layer, rooms in enumerate(LAYERS) for room in rooms}


def test_every_room_has_a_layer():
    rooms = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__pycache__", "conf", "py"} == PLACE.keys()


@pytest.mark.parametrize("layer", range(len(LAYERS)))
def test_imports_point_downward(layer: int):
    upward = [
        f"{file} imports {room}"
        for file, own, room in imports()
        if PLACE[own] == layer and room != own and PLACE[room] <= layer
    ]
    assert not upward
