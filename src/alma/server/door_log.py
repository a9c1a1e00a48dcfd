"""What is refused at the doors, in the log: of one caller and kind a line at once, then one a minute with how often."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from alma.observability.logs import fields
from alma.security.caller import Caller

log = logging.getLogger(__name__)
_PAUSE_S = 60.0  # between two lines of the same
_MOST = 500  # callers and kinds that are told apart; what all others do is counted together
_Key = tuple[str, Caller]
_OTHERS = Caller("", address="other addresses")


class DoorLog:
    """`note` needs a running event loop, and does not wait."""

    def __init__(self) -> None:
        self._more: Counter[_Key] = Counter()  # since it was last said, of what was said less than a pause ago

    def note(self, code: str, caller: Caller) -> None:
        """`code`: of what the caller was refused with."""
        key = code, caller
        if key not in self._more and len(self._more) >= _MOST:
            key = code, _OTHERS
        if key in self._more:
            self._more[key] += 1
            return
        self._more[key] = 0
        _say(key, 1)
        asyncio.get_running_loop().call_later(_PAUSE_S, self._again, key)

    def flush(self) -> None:
        """Say now what was not said yet."""
        for key, times in self._more.items():
            if times:
                _say(key, times)
                self._more[key] = 0

    def _again(self, key: _Key) -> None:
        times = self._more.pop(key)
        if times:
            self._more[key] = 0
            _say(key, times)
            asyncio.get_running_loop().call_later(_PAUSE_S, self._again, key)


def _say(key: _Key, times: int) -> None:
    code, caller = key
    often = "" if times == 1 else f", {times:,} times"
    said = fields(code=code, times=times, address=caller.address, owner=caller.owner, token_name=caller.name)
    log.warning("Refused %s: %s%s", caller, code.replace("_", " "), often, extra=said)
