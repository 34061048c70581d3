"""Settings of the instance: KELVIQ_... variables of the environment, else a file, else the defaults."""

import os
import tomllib
from decimal import Decimal
from difflib import get_close_matches
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from kelviq_server.core.money import has_decimals_beyond
from kelviq_server.platform.values import currency_exponents
from kelviq_server.platform.wire import country_codes

PREFIX = "KELVIQ_"
# How alike a name must be to be taken for a slip. Names such as KELVIQ_BASE_URL belong to clients, and are not.
SLIP_RATIO = 0.9


class WrongSetting(Exception):
    """A setting cannot be used; the message is the one line that says which and why."""


class Settings(BaseSettings):
    """Everything an operator may decide. The README's table lists them; a test keeps the two together."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    data_dir: Path = Field(
        default=Path(".data"), description="Where the embedded database, the keys file, files and the mailbox live."
    )
    database_url: str | None = Field(
        default=None, description="A PostgreSQL 15 to 18 of your own, instead of the embedded one."
    )
    pg_bindir: Path | None = Field(
        default=None,
        description="PostgreSQL binaries for the embedded database, instead of the bundled ones.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer requests.")
    pool_size: int = Field(default=10, ge=2, le=100, description="Database connections of each process.")
    public_url: str | None = Field(
        default=None, description="Address under which callers reach the server; else each request's own."
    )
    trusted_proxies: list[IPv4Network | IPv6Network] = Field(
        default=[], description='Networks whose X-Forwarded-Proto and -Host count, such as ["10.0.0.0/8"].'
    )
    countries_file: Path | None = Field(
        default=None, description="A database of countries by address (.mmdb), instead of the packaged one."
    )
    secret: str | None = Field(
        default=None,
        min_length=32,
        description="Encrypts what must be read back; else DIR/secret, made on first start.",
    )
    rate_limit_per_second: float = Field(default=0, ge=0, description="Requests a second for each key; 0 is no limit.")
    usage_together: int = Field(
        default=500, ge=1, le=1000, description="Reports of usage that are written in one transaction at the most."
    )
    rate_limit_burst: int = Field(default=100, ge=1, description="Requests that may come at once.")
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="Log lines for people or for machines; auto: people on a terminal."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged."
    )
    mail_from: str = Field(default="Kelviq Server <billing@localhost>", description="Sender of the server's mails.")
    webhook_networks: list[IPv4Network | IPv6Network] = Field(
        default=[],
        description="Networks besides the public internet that webhooks may reach, on any port and by http too.",
    )
    fee_base_percent: Decimal = Field(
        default=Decimal(0), ge=0, le=100, description="What the instance keeps of each payment, in percent."
    )
    fee_base_percent_above: Decimal | None = Field(
        default=None, ge=0, le=100, description="The same once `fee_threshold` was sold; else as before it."
    )
    fee_threshold: Decimal = Field(default=Decimal(0), ge=0, le=10**12, description="Sales from which that counts.")
    fee_fixed: Decimal = Field(default=Decimal(0), ge=0, le=1000, description="What it keeps of each payment besides.")
    fee_subscription_percent: Decimal = Field(
        default=Decimal(0), ge=0, le=100, description="On top for payments of subscriptions."
    )
    fee_international_percent: Decimal = Field(
        default=Decimal(0), ge=0, le=100, description="On top for cards issued in other countries than `fee_country`."
    )
    fee_country: str = Field(default="US", pattern="^[A-Z]{2}$", description="Where cards are not foreign.")
    fee_currency: str = Field(
        default="USD",
        pattern="^[A-Z]{3}$",
        validate_default=True,
        description="What `fee_fixed` and `fee_threshold` are in; sales in others bear percentages alone.",
    )
    s3_bucket: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="Bucket that keeps uploaded files; else they stand in DIR/media.",
    )
    s3_endpoint: str | None = Field(
        default=None,
        description="Address of an S3-compatible store, which browsers reach too; else AWS.",
    )
    s3_region: str = Field(default="us-east-1", pattern=r"^[A-Za-z0-9-]+$", description="Region of the bucket.")
    s3_access_key_id: str | None = Field(
        default=None, validate_default=True, description="Who signs uploads and downloads."
    )
    s3_secret_access_key: SecretStr | None = Field(
        default=None, validate_default=True, description="What uploads and downloads are signed with."
    )

    @field_validator("public_url", "s3_endpoint")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("it must look like https://billing.example.com")
        return value

    @field_validator("s3_access_key_id", "s3_secret_access_key")
    @classmethod
    def _is_there_for_the_bucket(cls, value: str | SecretStr | None, info: ValidationInfo) -> str | SecretStr | None:
        if value is None and info.data.get("s3_bucket") is not None:
            raise ValueError("it is needed where s3_bucket is set")
        return value

    @field_validator("database_url")
    @classmethod
    def _can_be_read(cls, value: str | None) -> str | None:
        try:
            conninfo_to_dict(value or "")
        except psycopg.ProgrammingError:
            # Its own words would repeat a password.
            raise ValueError("it must look like postgresql://user:password@host/name") from None
        return value

    @field_validator("rate_limit_per_second")
    @classmethod
    def _is_a_rate(cls, value: float) -> float:
        if value != 0 and not 0.001 <= value <= 1_000_000:
            raise ValueError("it must be 0, or between 0.001 and 1000000")
        return value

    @field_validator("fee_currency")
    @classmethod
    def _is_a_currency(cls, value: str, info: ValidationInfo) -> str:
        if value not in currency_exponents():
            raise ValueError("it must be an ISO 4217 code, such as USD")
        for name in ("fee_fixed", "fee_threshold"):
            if name in info.data and has_decimals_beyond(info.data[name], currency_exponents()[value]):
                raise ValueError(f"{name} has more decimals than {value}")
        return value

    @field_validator("fee_country")
    @classmethod
    def _is_a_country(cls, value: str) -> str:
        if value not in country_codes():
            raise ValueError("it must be an ISO 3166-1 code, such as US")
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_a_sender(cls, value: str) -> str:
        name, _, domain = parseaddr(value)[1].rpartition("@")
        if not name or not domain or len(value.splitlines()) != 1:
            raise ValueError("it must look like Billing <billing@example.com>")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options of the command line come first, then the environment, then the file."""
        file = config_file()
        file_source = (TomlConfigSettingsSource(settings_cls, file),) if file else ()
        return (init_settings, env_settings, *file_source)


def config_file() -> Path | None:
    """Return the settings file: the one KELVIQ_CONFIG names, else ./kelviq.toml where there is one."""
    named = os.environ.get("KELVIQ_CONFIG")
    if named:
        if not Path(named).is_file():
            raise WrongSetting(f"KELVIQ_CONFIG: there is no file {named}")
        return Path(named)
    usual = Path("kelviq.toml")
    return usual if usual.is_file() else None


def load_settings(**options: Any) -> Settings:
    """Return the settings; options of the command line that are None do not count.

    Raises WrongSetting with one line that names the setting.
    """
    _refuse_slips()
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        reason = "there is no such setting" if first["type"] == "extra_forbidden" else first["msg"]
        raise WrongSetting(f"{name} (KELVIQ_{name.upper()}): {reason}") from None
    except tomllib.TOMLDecodeError as error:
        raise WrongSetting(f"{config_file()}: {error}") from None
    except Exception as error:
        # A source could not even be parsed, such as a list that is not JSON.
        raise WrongSetting(str(error).split("\n")[0]) from None


def _refuse_slips() -> None:
    """Raise WrongSetting for a variable whose name is nearly that of a setting: it would be ignored in silence."""
    known = [PREFIX + name.upper() for name in (*Settings.model_fields, "config")]
    # The beginning of a name counts too: RATE_LIMT is meant for RATE_LIMIT_PER_SECOND.
    meant: dict[str, str] = {}
    for name in known:
        words = name.split("_")
        for end in range(len(words), min(2, len(words) - 1), -1):
            meant.setdefault("_".join(words[:end]), name)
    for name, value in os.environ.items():
        if value and name.upper().startswith(PREFIX) and name.upper() not in known:
            for close in get_close_matches(name.upper(), meant, n=1, cutoff=SLIP_RATIO):
                raise WrongSetting(f"{name}: there is no such setting; did you mean {meant[close]}?")
