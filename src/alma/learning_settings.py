"""Settings of learning."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LearningSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    learning: bool = Field(
        default=True,
        description="Whether Alma learns from feedback and from its runs. Off, prompts are what their files say.",
    )
    exploration: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of tasks that may be done otherwise than is believed best, to find out; 0: none. An owner "
        "can say otherwise.",
    )
    lesson_tokens: int = Field(
        default=400,
        ge=0,
        le=100_000,
        description="Tokens of a prompt that learned notes and examples may take; 0: none.",
    )
    kept_mib: int = Field(
        default=276,
        ge=16,
        le=65_536,
        description="Room in MiB that vectors, token counts, answers in memory, and prompts that the embedded model "
        "has read share where Alma learns; it moves to where it spares most.",
    )
    refine_idle_s: float = Field(
        default=300,
        ge=0,
        le=86_400,
        description="After how many seconds without a run memories are refined; 0: only when asked to.",
    )
