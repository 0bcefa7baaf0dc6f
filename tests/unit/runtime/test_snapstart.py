"""After a restore from a snapshot, the generators are seeded anew: NumPy's too, if the model needs NumPy."""

import random
import sys

import numpy as np
import pytest

from hundredfold.runtime import snapstart


def test_a_restored_environment_draws_other_numbers() -> None:
    random.seed(1)
    np.random.seed(1)
    ours, numpys = random.getstate(), np.random.get_state()[1].tolist()

    snapstart._reseed()

    assert random.getstate() != ours
    assert np.random.get_state()[1].tolist() != numpys


def test_a_restored_environment_needs_no_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)  # as if it were not installed
    random.seed(1)
    state = random.getstate()

    snapstart._reseed()

    assert random.getstate() != state
