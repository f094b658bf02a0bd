import django.core.validators
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        # The first one is all that is needed; a later one would break on hosts that are older or newer.
        ("credentials", "__first__"),
        ("sites", "0002_alter_domain_unique"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccredibleGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "db_table": "openedx_badges_legacy_accrediblegroup",
                "abstract": False,
                "managed": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="CredlyBadgeTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "db_table": "openedx_badges_legacy_credlybadgetemplate",
                "abstract": False,
                "managed": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="AnnouncementCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20, unique=True)),
                ("sent", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "db_table": "openedx_badges_announcementcount",
            },
        ),
        migrations.CreateModel(
            name="RulebookVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveBigIntegerField(default=1)),
            ],
            options={
                "db_table": "openedx_badges_rulebookversion",
            },
        ),
        migrations.CreateModel(
            name="BadgeTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "uuid",
                    models.UUIDField(
                        default=uuid.uuid4,
                        help_text="For Credly, the id of the template there.",
                        unique=True,
                        verbose_name="uuid",
                    ),
                ),
                ("provider", models.CharField(default="credly", max_length=32, verbose_name="provider")),
                ("external_id", models.CharField(max_length=64, verbose_name="id at the provider")),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                (
                    "image_url",
                    models.CharField(
                        blank=True,
                        max_length=500,
                        validators=[django.core.validators.URLValidator(["http", "https"])],
                        verbose_name="image",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "draft"), ("active", "active"), ("archived", "archived")],
                        default="active",
                        max_length=16,
                        verbose_name="state at the provider",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=False,
                        help_text="Learners earn this badge. Switching it off keeps the badges they have.",
                        verbose_name="active",
                    ),
                ),
                (
                    "allow_reaward",
                    models.BooleanField(
                        default=True,
                        help_text="A learner whose badge a penalty took back gets it again on completing the template again.",
                        verbose_name="award again",
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("modified", models.DateTimeField(auto_now=True)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sites.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "badge template",
                "verbose_name_plural": "badge templates",
                "db_table": "openedx_badges_badgetemplate",
            },
        ),
        migrations.CreateModel(
            name="BadgeRequirement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.SlugField(
                        help_text="Names the requirement within its template.", max_length=100, verbose_name="key"
                    ),
                ),
                ("event_type", models.CharField(max_length=255, verbose_name="event type")),
                (
                    "group",
                    models.CharField(
                        blank=True,
                        help_text="Requirements with the same group are alternatives: one of them is enough.",
                        max_length=100,
                        verbose_name="group",
                    ),
                ),
                ("description", models.TextField(blank=True, verbose_name="description")),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requirements",
                        to="badges.badgetemplate",
                        verbose_name="template",
                    ),
                ),
            ],
            options={
                "verbose_name": "requirement",
                "verbose_name_plural": "requirements",
                "db_table": "openedx_badges_badgerequirement",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="BadgeProgress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("awarded_at", models.DateTimeField(blank=True, null=True, verbose_name="awarded at")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                (
                    "held_back",
                    models.BooleanField(
                        default=False,
                        help_text="Revoked by hand: stays revoked until this is lifted.",
                        verbose_name="held back",
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "credential",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="badge_progress",
                        to="credentials.usercredential",
                        verbose_name="badge",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="badge_progress",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="learner",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="progress",
                        to="badges.badgetemplate",
                        verbose_name="template",
                    ),
                ),
            ],
            options={
                "verbose_name": "progress",
                "verbose_name_plural": "progress",
                "db_table": "openedx_badges_badgeprogress",
            },
        ),
        migrations.CreateModel(
            name="BadgePenalty",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.SlugField(
                        help_text="Names the penalty within its template.", max_length=100, verbose_name="key"
                    ),
                ),
                ("event_type", models.CharField(max_length=255, verbose_name="event type")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="penalties",
                        to="badges.badgetemplate",
                        verbose_name="template",
                    ),
                ),
            ],
            options={
                "verbose_name": "penalty",
                "verbose_name_plural": "penalties",
                "db_table": "openedx_badges_badgepenalty",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="CredlyBadge",
            fields=[
                (
                    "usercredential_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="credentials.usercredential",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("created", "created"),
                            ("error", "error"),
                            ("pending", "pending"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("revoked", "revoked"),
                        ],
                        default="created",
                        max_length=16,
                        verbose_name="state at Credly",
                    ),
                ),
                ("external_uuid", models.UUIDField(blank=True, null=True, unique=True, verbose_name="id at Credly")),
                ("earner_id", models.CharField(blank=True, max_length=255, verbose_name="learner id at Credly")),
            ],
            options={
                "verbose_name": "Credly badge",
                "verbose_name_plural": "Credly badges",
                "db_table": "openedx_badges_credlybadge",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["created", "error", "pending", "accepted", "rejected", "revoked"])
                        ),
                        name="openedx_badges_credlybadge_state",
                    )
                ],
            },
            bases=("credentials.usercredential",),
        ),
        migrations.CreateModel(
            name="DataRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "path",
                    models.CharField(
                        help_text="Where the value is in the event, for example course.course_key",
                        max_length=255,
                        verbose_name="path",
                    ),
                ),
                ("operator", models.CharField(max_length=16, verbose_name="operator")),
                ("value", models.TextField(blank=True, verbose_name="value")),
                (
                    "requirement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rules", to="badges.badgerequirement"
                    ),
                ),
            ],
            options={
                "verbose_name": "data rule",
                "verbose_name_plural": "data rules",
                "db_table": "openedx_badges_datarule",
                "ordering": ["id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "lane",
                    models.CharField(
                        choices=[
                            ("announce", "announcements"),
                            ("provider", "provider"),
                            ("verify", "comparison with the provider"),
                        ],
                        max_length=16,
                        verbose_name="lane",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("announce_awarded", "announce the award"),
                            ("announce_revoked", "announce the revocation"),
                            ("issue", "issue"),
                            ("revoke", "revoke"),
                            ("verify", "compare with the provider"),
                        ],
                        max_length=20,
                        verbose_name="what",
                    ),
                ),
                ("decided_at", models.DateTimeField(verbose_name="decided at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("claimed", "being sent"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                            ("superseded", "superseded"),
                        ],
                        default="pending",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("next_attempt_at", models.DateTimeField(verbose_name="next attempt")),
                ("enqueued_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("claim", models.UUIDField(blank=True, editable=False, null=True)),
                ("lease_expires_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("unsettled", models.BooleanField(default=False, verbose_name="result unknown")),
                ("error", models.TextField(blank=True, verbose_name="error")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "progress",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="badges.badgeprogress",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "db_table": "openedx_badges_delivery",
            },
        ),
        migrations.CreateModel(
            name="FailedEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_id", models.CharField(max_length=36, verbose_name="event")),
                ("event_type", models.CharField(max_length=255, verbose_name="event type")),
                ("event_time", models.DateTimeField(verbose_name="event time")),
                ("line", models.TextField(verbose_name="event as JSON")),
                ("error", models.TextField(verbose_name="error")),
                ("attempts", models.PositiveIntegerField(default=1, verbose_name="attempts")),
                (
                    "next_attempt_at",
                    models.DateTimeField(blank=True, db_index=True, null=True, verbose_name="next attempt"),
                ),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="first failed")),
                ("modified", models.DateTimeField(auto_now=True, verbose_name="last failed")),
            ],
            options={
                "verbose_name": "failed event",
                "verbose_name_plural": "failed events",
                "db_table": "openedx_badges_failedevent",
                "constraints": [
                    models.UniqueConstraint(fields=("event_id", "event_type"), name="openedx_badges_failedevent_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="Fulfillment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fulfilled", models.BooleanField(verbose_name="fulfilled")),
                ("time", models.DateTimeField(verbose_name="time of the newest event")),
                ("event_id", models.CharField(max_length=36, verbose_name="newest event")),
                ("email", models.CharField(blank=True, max_length=254, verbose_name="e-mail address")),
                ("full_name", models.CharField(blank=True, max_length=255, verbose_name="full name")),
                (
                    "requirement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fulfillments",
                        to="badges.badgerequirement",
                        verbose_name="requirement",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="badge_fulfillments",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="learner",
                    ),
                ),
            ],
            options={
                "verbose_name": "fulfilment",
                "verbose_name_plural": "fulfilments",
                "db_table": "openedx_badges_fulfillment",
            },
        ),
        migrations.CreateModel(
            name="JournalEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("fulfilled", "requirement fulfilled"),
                            ("reset", "requirement reset"),
                            ("awarded", "badge awarded"),
                            ("revoked", "badge revoked"),
                            ("delivered", "delivered"),
                            ("delivery_failed", "delivery failed"),
                        ],
                        max_length=16,
                        verbose_name="what",
                    ),
                ),
                ("subject", models.CharField(blank=True, max_length=100, verbose_name="requirement")),
                ("penalty", models.CharField(blank=True, max_length=100, verbose_name="penalty")),
                ("event_id", models.CharField(blank=True, max_length=36, verbose_name="event")),
                ("event_type", models.CharField(blank=True, max_length=255, verbose_name="event type")),
                ("event_time", models.DateTimeField(blank=True, null=True, verbose_name="event time")),
                ("saw", models.JSONField(blank=True, default=list, verbose_name="what the rules saw")),
                ("detail", models.TextField(blank=True, verbose_name="detail")),
                ("created", models.DateTimeField(verbose_name="when")),
                (
                    "template",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="badges.badgetemplate",
                        verbose_name="template",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="learner",
                    ),
                ),
            ],
            options={
                "verbose_name": "journal entry",
                "verbose_name_plural": "journal",
                "db_table": "openedx_badges_journalentry",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="PenaltyDataRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "path",
                    models.CharField(
                        help_text="Where the value is in the event, for example course.course_key",
                        max_length=255,
                        verbose_name="path",
                    ),
                ),
                ("operator", models.CharField(max_length=16, verbose_name="operator")),
                ("value", models.TextField(blank=True, verbose_name="value")),
                (
                    "penalty",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rules", to="badges.badgepenalty"
                    ),
                ),
            ],
            options={
                "verbose_name": "data rule of a penalty",
                "verbose_name_plural": "data rules of penalties",
                "db_table": "openedx_badges_penaltydatarule",
                "ordering": ["id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PenaltyTarget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "penalty",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="targets", to="badges.badgepenalty"
                    ),
                ),
                (
                    "requirement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="badges.badgerequirement"
                    ),
                ),
            ],
            options={
                "db_table": "openedx_badges_penaltytarget",
            },
        ),
        migrations.AddField(
            model_name="badgepenalty",
            name="requirements",
            field=models.ManyToManyField(
                help_text="The requirements of the same template that this penalty resets.",
                related_name="penalties",
                through="badges.PenaltyTarget",
                to="badges.badgerequirement",
                verbose_name="resets",
            ),
        ),
        migrations.CreateModel(
            name="ProviderAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(default="credly", max_length=32, verbose_name="provider")),
                (
                    "external_id",
                    models.CharField(
                        help_text="The provider's id of the account; for Credly, the organization's uuid.",
                        max_length=64,
                        verbose_name="account id",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True,
                        help_text="Filled in from the provider if left empty.",
                        max_length=255,
                        verbose_name="name",
                    ),
                ),
                ("encrypted_key", models.TextField(blank=True, editable=False, verbose_name="encrypted key")),
                ("paused_reason", models.TextField(blank=True, editable=False, verbose_name="why it is paused")),
                (
                    "refused_fingerprint",
                    models.CharField(
                        blank=True, editable=False, max_length=16, verbose_name="fingerprint of the refused key"
                    ),
                ),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="paused since")),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("modified", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "provider account",
                "verbose_name_plural": "provider accounts",
                "db_table": "openedx_badges_provideraccount",
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "external_id"), name="openedx_badges_account_unique")
                ],
            },
        ),
        migrations.AddField(
            model_name="badgetemplate",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="templates",
                to="badges.provideraccount",
                verbose_name="account",
            ),
        ),
        migrations.CreateModel(
            name="WebhookEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_id", models.UUIDField(verbose_name="id")),
                ("event_type", models.CharField(max_length=100, verbose_name="type")),
                ("occurred_at", models.DateTimeField(blank=True, null=True, verbose_name="occurred at")),
                ("received_at", models.DateTimeField(auto_now_add=True, verbose_name="received at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "received"),
                            ("done", "done"),
                            ("ignored", "ignored"),
                            ("failed", "failed"),
                        ],
                        default="received",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("error", models.TextField(blank=True, verbose_name="error")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhook_events",
                        to="badges.provideraccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook event",
                "verbose_name_plural": "webhook events",
                "db_table": "openedx_badges_webhookevent",
            },
        ),
        migrations.AddConstraint(
            model_name="badgerequirement",
            constraint=models.UniqueConstraint(fields=("template", "key"), name="openedx_badges_requirement_key"),
        ),
        migrations.AddConstraint(
            model_name="badgeprogress",
            constraint=models.UniqueConstraint(fields=("user", "template"), name="openedx_badges_progress_unique"),
        ),
        migrations.AddConstraint(
            model_name="datarule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "operator__in",
                        [
                            "contains",
                            "ends_with",
                            "eq",
                            "exists",
                            "gt",
                            "gte",
                            "in",
                            "lt",
                            "lte",
                            "matches",
                            "ne",
                            "not_in",
                            "starts_with",
                        ],
                    )
                ),
                name="openedx_badges_datarule_operator",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["state", "next_attempt_at"], name="openedx_badges_delivery_due"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["progress", "lane", "state"], name="openedx_badges_delivery_lane"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                fields=("progress", "kind", "decided_at"), name="openedx_badges_delivery_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "claimed", "done", "failed", "cancelled", "superseded"])),
                name="openedx_badges_delivery_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("claim__isnull", False), ("lease_expires_at__isnull", False), ("state", "claimed")),
                    models.Q(
                        models.Q(("state", "claimed"), _negated=True),
                        ("claim__isnull", True),
                        ("lease_expires_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="openedx_badges_delivery_claim",
            ),
        ),
        migrations.AddIndex(
            model_name="fulfillment",
            index=models.Index(fields=["fulfilled", "time"], name="openedx_badges_fulfillment_old"),
        ),
        migrations.AddConstraint(
            model_name="fulfillment",
            constraint=models.UniqueConstraint(
                fields=("user", "requirement"), name="openedx_badges_fulfillment_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="journalentry",
            index=models.Index(fields=["user", "template"], name="openedx_badges_journal_learner"),
        ),
        migrations.AddIndex(
            model_name="journalentry",
            index=models.Index(fields=["event_id"], name="openedx_badges_journal_event"),
        ),
        migrations.AddIndex(
            model_name="journalentry",
            index=models.Index(fields=["created"], name="openedx_badges_journal_created"),
        ),
        migrations.AddConstraint(
            model_name="penaltydatarule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "operator__in",
                        [
                            "contains",
                            "ends_with",
                            "eq",
                            "exists",
                            "gt",
                            "gte",
                            "in",
                            "lt",
                            "lte",
                            "matches",
                            "ne",
                            "not_in",
                            "starts_with",
                        ],
                    )
                ),
                name="openedx_badges_penaltydatarule_operator",
            ),
        ),
        migrations.AddConstraint(
            model_name="penaltytarget",
            constraint=models.UniqueConstraint(
                fields=("penalty", "requirement"), name="openedx_badges_penaltytarget_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="badgepenalty",
            constraint=models.UniqueConstraint(fields=("template", "key"), name="openedx_badges_penalty_key"),
        ),
        migrations.AddIndex(
            model_name="badgetemplate",
            index=models.Index(fields=["is_active", "state"], name="openedx_badges_template_live"),
        ),
        migrations.AddConstraint(
            model_name="badgetemplate",
            constraint=models.UniqueConstraint(
                fields=("provider", "external_id"), name="openedx_badges_template_external"
            ),
        ),
        migrations.AddConstraint(
            model_name="badgetemplate",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "active", "archived"])), name="openedx_badges_template_state"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(fields=["state", "received_at"], name="openedx_badges_webhook_state"),
        ),
        migrations.AddConstraint(
            model_name="webhookevent",
            constraint=models.UniqueConstraint(
                fields=("account", "event_id"), name="openedx_badges_webhookevent_unique"
            ),
        ),
    ]
