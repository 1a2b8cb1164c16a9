"""The tutorial runs from top to bottom, and holds nothing of the machine that wrote it."""

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"
TINY = "STEPS, SIZE, PHOTO_SIZE, GATYS_STEPS = 2, 32, 32, 2"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_tutorial_is_clean() -> None:
    notebook = read()
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and not cell.get("execution_count"), cell.source  # noqa: PT018
        assert cell.source == cell.source.strip()
    assert "/home" not in NOTEBOOK.read_text(encoding="utf-8")
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.slow
def test_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At tiny sizes, in an empty folder, by a kernel that has neither network nor other weights."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = read()
    place = next(n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(TINY))
    work = tmp_path / "work"
    work.mkdir()
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(work)}}).execute()
    assert (work / "tutorial" / "runs" / "my_style" / "style.safetensors").is_file()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 5  # photo, painting, losses, painted, comparison
    printed = "".join(
        output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"
    )
    assert "done: " in printed
    assert "Gatys in the GAN" in printed
    assert [path.name for path in work.iterdir()] == ["tutorial"]
