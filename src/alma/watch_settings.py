"""Settings of what is logged, measured, watched and told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from alma.setting_checks import HttpAddress, MailServer, Names


class WatchSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="How the log is printed: `auto` is console in a terminal and JSON elsewhere."
    )
    log_file: bool = Field(default=True, description="Whether the log is also kept as JSON, in the data folder's logs.")
    log_mib: int = Field(default=16, ge=1, le=4096, description="Size at which a log file is put away, in MiB.")
    log_days: float = Field(default=14, ge=0.01, le=3650, description="How long log files are kept, in days.")
    sentry_dsn: SecretStr | None = Field(
        default=None, description="Where errors are sent too: a DSN of Sentry or of what speaks its protocol."
    )
    trace_url: HttpAddress | None = Field(
        default=None, description="Where traces are sent: the address of an OpenTelemetry collector (OTLP over HTTP)."
    )
    trace_prompts: bool = Field(
        default=False, description="Whether traces have the words of prompts and answers, not only their sizes."
    )
    metrics: bool = Field(default=True, description="Whether figures are taken: dashboard, /metrics, alerts, reports.")
    metrics_days: float = Field(default=7, ge=0.01, le=366, description="How long figures are kept, in days.")
    min_disk_mib: int = Field(
        default=500, ge=0, le=1_000_000, description="Free disk space below which health is degraded, in MiB."
    )
    alerts_file: Path = Field(
        default=Path("alerts.toml"), description="File with rules for alerts of your own; it need not exist."
    )
    alert_webhook: HttpAddress | None = Field(
        default=None, description="Where alerts are posted as JSON when they begin and end."
    )
    alert_mail: Names = Field(default=[], description="Addresses that are sent alerts by e-mail.")
    smtp_url: MailServer | None = Field(default=None, description="Mail server that takes these e-mails.")
    smtp_from: str = Field(default="alma@localhost", description="Sender of these e-mails.")
    report_hour: int = Field(
        default=6, ge=-1, le=23, description="Hour (UTC) at which the report of the day before is made; -1: never."
    )
