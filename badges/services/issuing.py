"""
What a delivery asks of a badge provider, and what its answers mean.

Nothing here runs in a transaction; ``badges.services.delivery`` records the results.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from badges.data import BadgeQuery, IssueRequest, ProviderBadge, Recipient
from badges.exceptions import DuplicateBadge, PermanentError
from badges.host import UserCredential, recipient_names
from badges.models import Delivery
from badges.providers.base import Provider
from badges.services.claims import Claim


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """
    What came of a delivery.

    ``badge`` are the fields of the provider's badge row that changed; ``state`` is the delivery's; ``reopen`` says that
    the newest provider delivery has to be done once more, because the provider's state is not ours (S39).
    """

    state: Delivery.State = Delivery.State.DONE
    badge: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    detail: str = ""
    reopen: bool = False


def issue(held: Claim, badge: Any, provider: Provider) -> Result:
    """
    Issue the badge, unless it is there already, or no longer wanted (S22, S24, S31).

    Raises the provider's errors.
    """
    wanted = _is_newest(held.delivery, badge) and badge.status == UserCredential.AWARDED
    if held.unsettled:
        live = _live(provider, _query(held, badge))
        if live:
            return Result(badge=_known(live[0]), detail=f"found {live[0].external_id}")
    if not wanted:
        return Result(state=Delivery.State.SUPERSEDED, detail="a later decision came first")
    request = IssueRequest(
        template_external_id=held.delivery.progress.template.external_id,
        issued_at=held.delivery.progress.awarded_at or held.delivery.decided_at,
        recipient=_recipient(held, badge),
    )
    try:
        issued = provider.issue(request)
    except DuplicateBadge as refusal:
        live = _live(provider, _query(held, badge))
        if not live:
            raise PermanentError(str(refusal), status=refusal.status) from None
        return Result(badge=_known(live[0]), detail=f"found {live[0].external_id}")
    return Result(badge=_known(issued), detail=f"issued {issued.external_id}")


def revoke(held: Claim, badge: Any, provider: Provider) -> Result:
    """
    Revoke the badge that is known, and where an issue ended without a known result also what it may have left (S24).

    Nothing was ever issued: done, without a request. Raises the provider's errors.
    """
    targets = [str(badge.external_uuid)] if badge.external_uuid and badge.state != "revoked" else []
    if held.unsettled or _has_unsettled_issue(held.delivery):
        live = [found.external_id for found in _live(provider, _query(held, badge))]
        targets = list(dict.fromkeys(targets + live))
    for external_id in targets:
        provider.revoke(external_id, reason=REVOKE_REASON)
    known = {} if badge.external_uuid or not targets else {"external_uuid": targets[0]}
    return Result(
        badge={"state": "revoked", **known}, detail=f"revoked {', '.join(targets)}" if targets else "not issued"
    )


REVOKE_REASON = "The requirements of this badge are no longer met."


def compare(held: Claim, badge: Any, provider: Provider) -> Result:
    """
    Compare the provider's state with ours (S39): a second live badge is revoked, any other difference is repaired by
    doing the newest decision once more.

    A badge that its learner rejected is not issued again. Raises the provider's errors.
    """
    found = provider.find_badges(_query(held, badge))
    live = [one for one in found if one.is_live]
    if badge.status == UserCredential.REVOKED:
        return Result(detail=f"{len(live)} live", reopen=bool(live))
    if not live:
        rejected = bool(found) and found[0].state == "rejected"
        return Result(badge=_known(found[0]) if rejected else {}, detail="none live", reopen=not rejected)
    kept = next((one for one in live if one.external_id == str(badge.external_uuid)), live[0])
    for extra in live:
        if extra is not kept:
            provider.revoke(extra.external_id, reason=DUPLICATE_REASON)
    return Result(badge=_known(kept), detail=f"{kept.external_id} is live")


DUPLICATE_REASON = "This badge was issued twice by mistake."


def _is_newest(row: Delivery, badge: Any) -> bool:
    """Each decision has a time of its own, and the badge's progress, read after the claim, that of the newest."""
    return bool(row.decided_at == badge.badge_progress.decided_at)


def _has_unsettled_issue(row: Delivery) -> bool:
    return Delivery.objects.filter(
        progress_id=row.progress_id, kind=Delivery.Kind.ISSUE, unsettled=True, pk__lt=row.pk
    ).exists()


def _live(provider: Provider, query: BadgeQuery) -> list[ProviderBadge]:
    return [badge for badge in provider.find_badges(query) if badge.is_live]


def _known(badge: ProviderBadge) -> dict[str, Any]:
    return {"external_uuid": badge.external_id, "state": badge.state}


def _query(held: Claim, badge: Any) -> BadgeQuery:
    progress = held.delivery.progress
    email, _ = _contact(held)
    return BadgeQuery(progress.template.external_id, _earner_id(progress.user, badge), email)


def _recipient(held: Claim, badge: Any) -> Recipient:
    user = held.delivery.progress.user
    email, full_name = _contact(held)
    if not email:
        raise PermanentError(
            "The learner has no e-mail address, neither in the events nor in the user record; a badge cannot be issued "
            "without. Add one to the user record, then resend."
        )
    first_name, last_name = recipient_names(user, full_name)
    earner_id = _earner_id(user, badge)
    if not badge.earner_id:
        # Before the request: whatever the learner's record becomes, this badge is always looked up by this id.
        type(badge).objects.filter(pk=badge.pk).update(earner_id=earner_id)
    return Recipient(earner_id, email, first_name, last_name)


def _earner_id(user: Any, badge: Any) -> str:
    """The stable learner id: once used, always that one (S22)."""
    return badge.earner_id or (str(user.lms_user_id) if user.lms_user_id is not None else user.username)


def _contact(held: Claim) -> tuple[str, str]:
    """
    E-mail address and full name as the newest event of this template told them, else as the record has them (S22).
    """
    return held.told_email or held.delivery.progress.user.email, held.told_name
