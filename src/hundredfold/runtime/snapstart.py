"""What must be made anew where Lambda starts an environment from a snapshot (SnapStart)."""

import random


def reseed_after_restore() -> None:
    """Give each restored environment randomness of its own; without SnapStart it does nothing.

    All environments of a version start from one snapshot, and so from one state of the pseudo-random generators: their
    waits between attempts would be the same, and come together again at what they had run into. boto3's clients need
    nothing: they connect, and fetch their credentials, at the first call.
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html (2026-11)
    """
    try:
        # Part of Lambda's Python; nowhere else, so it is no dependency.
        from snapshot_restore_py import register_after_restore
    except ImportError:
        return
    register_after_restore(_reseed)


def _reseed() -> None:
    random.seed()
    import numpy as np

    np.random.seed()  # noqa: NPY002, RUF100 - the generator that scikit-learn's estimators draw from
