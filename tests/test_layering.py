"""The package is layered: a file imports only from layers below its own, its own folder aside."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ganstyle"

# Every file and folder of the package, layer by layer. In layers 0 and 2, a file may also import what stands
# before it.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("_version", "errors", "extras", "temporary", "files", "locks", "shipped", "devices", "images"),
    ("models", "losses", "data"),
    ("weights", "recipe", "metrics", "stylize", "hub", "anystyle", "style", "composed", "averaging", "video"),
    ("runs", "reports"),
    ("gatys", "training", "arbitrary", "distill"),
    ("evaluate", "export", "integrations"),
    ("gui",),
    ("cli",),
)
_ORDERED = (0, 2)
_ENTRANCES = ("__init__", "__main__")  # the public API and the command: above everything

# What takes long to load and therefore loads in the command that needs it.
HEAVY = {"accelerate", "cleanfid", "gradio", "kornia", "lmdb", "numpy", "scipy", "torch", "torchvision"}


def layer(part: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def may_import(importer: str, imported: str) -> bool:
    if importer in _ENTRANCES or imported == importer:
        return True
    if imported in _ENTRANCES:  # the public API stands above the layers
        return False
    mine, theirs = layer(importer), layer(imported)
    if mine == theirs and mine in _ORDERED:
        return LAYERS[mine].index(imported) < LAYERS[mine].index(importer)
    return theirs < mine


def part_of(path: Path) -> str:
    """Return the file or folder directly under the package that holds a file."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the part of the package of each import, those inside functions included."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            if top == "ganstyle":
                yield node.lineno, _part(rest.partition(".")[0])


def _part(name: str) -> str:
    """Return the part that a name under the package lies in."""
    if (PACKAGE / name / "__init__.py").is_file():
        return name or "__init__"
    return name if (PACKAGE / f"{name}.py").is_file() else "__init__"


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_file_has_a_layer() -> None:
    assert FILES
    placed = {part for parts in LAYERS for part in parts} | set(_ENTRANCES)
    assert {part_of(path) for path in FILES} <= placed


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    importer = part_of(path)
    upwards = [
        f"line {line}: {importer} must not import {imported}"
        for line, imported in imports(path)
        if not may_import(importer, imported)
    ]
    assert upwards == []


def test_layering_rule_detects_violations() -> None:
    for importer, imported in (
        ("cli", "training"),
        ("losses", "losses"),
        ("style", "recipe"),
        ("images", "errors"),
        ("training", "errors"),
        ("gui", "evaluate"),
        ("files", "_version"),
        ("__init__", "training"),
    ):
        assert may_import(importer, imported)
    for importer, imported in (
        ("training", "cli"),
        ("losses", "models"),
        ("recipe", "style"),
        ("errors", "files"),
        ("gatys", "training"),
        ("gui", "cli"),
        ("training", "__init__"),
    ):
        assert not may_import(importer, imported)


def test_import_walk_sees_every_kind_of_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "ganstyle"
    (package / "losses").mkdir(parents=True)
    for name in ("__init__.py", "images.py", "losses/__init__.py", "losses/gram.py"):
        (package / name).touch()
    path = package / "losses" / "new.py"
    path.write_text(
        "import ganstyle.images\n"
        "from ganstyle import __version__, images\n"
        "from . import gram\n"
        "from .gram import x\n"
        "from .. import images\n"
        "from ..images import y\n"
        "import torch\n"
        "def f():\n"
        "    from ganstyle.losses.gram import z\n"
        "    from ganstyle import load_style\n"
        "    import ganstyle\n"
    )
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "PACKAGE", package)
    assert sorted(imports(path)) == [
        (1, "images"),
        (2, "__init__"),
        (2, "images"),
        (3, "losses"),
        (4, "losses"),
        (5, "images"),
        (6, "images"),
        (9, "losses"),
        (10, "__init__"),
        (11, "__init__"),
    ]


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after a statement."""
    program = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    return set(result.stdout.split())


@pytest.mark.parametrize("statement", ["import ganstyle", "import ganstyle.cli"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    assert HEAVY & loaded_by(statement) == set()


def test_loading_a_style_does_not_import_torch_compiler() -> None:
    """It takes as long to import as all that is needed."""
    program = (
        "import sys; from ganstyle.style import load_style, shipped_styles; "
        "[load_style(name) for name in shipped_styles()]; "
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_importing_has_no_side_effects(tmp_path: Path) -> None:
    """No folder is made and the environment stays as it is."""
    program = (
        "import os; before = dict(os.environ); import ganstyle, ganstyle.cli; "
        "assert dict(os.environ) == before"
    )
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "TORCH_HOME": str(tmp_path / "torch"),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
