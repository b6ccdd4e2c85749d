"""A stage is closed in order, whenever Ctrl-C came."""

import asyncio
import signal

import pytest

from nas.engine.outside import Stage


def test_ctrl_c_just_when_a_wait_is_over_leaves_nothing_behind() -> None:
    """Then the loop is told to stop, but is not running any more: that must not stop what closes it."""
    put_away = list[str]()

    async def search() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            put_away.append("all")
        return "done"

    stage = Stage(search())
    loop = stage._loop
    resting = loop.until_work

    async def interrupted(*asked: object) -> None:
        await resting(stage._task, resting=True)
        loop.call_soon(signal.raise_signal, signal.SIGINT)  # comes before the loop is told that the wait is over

    loop.until_work = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        stage.run(lambda: None)
    stage.close()
    assert put_away == ["all"]
