"""Accounts at badge providers."""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from badges import clock
from badges.conf import conf
from badges.exceptions import ConfigurationError


class ProviderAccount(models.Model):
    """
    An account at a badge provider: for Credly, an organization.

    Its key is either stored here, encrypted, or comes from the deployment's settings (``ACCOUNT_KEYS``), which win.
    The account is *paused* while its current key is the one that the provider refused (S30): nothing is sent with it,
    and a new key resumes it by itself. The fingerprint tells two keys apart and cannot be turned back into one.

    It *rests* until ``rests_until`` because its provider asked to wait, or failed ``failures`` times in a row (S28);
    then it is tried again by itself. ``next_turn_at`` is when its rate limit lets the next delivery through. All three
    are on the database's clock, kept by ``badges.services.pacing``.

    .. no_pii:
    """

    provider = models.CharField(_("provider"), max_length=32, default="credly")
    external_id = models.CharField(
        _("account id"),
        max_length=64,
        help_text=_("The provider's id of the account; for Credly, the organization's uuid."),
    )
    name = models.CharField(
        _("name"), max_length=255, blank=True, help_text=_("Filled in from the provider if left empty.")
    )
    encrypted_key = models.TextField(_("encrypted key"), blank=True, editable=False)
    paused_reason = models.TextField(_("why it is paused"), blank=True, editable=False)
    refused_fingerprint = models.CharField(
        _("fingerprint of the refused key"), max_length=16, blank=True, editable=False
    )
    paused_at = models.DateTimeField(_("paused since"), null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    rests_until = models.DateTimeField(_("rests until"), null=True, blank=True, editable=False)
    next_turn_at = models.DateTimeField(null=True, blank=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "openedx_badges_provideraccount"
        verbose_name = _("provider account")
        verbose_name_plural = _("provider accounts")
        constraints = [
            models.UniqueConstraint(fields=["provider", "external_id"], name="openedx_badges_account_unique"),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id

    @property
    def has_settings_key(self) -> bool:
        """The key comes from the settings and cannot be changed here."""
        return self.external_id.casefold() in conf.account_keys

    @property
    def api_key(self) -> str:
        """
        The key in use, empty when there is none.

        Raises :class:`ConfigurationError` when the stored one was encrypted with a secret key that is no longer listed.
        """
        if self.has_settings_key:
            return conf.account_keys[self.external_id.casefold()]
        if not self.encrypted_key:
            return ""
        try:
            return _cipher(tuple(conf.secret_keys), settings.SECRET_KEY).decrypt(self.encrypted_key.encode()).decode()
        except InvalidToken:
            raise ConfigurationError(
                f"The stored key of account {self.external_id} cannot be decrypted: put the secret key it was "
                "encrypted with back into BADGES['SECRET_KEYS'], or save the API key again."
            ) from None

    def set_api_key(self, key: str) -> None:
        """Encrypt ``key`` with the newest secret key; takes effect with ``save``."""
        cipher = _cipher(tuple(conf.secret_keys), settings.SECRET_KEY)
        self.encrypted_key = cipher.encrypt(key.encode()).decode() if key else ""

    def rotate_secret(self) -> None:
        """Encrypt the stored key again, with the newest secret key; takes effect with ``save``."""
        if self.encrypted_key:
            cipher = _cipher(tuple(conf.secret_keys), settings.SECRET_KEY)
            self.encrypted_key = cipher.rotate(self.encrypted_key.encode()).decode()

    @property
    def webhook_tokens(self) -> tuple[str, ...]:
        """
        What may stand at the end of the account's webhook address: a token for each secret key, the newest first.

        They are derived from the secret keys, so they are stored nowhere, and are rotated with them.
        """
        account = f"{self.provider}:{self.external_id.casefold()}"
        secrets = tuple(conf.secret_keys) or (settings.SECRET_KEY,)
        return tuple(
            salted_hmac("openedx-badges:webhook", account, secret=secret, algorithm="sha256").hexdigest()
            for secret in secrets
        )

    @property
    def webhook_token(self) -> str:
        """The token to give to the provider: of the newest secret key."""
        return self.webhook_tokens[0]

    @property
    def fingerprint(self) -> str:
        """Tells the key in use from another one; empty without a key."""
        return fingerprint(self.api_key)

    @property
    def obstacle(self) -> str:
        """Why nothing can be sent with this account, and what to do; empty when something can."""
        try:
            if not self.api_key:
                return "It has no API key. Save one."
            return f"{self.paused_reason} Save a new key to resume." if self.is_paused else ""
        except ConfigurationError as error:
            return str(error)

    def pause(self, key: str, reason: str) -> bool:
        """
        Pause the account as long as its key is ``key``, which the provider refused for ``reason`` (S30).

        False, and nothing is changed, when the key was replaced meanwhile: the answer to a request with the old key may
        come late, and must not take the place of what is known of the new one.
        """
        refused = fingerprint(key)
        row = type(self).objects.filter(pk=self.pk).first()
        try:
            if row is None or row.fingerprint != refused:
                return False
        except ConfigurationError:
            return False
        as_read = type(self).objects.filter(pk=self.pk, encrypted_key=row.encrypted_key)
        return bool(as_read.update(refused_fingerprint=refused, paused_reason=reason, paused_at=clock.now()))

    @property
    def is_failing(self) -> bool:
        """The provider has failed so often in a row that one delivery at a time is tried."""
        return self.failures >= conf.breaker_failures

    def rests(self, now: datetime.datetime) -> bool:
        """Nothing is sent with it at the moment ``now``, on the database's clock."""
        return self.rests_until is not None and self.rests_until > now

    @property
    def is_paused(self) -> bool:
        """The provider refused the key in use (S30)."""
        return bool(self.refused_fingerprint) and self.refused_fingerprint == self.fingerprint


def fingerprint(key: str) -> str:
    """Sixteen characters that tell ``key`` from another key and don't give it away; empty for no key."""
    return hashlib.sha256(b"openedx-badges:" + key.encode()).hexdigest()[:16] if key else ""


@functools.lru_cache(maxsize=4)
def _cipher(secret_keys: Sequence[str], django_secret: str) -> MultiFernet:
    if not secret_keys:
        derived = hashlib.sha256(b"openedx-badges:" + django_secret.encode()).digest()
        return MultiFernet([Fernet(base64.urlsafe_b64encode(derived))])
    try:
        return MultiFernet([Fernet(key) for key in secret_keys])
    except ValueError:
        raise ConfigurationError(
            "BADGES['SECRET_KEYS'] holds something that is not a Fernet key. Make one with: "
            'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
        ) from None
