"""The signature of the live model, to look at records by before they are uploaded."""

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.aws.errors import error_code
from hundredfold.errors import HundredfoldError
from hundredfold.keys import model_card_key
from hundredfold.model.card import Card
from hundredfold.model.signature import Signature
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.stack.deployment import Deployment


def live_signature(deployment: Deployment, say: Callable[[str], None]) -> Signature | None:
    """Return the signature of the live model. None if nothing is live, or if its card cannot be read.

    The planner and the inference function judge the records then, by rights of their own.

    Parameters
    ----------
    say : called with the reason why a live model's card cannot be read
    """
    try:
        releases = Releases(deployment)
        live = releases.live()
        if live is None:
            return None  # the planner says so
        card = releases.version(live.version).card
        content = deployment.work.read(model_card_key(card)) if card else None
        if content is not None:
            return Card.from_json(content).signature
        why = f"version {live.version} has no card"
    except ClientError as error:
        why = f"{error.operation_name} was refused: {error_code(error)}"
    except (BotoCoreError, HundredfoldError) as error:
        why = str(error)
    say(f"the records are not compared with the live model before they are scored: {why}")
    return None
