"""The notebook, run as a reader runs it: the model learns, is spoilt, and GRPO repairs it in part."""

import re
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="`make test-all` installs the extra docs")
import nbformat  # noqa: E402 comes with nbclient

NOTEBOOK = Path(__file__).parents[2] / "docs/notebooks/demo.ipynb"


def said(notebook) -> str:
    """What the cells of a notebook printed and showed."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def accuracies(notebook) -> list[float]:
    """Held-out accuracy after each stage, in percent."""
    return [float(value) for value in re.findall(r"^\w+: ([\d.]+)% \[", said(notebook), re.MULTILINE)]


@pytest.mark.slow
def test_the_notebook_runs_and_grpo_repairs(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
    careful, careless, repaired = accuracies(notebook)
    assert careful > 80, "far above the 25% of chance"
    assert careless < careful - 20
    assert repaired > careless + 20
    assert (tmp_path / "runs/notebook/grpo/report/report.html").is_file()


def test_the_outputs_that_are_kept_are_of_one_run_from_top_to_bottom():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert len(accuracies(notebook)) == 3 and "/home/" not in said(notebook) and "/tmp/" not in said(notebook)
    assert NOTEBOOK.stat().st_size < 150_000
