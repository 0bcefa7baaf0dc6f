"""SnapStart: what an environment must renew when Lambda restores it from a snapshot."""

import random
import sys


def reseed_after_restore() -> None:
    """Reseed the pseudo-random generators of each restored environment. Without SnapStart, do nothing.

    All environments of a version start from one snapshot, and so with the same state of these generators. Their pauses
    between attempts would be equal, and they would meet again at the service that throttled them. boto3's clients need
    no renewal: they connect, and fetch credentials, at the first call.
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html (2026-11)
    """
    try:
        # Only Lambda's Python has this module, so it is no dependency.
        from snapshot_restore_py import register_after_restore
    except ImportError:
        return
    register_after_restore(_reseed)


def _reseed() -> None:
    random.seed()
    # A compiled model may do without NumPy. Then there is no generator of it.
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # the generator that scikit-learn's estimators draw from
