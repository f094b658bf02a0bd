"""What a definition file defines, as value objects; each knows where it stands in the file."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from badges.data import RuleSpec
from badges.services.definitions.document import Place


@dataclasses.dataclass(frozen=True, slots=True)
class AccountDefinition:
    """One account; ``given`` holds the fields that the file sets, ``api_key`` is None where it leaves the key alone."""

    place: Place
    provider: str
    external_id: str
    given: Mapping[str, str]
    api_key: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class PlacedRule:
    """One data rule; where it stands, and where its path does."""

    place: Place
    path_place: Place
    spec: RuleSpec


@dataclasses.dataclass(frozen=True, slots=True)
class RequirementDefinition:
    """One requirement; ``given`` holds the fields that the file sets, ``rules`` is None where it leaves them alone."""

    place: Place
    key: str
    given: Mapping[str, str]
    places: Mapping[str, Place]
    rules: tuple[PlacedRule, ...] | None


@dataclasses.dataclass(frozen=True, slots=True)
class PenaltyDefinition(RequirementDefinition):
    """One penalty; ``resets`` maps requirement keys to their places, None where the file leaves the links alone."""

    resets: Mapping[str, Place] | None


@dataclasses.dataclass(frozen=True, slots=True)
class TemplateDefinition:
    """One template; ``given`` holds the fields that the file sets, None stands for lists that it leaves alone."""

    place: Place
    uuid: uuid.UUID
    provider: str | None
    account: str | None
    given: Mapping[str, Any]
    places: Mapping[str, Place]
    requirements: tuple[RequirementDefinition, ...] | None
    penalties: tuple[PenaltyDefinition, ...] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Definitions:
    """All that a file defines, in its order."""

    accounts: tuple[AccountDefinition, ...] = ()
    templates: tuple[TemplateDefinition, ...] = ()
