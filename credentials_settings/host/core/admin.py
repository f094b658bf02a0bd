from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from credentials_settings.host.core.models import User

admin.site.register(User, UserAdmin)
