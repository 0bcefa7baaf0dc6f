"""The signature of the live model, to look at records by before they are uploaded."""

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.errors import HundredfoldError
from hundredfold.keys import model_card_key
from hundredfold.model.card import Card
from hundredfold.model.signature import Signature
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.stack.deployment import Deployment


def live_signature(deployment: Deployment) -> Signature | None:
    """Return the signature of the live model. None if nothing is live, or if the caller may not read its card."""
    try:
        releases = Releases(deployment)
        live = releases.live()
        card = releases.version(live.version).card if live else ""
        content = deployment.work.read(model_card_key(card)) if card else None
        return Card.from_json(content).signature if content else None
    except (ClientError, BotoCoreError, HundredfoldError):
        return None  # the planner and the inference function may read it, and judge the records then
