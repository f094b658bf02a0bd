"""One data rule: whether it holds for a payload, why, and whether it can be meant at all (S11-S15, S38)."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from badges.data import RuleSpec
from badges.engine.disclosure import PERSONAL, in_words, is_personal, told
from badges.engine.operators import OPERATORS, Operator
from badges.engine.paths import MISSING, Getter, compile_path
from badges.engine.values import Kind, kind_of, typed
from badges.exceptions import RuleError

UNREADABLE: Final = object()
"""The operand where the rule's value cannot be read, or its operator makes no sense: no value compares with it."""


class Rule:
    """
    A rule in executable form; :func:`compile_rule` makes it. Equal specs may share one.

    Its value is read once for each kind of payload value that it meets.
    """

    __slots__ = ("_get", "_operands", "operator", "spec")

    def __init__(self, spec: RuleSpec, operator: Operator, get: Getter) -> None:
        self.spec = spec
        self.operator = operator
        self._get = get
        self._operands: dict[Kind, Any] = {}

    def holds(self, payload: object) -> bool:
        """Whether the rule holds for ``payload``. Never raises (S14)."""
        return self.accepts(*typed(self._get(payload)))

    def accepts(self, kind: Kind, value: Any) -> bool:
        """Whether the rule holds for what is at its path, as :func:`badges.engine.values.typed` gives it."""
        try:
            operand = self._operands[kind]
        except KeyError:
            operand = self._operands[kind] = self._operand(kind)
        return operand is not UNREADABLE and self.operator.compare(value, operand)

    def saw(self, payload: object) -> Any:
        """What is at the rule's path, fit for JSON and without personal data; None where nothing is."""
        value = self._get(payload)
        return PERSONAL if value is not MISSING and is_personal(self.spec.path) else told(value)

    def explain(self, payload: object) -> str:
        """What the rule asks for and what it saw, in words and without personal data (S38)."""
        value = self._get(payload)
        if value is MISSING:
            return f"{_quote(self.spec)}: payload has no such field"
        seen = PERSONAL if is_personal(self.spec.path) else in_words(value)
        return f"{_quote(self.spec)}: payload had {seen}{self._obstacle(kind_of(value))}"

    def _operand(self, kind: Kind) -> Any:
        if kind in self.operator.kinds:
            try:
                return self.operator.read(self.spec.value, kind)
            except ValueError:
                pass
        return UNREADABLE

    def _obstacle(self, kind: Kind) -> str:
        """Why nothing of that kind can make the rule true, if so."""
        if kind not in self.operator.kinds:
            return f", and {self.spec.operator} does not compare {kind} values"
        if self._operand(kind) is UNREADABLE:
            return f", and the rule's value cannot be read as {kind}"
        return ""


@dataclasses.dataclass(frozen=True, slots=True)
class FieldType:
    """
    What an event type says of one of its fields.

    ``kind`` is None where anything may stand, ``item_kind`` where nothing is known of the items of a list. A
    ``nullable`` field may be None, and then no operator but ``exists`` is true (S12).
    """

    kind: Kind | None
    item_kind: Kind | None = None
    nullable: bool = False


def compile_rule(spec: RuleSpec) -> Rule:
    """
    The rule ``spec`` in executable form.

    Raises :class:`RuleError` for a rule that can hold for no payload whatever: its path or operator is none, or its
    value suits no kind that the operator compares.
    """
    operator = _operator(spec)
    try:
        get = compile_path(spec.path)
    except RuleError as error:
        raise RuleError(f"{_quote(spec)}: {error}") from None
    _check_value(spec, operator, operator.kinds)
    return Rule(spec, operator, get)


def check_rule(spec: RuleSpec, field: FieldType | None) -> None:
    """
    Refuse a rule that cannot be meant (S14, S15). ``field`` is what the event type has at its path, None for nothing.

    Raises :class:`RuleError`, which names path, operator and value and says what to do.
    """
    operator = _operator(spec)
    if field is not None and field.kind is not None:  # before the value, which may be right for another operator
        _check_kind(spec, operator, field.kind, f"{field.kind} values")
    compile_rule(spec)
    if field is None:
        raise RuleError(f"{_quote(spec)}: the event type has no such field. Take one from the list of its fields.")
    if field.kind is None:
        return
    if operator.name == "contains" and field.kind is Kind.LIST:
        if field.item_kind is not None:  # a list contains what equals one of its items
            _check_kind(spec, OPERATORS["eq"], field.item_kind, f"the {field.item_kind} values of a list")
            _check_value(spec, OPERATORS["eq"], (field.item_kind,))
    else:
        _check_value(spec, operator, (field.kind,))


def _operator(spec: RuleSpec) -> Operator:
    operator = OPERATORS.get(spec.operator)
    if operator is None:
        raise RuleError(f"{_quote(spec)}: there is no such operator. Use one of {', '.join(OPERATORS)}.")
    return operator


def _check_kind(spec: RuleSpec, operator: Operator, kind: Kind, values: str) -> None:
    """Whether ``operator`` makes sense for what the field holds, ``values`` in words."""
    if kind not in operator.kinds:
        usable = " or ".join(entry.name for entry in OPERATORS.values() if kind in entry.kinds)
        raise RuleError(f"{_quote(spec)}: {spec.operator} does not compare {values}. For this field, use {usable}.")


def _check_value(spec: RuleSpec, operator: Operator, kinds: tuple[Kind, ...]) -> None:
    """Whether the value can be read as one of ``kinds`` at least."""
    remedies: dict[str, None] = {}
    for kind in kinds:
        try:
            operator.read(spec.value, kind)
        except ValueError as error:
            remedies[str(error)] = None
        else:
            return
    raise RuleError(f"{_quote(spec)}: {', or '.join(remedies)}.")


def _quote(spec: RuleSpec) -> str:
    value = PERSONAL if is_personal(spec.path) else in_words(spec.value)
    return f"rule {spec.path} {spec.operator} {value}"
