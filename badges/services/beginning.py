"""Beginning deliveries: they are claimed, and the providers' badges that they are about are read after that."""

from __future__ import annotations

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.apps import apps
from django.db.models import QuerySet

from badges.exceptions import database_said
from badges.models import Delivery
from badges.providers.registry import get_provider_class
from badges.services import claims
from badges.services.claims import Claim
from badges.services.connecting import DATABASE_TROUBLE, renew_connection

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Begun:
    """
    A claimed delivery, and the provider's badge with its progress, as both are after the claim: a later decision is
    seen in them (S24). No badge where the delivery needs none, or where it could not be read together with others.
    """

    held: Claim
    badge: Any = dataclasses.field(default=None, repr=False)


def begin(delivery_ids: Collection[int]) -> list[Begun]:
    """Claim deliveries, as :func:`badges.services.claims.claim_all` does, and read their badges together."""
    held = claims.claim_all(delivery_ids)
    badges = _read(held)
    return [Begun(one, badges.get(one.delivery.pk)) for one in held]


def badge_of(delivery: Delivery) -> Any:
    """The provider's badge. Raises what keeps it from being read, :class:`ConfigurationError` among that."""
    progress = delivery.progress
    return _rows(progress.template.provider).get(pk=progress.credential_id)


def _rows(provider: str) -> QuerySet[Any]:
    model = apps.get_model(get_provider_class(provider).badge_model)
    return model.objects.select_related("badge_progress")  # type: ignore[no-any-return]


def _read(held: Iterable[Claim]) -> Mapping[int, Any]:
    """The badges by the primary keys of the deliveries; one statement for each provider."""
    wanted: dict[str, dict[int, int]] = defaultdict(dict)
    for one in held:
        progress = one.delivery.progress
        if one.delivery.lane != Delivery.Lane.ANNOUNCE and progress.credential_id is not None:
            wanted[progress.template.provider][one.delivery.pk] = progress.credential_id
    found: dict[int, Any] = {}
    for provider, ids in wanted.items():
        rows = _together(provider, set(ids.values()))
        found |= {pk: rows[badge_id] for pk, badge_id in ids.items() if badge_id in rows}
    return found


def _together(provider: str, badge_ids: Collection[int]) -> Mapping[int, Any]:
    """The provider's badges by primary key; none where there is trouble: each meets it again where it is read alone."""
    try:
        return _rows(provider).in_bulk(badge_ids)
    except DATABASE_TROUBLE as error:
        renew_connection()
        logger.warning(
            "The badges of %s deliveries were not read together (%s); each is read by itself.",
            len(badge_ids),
            database_said(error),
            extra={"action": "badges_not_read"},
        )
        return {}
    except Exception:  # noqa: BLE001 - a provider's mistake
        return {}
