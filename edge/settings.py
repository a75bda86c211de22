"""One edge.toml → one frozen Settings, read once. Unknown keys are errors; all errors of a file are told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from calibration.gpsd import address_of
from calibration.words import of_file, of_keys, toml_of
from models.contract import VEHICLE_NAME
from models.packs import shipped_packs
from models.taxonomy import CATEGORIES


class BadSettings(Exception):
    """edge.toml cannot be used; the text names file and keys."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
SEVERITIES = ("low", "medium", "high", "critical")
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Vehicle(_Section):
    name: Annotated[str, Field(pattern=VEHICLE_NAME)] = "TRIAL-01"
    camera: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,48}$")] = "front"
    data: Path = Path("trikeye-data")
    time_zone: str = "Asia/Shanghai"

    @field_validator("time_zone")
    @classmethod
    def _is_one(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"no such time zone: {name}") from None
        return name


class CameraSource(_Section):
    source: str = "0"
    width_px: Annotated[int, Field(ge=160, le=4096)] = 1280
    height_px: Annotated[int, Field(ge=120, le=4096)] = 720
    calibration: Path | None = None


class Receiver(_Section):
    device: str = ""
    baud: Annotated[int, Field(ge=1200, le=1_000_000)] = 9600
    oldest_fix_s: Positive = 5.0
    camera_late_s: Annotated[float, Field(ge=-2, le=2)] = 0.0

    @field_validator("device")
    @classmethod
    def _is_reachable(cls, device: str) -> str:
        address_of(device)
        return device


class Gate(_Section):
    every_m: Positive = 1.5
    standing_every_s: Positive = 10.0
    worst_fix_m: Positive = 15.0
    darkest: NotNegative = 18.0
    sharpest_blur: NotNegative = 6.0
    paused: bool = False
    warm_c: Positive = 70.0
    battery_low: NotNegative = 0.3
    busy_share: Annotated[float, Field(ge=0.05, le=1)] = 0.6


class Detect(_Section):
    pack: str = "street"
    threads: Annotated[int, Field(ge=1, le=16)] = 1


class Redact(_Section):
    pack: str = "redaction"


class Decide(_Section):
    least_views: Annotated[int, Field(ge=1, le=20)] = 2
    least_probability: Annotated[float, Field(ge=0, le=1)] = 0.0
    cool_down_h: NotNegative = 6.0
    cool_down_m: Positive = 10.0
    pass_length_m: Positive = 500.0
    pass_time_s: Positive = 300.0
    pass_stop_s: Positive = 120.0


class Evidence(_Section):
    picture_bytes: Annotated[int, Field(ge=10_000, le=200_000)] = 110_000


class Outbox(_Section):
    cap_bytes: Annotated[int, Field(ge=10_000_000)] = 4_000_000_000
    urgent_from: Literal["low", "medium", "high", "critical"] = "critical"
    urgent_too: tuple[str, ...] = ()

    @field_validator("urgent_too")
    @classmethod
    def _are_categories(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if strange := [name for name in names if name not in CATEGORIES]:
            raise ValueError(f"no such category: {', '.join(strange)}")
        return names

    @property
    def urgent(self) -> frozenset[str]:
        """The categories that go before all others."""
        least = SEVERITIES.index(self.urgent_from)
        return frozenset(self.urgent_too) | {
            key for key, category in CATEGORIES.items() if SEVERITIES.index(category.severity) >= least
        }


class Uplink(_Section):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    user: str = ""
    password: str = Field(default="", repr=False)
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    resend_s: Positive = 20.0
    in_flight: Annotated[int, Field(ge=1, le=20)] = 8
    month_bytes: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _has_both_halves(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together: give both, or neither")
        return self

    server_key: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class Health(_Section):
    every_s: Annotated[float, Field(ge=10, le=3600)] = 60.0
    prometheus_port: Annotated[int, Field(ge=0, le=65535)] = 0


class Settings(_Section):
    """Everything a vehicle may be told."""

    revision: Annotated[int, Field(ge=0)] = 0
    origin: Literal["camera", "replay", "demo"] = "camera"
    vehicle: Vehicle = Vehicle()
    camera: CameraSource = CameraSource()
    receiver: Receiver = Receiver()
    gate: Gate = Gate()
    detect: Detect = Detect()
    redact: Redact = Redact()
    decide: Decide = Decide()
    evidence: Evidence = Evidence()
    outbox: Outbox = Outbox()
    uplink: Uplink = Uplink()
    health: Health = Health()
    least_probability: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}

    @field_validator("least_probability")
    @classmethod
    def _is_of_categories(cls, least: dict[str, float]) -> dict[str, float]:
        if strange := [name for name in least if name not in CATEGORIES]:
            raise ValueError(f"no such category: {', '.join(strange)}")
        return least


def read_settings(path: Path) -> Settings:
    """Settings of one file. Raises BadSettings with every error, or with what to do if the file is missing."""
    try:
        settings = Settings.model_validate(toml_of(path.read_bytes()))
    except OSError as wrong:
        more = "" if path.exists() else "; docs/edge.toml.example explains every key"
        raise BadSettings(f"{of_file(path, wrong)}{more}") from None
    except ValidationError as wrong:
        raise BadSettings("\n  ".join([f"{path}:", *of_keys(wrong)])) from None
    except ValueError as wrong:
        raise BadSettings(f"{path} cannot be read: {wrong}; docs/edge.toml.example explains every key") from None
    return _from(path.parent.resolve(), settings)


def _from(folder: Path, settings: Settings) -> Settings:
    """The same with relative paths taken from the folder of edge.toml: every verb means the same files, wherever it is started."""
    sections = {
        name: section.model_copy(update={key: folder / value for key, value in section if isinstance(value, Path)})
        for name, section in settings
        if isinstance(section, _Section)
    }
    for name, key, is_file in (
        ("camera", "source", not settings.camera.source.isdigit() and "://" not in settings.camera.source),
        ("detect", "pack", settings.detect.pack not in shipped_packs()),
        ("redact", "pack", settings.redact.pack not in shipped_packs()),
    ):
        if is_file:
            sections[name] = sections[name].model_copy(update={key: str(folder / getattr(sections[name], key))})
    return settings.model_copy(update=sections)
