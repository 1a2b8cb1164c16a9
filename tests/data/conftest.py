import pytest

from ganstyle.data import fault_tolerance


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry failed reads for fractions of a second."""
    monkeypatch.setattr(fault_tolerance, "_FIRST_DELAY", 0.01)
    for kind in fault_tolerance.PATIENCE:
        monkeypatch.setitem(fault_tolerance.PATIENCE, kind, 0.2)
