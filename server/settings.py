"""Settings of the back office: environment only, a default in one place, secrets as files under the data folder."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from server.start import data_folder

DATA = data_folder()
HTTP_PORT = int(os.environ.get("TRIKEYE_HTTP_PORT", "8000"))
PUBLIC_URL = os.environ.get("TRIKEYE_URL", f"http://127.0.0.1:{HTTP_PORT}").rstrip("/")
GRACE_S = float(os.environ.get("TRIKEYE_GRACE_S", "60"))
BLIND_SHARE = float(os.environ.get("TRIKEYE_BLIND_SHARE", "0.05"))
SECOND_SHARE = float(os.environ.get("TRIKEYE_SECOND_SHARE", "0.05"))
SECOND_AT_MOST = float(os.environ.get("TRIKEYE_SECOND_AT_MOST", "0.20"))
GOLD_SHARE = float(os.environ.get("TRIKEYE_GOLD_SHARE", "0.02"))
RANDOM_SHARE = float(os.environ.get("TRIKEYE_RANDOM_SHARE", "0.10"))
SCREENING_PACK = os.environ.get("TRIKEYE_SCREENING_PACK", "screening")
AIM = float(os.environ.get("TRIKEYE_AIM", "0.90"))
DISK_FLOOR_MB = float(os.environ.get("TRIKEYE_DISK_FLOOR_MB", "500"))
READY_PARTS = [part for part in os.environ.get("TRIKEYE_READY_PARTS", "intake,work").split(",") if part]
API_PER_MINUTE = int(os.environ.get("TRIKEYE_API_PER_MINUTE", "600"))
KEEP_REJECTED_DAYS = int(os.environ.get("TRIKEYE_KEEP_REJECTED_DAYS", "30"))
KEEP_CONFIRMED_DAYS = int(os.environ.get("TRIKEYE_KEEP_CONFIRMED_DAYS", "365"))
KEEP_FACE_DAYS = int(os.environ.get("TRIKEYE_KEEP_FACE_DAYS", "30"))
BROKER = os.environ.get("TRIKEYE_BROKER", "127.0.0.1:1883")
BROKER_CERT, BROKER_KEY, BROKER_CA = (os.environ.get(f"TRIKEYE_BROKER_{name}", "") for name in ("CERT", "KEY", "CA"))
SOURCE_URL = os.environ.get("TRIKEYE_SOURCE_URL", "")
PICTURES = DATA / "pictures"
SECRETS = DATA / "secrets"


def secret(name: str) -> str:
    """A random secret kept in a 0600 file of the data folder, made at its first use."""
    path = SECRETS / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        SECRETS.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = secrets.token_urlsafe(48)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(fresh)
        except FileExistsError:
            return path.read_text().strip()
        return fresh


_IS_TOOL = (
    sys.argv[1:2] in (["makemigrations"], ["check"])
    or sys.argv[1:3] == ["server", "openapi"]
    or Path(sys.argv[0]).name == "mypy"
)
SECRET_KEY = "only-for-tools" if _IS_TOOL else secret("django")
DEBUG = False
ALLOWED_HOSTS = os.environ.get("TRIKEYE_HOSTS", "127.0.0.1,localhost,testserver").split(",")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https") else []
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles",
    "allauth", "allauth.account", "allauth.mfa",
    "server.accounts", "server.audit", "server.keeping", "server.fleet", "server.categories", "server.cases", "server.intake", "server.review", "server.city", "server.coverage", "server.places", "server.api",
    "server.quality", "server.dashboard",
]  # fmt: skip
MIDDLEWARE = [
    "server.log.Numbered",
    "server.metrics.Timed",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "server.headers.ContentPolicy",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "server.accounts.sessions.Ends",
    "server.headers.Language",
    "server.api.gate.ByToken",
    "server.roles.OnlyTheirs",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "server.urls"
CSRF_FAILURE_VIEW = "server.errors.csrf_failure"
WSGI_APPLICATION = "server.wsgi.application"
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [Path(__file__).parent / "templates"],
    "OPTIONS": {"context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages", "server.headers.about", "server.headers.pages"]},
}]  # fmt: skip
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "db.sqlite3", "CONN_MAX_AGE": 300,
    # A verdict must not vanish after its webhook left, nor a sighting after its acknowledgement: FULL on every connection.
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"},
    "TEST": {"NAME": DATA / "test.sqlite3"},
}}  # fmt: skip
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ["username"]}},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "server.accounts.passwords.HardToGuess"},
]  # fmt: skip
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "/login/"
MFA_ADAPTER, MFA_SUPPORTED_TYPES = "server.accounts.factors.Adapter", ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER, MFA_TOTP_TOLERANCE = "trikeye", 1
ACCOUNT_EMAIL_VERIFICATION, ACCOUNT_LOGIN_METHODS, ACCOUNT_SIGNUP_FIELDS = (
    "none",
    {"username"},
    ["username*", "password1*"],
)
# Tries and used codes are counted where every process sees them.
# However many names a stranger tries, the counts of others must not be pushed out.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "accounts_cache", "OPTIONS": {"MAX_ENTRIES": 50_000}}}  # fmt: skip
IS_HTTPS = PUBLIC_URL.startswith("https")
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
# The queue reads the token that holds after a sign-in in another tab; a script that could read it could as well send its own requests.
CSRF_COOKIE_HTTPONLY = False
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = (
    ("__Host-sessionid", "__Host-csrftoken") if IS_HTTPS else ("sessionid", "csrftoken")
)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT, SECURE_REDIRECT_EXEMPT = IS_HTTPS, [r"^health/", r"^metrics"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_HSTS_SECONDS, SECURE_HSTS_INCLUDE_SUBDOMAINS = (365 * 86400, True) if IS_HTTPS else (0, False)
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # browsers' preload list is the city's own step: it cannot be taken back
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
TIME_ZONE = os.environ.get("TRIKEYE_TIME_ZONE", "Asia/Shanghai")
USE_TZ = USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = None
STATICFILES_DIRS = [Path(__file__).parent / "static"]
WHITENOISE_USE_FINDERS = True
LOGGING = {
    "version": 1, "disable_existing_loggers": False,
    "filters": {"number": {"()": "server.log.WithNumber"}},
    "formatters": {"line": {"()": "server.log.Json" if os.environ.get("TRIKEYE_LOG") == "json" else "server.log.Logfmt"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["number"]}},
    "loggers": {"trikeye.deeds": {"level": "INFO" if "PROMETHEUS_MULTIPROC_DIR" in os.environ else "WARNING"}, "trikeye": {"handlers": ["stderr"], "level": "INFO"}, "django.request": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
                "django.security": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}  # fmt: skip
