"""What a tool raises to tell the model something, and what is raised where a tool is written wrongly."""

from __future__ import annotations

from alma.errors import AlmaError


class ToolFault(AlmaError):
    """The call failed in a way that the model can do something about. The message is all that it is told."""

    code = "tool_fault"


class ToolInvalid(AlmaError):
    """The function cannot be a tool: no docstring, a parameter without a type, a name that is taken."""

    code = "tool_invalid"
