"""Whoever writes a strategy of his own: its ids, its order, its limits, its mistakes."""

import asyncio
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nas
from nas.core.errors import StrategyFailed
from nas.core.types import place_of
from nas.engine.allowance import Allowance
from nas.engine.followed import FILE
from nas.report.verify import faults_of
from nas.runs.checkpoints import folder_of
from nas.strategies.lab import Lab, Program
from tests.engine.outsider import SMALL, all_at_once, draw, in_groups, one_by_one, search
from tests.fakes import ROOT, climb, hills, params

STRATEGIES = [one_by_one, all_at_once, in_groups]
LIMITS: list[dict[str, Any]] = [
    {}, {"max_total_epochs": 50}, {"max_trials": 7, "max_total_epochs": 30}, {"max_trials": 20, "confirm": 1},
]  # fmt: skip
strategies = pytest.mark.parametrize("strategy", STRATEGIES)


def history(folder: Path) -> bytes:
    return (folder / "history.jsonl").read_bytes()


def after(count: int) -> Callable[[nas.Result], bool]:
    """Return a callback that stops the search after so many results."""
    seen = list[nas.Result]()
    return lambda result: seen.append(result) is None and len(seen) == count


# Limits


@strategies
@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_the_limits_end_a_strategy_that_does_not_count(strategy: Program, limits: dict[str, int]) -> None:
    run, most = search(strategy, **limits), {"max_trials": 12, "max_total_epochs": 10**9, **limits}
    assert run.stopped == "limit on trials or epochs"
    assert 0 < len({result.job.trial.id for result in run.trials}) <= most["max_trials"]
    assert run.total_epochs <= most["max_total_epochs"]
    assert bool(run.repetitions) == bool("confirm" in limits and strategy is not all_at_once)  # it trains none fully


@pytest.mark.parametrize("strategy", [all_at_once, in_groups])
def test_what_the_limits_leave_hangs_on_no_order_of_completion(strategy: Program, tmp_path: Path) -> None:
    for workers in (0, 2):
        search(strategy, tmp_path / f"{workers}", workers=workers, max_total_epochs=60)
    assert history(tmp_path / "0") == history(tmp_path / "2")
    assert list(faults_of(tmp_path / "2")) == []


@strategies
def test_a_search_that_was_stopped_goes_on_to_the_same_history_and_then_to_more(
    strategy: Program, tmp_path: Path
) -> None:
    search(strategy, tmp_path / "whole")
    for stops in (3, 8):
        part = search(strategy, tmp_path / "parts", callbacks=[after(stops)])
        assert part.stopped == "callback"
    search(strategy, tmp_path / "parts")
    assert history(tmp_path / "parts") == history(tmp_path / "whole")
    more = search(strategy, tmp_path / "parts", max_trials=20)
    assert history(tmp_path / "parts").startswith(history(tmp_path / "whole"))
    assert len({result.job.trial.id for result in more.trials}) == 20


def test_nothing_beyond_the_limits_is_asked_of_who_trains_elsewhere() -> None:
    with nas.AskTell(hills(), strategy=all_at_once, max_trials=5) as asked:
        jobs = list(iter(asked.ask, None))
        assert len(jobs) == 5 and not asked.done
        for job in reversed(jobs):
            asked.tell(job, {"accuracy": 1.0})
        assert asked.done and asked.ask() is None
    assert asked.close().stopped == "limit on trials or epochs"


KINDS: list[dict[str, Any]] = [
    {"confirm": 2}, {"budget": "hyperband", "confirm": 1}, {"budget": "asha", "confirm": 2}, {"budget": "full"},
    {"strategy": "default"}, {"strategy": "default", "max_trials": 1, "max_total_epochs": 1},
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_our_own_strategies_never_ask_for_more_than_there_is(kind: dict[str, Any], tmp_path: Path) -> None:
    room, refused, has_room = (
        {"max_epochs": 9, "min_epochs": 1, "eta": 3, "offspring": 4},
        list[str](),
        Allowance._has_room,
    )

    def noted(self: Allowance, job: Any) -> bool:
        refused.extend([job.trial.id] * (not has_room(self, job)))
        return has_room(self, job)

    with mock.patch.object(Allowance, "_has_room", noted):
        for limits in ({"max_trials": 10}, {"max_trials": 20}, {"max_total_epochs": 200}):
            nas.search(hills(), climb, run_dir=tmp_path, **{**room, **limits, **kind})
    assert refused == []


# Ids and their order


TEXTS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=200)


@given(st.lists(TEXTS | st.sampled_from(["a/b", "..", "A", "a", "~", "g0.b0.0", "trial-x", "con"]), unique=True))
def test_every_trial_has_a_folder_of_its_own_with_a_safe_name(ids: list[str]) -> None:
    names = {folder_of(trial_id).lower() for trial_id in ids}
    assert len(names) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9_.-]{1,100}", name) and name.strip(".") for name in names)
    assert all((Path("/run/checkpoints") / name).resolve().parent == Path("/run/checkpoints") for name in names)


def test_an_id_that_says_its_order_is_the_name_of_its_folder_as_before() -> None:
    assert [folder_of("g3.b1.7"), folder_of("g3.b1.7.r2")] == ["g3.b1.7", "g3.b1.7.r2"]


@strategies
def test_checkpoints_lie_in_the_run_and_the_history_is_in_order(strategy: Program, tmp_path: Path) -> None:
    places = set[Path]()

    def watched(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        places.add(job["checkpoint"].parents[1])
        return climb(config, **job)

    run = search(strategy, tmp_path / "run", watched)
    assert {place.parent for place in places} == {tmp_path / "run/checkpoints"}
    assert len(places) == len({result.job.trial.id for result in run.trials})
    assert sorted(run.trials, key=place_of) == run.trials
    assert not (tmp_path / "run/checkpoints").exists()


def test_without_an_order_trials_stand_as_they_were_made_and_else_as_it_says() -> None:
    async def strategy(lab: Lab) -> None:
        names = {"z": None, "a": None, "late": (7, 1), "early": (7, 0), "g9.b0.0": None}
        trials = [lab.trial(name, draw(lab, name), order=order) for name, order in names.items()]
        for epochs in (1, 9):
            for trial in reversed(trials):
                await lab.train(trial, epochs)
        assert [place_of(result) for result in lab.results] == sorted(map(place_of, lab.results))

    run = search(strategy)
    assert [(result.job.trial.id, result.epochs) for result in run.trials] == [
        ("z", 1), ("z", 9), ("a", 1), ("a", 9), ("early", 1), ("late", 1), ("early", 9), ("late", 9),
        ("g9.b0.0", 1), ("g9.b0.0", 9),
    ]  # fmt: skip


BAD: dict[str, Callable[[Lab], Any]] = {
    "another configuration|its own id": lambda lab: [lab.trial("a", draw(lab, name)) for name in ("x", "y")],
    "1 to 200 printable": lambda lab: lab.trial("", draw(lab, "x")),
    "200 printable": lambda lab: lab.trial("x" * 201, draw(lab, "x")),
    "printable characters": lambda lab: lab.trial("a\nb", draw(lab, "x")),
    "would be a repetition": lambda lab: lab.trial("a.r1", draw(lab, "x")),
    "made by repeat, would be": lambda lab: lab.trial("a", draw(lab, "x"), "repeat", ("b",)),
    "whole numbers from 0 on": lambda lab: lab.trial("a", draw(lab, "x"), order=(1, -1)),
    "tuple of whole numbers": lambda lab: lab.trial("a", draw(lab, "x"), order=3),  # type: ignore[arg-type]
    "the space has no hyperparameter dept, did you mean depth": lambda lab: lab.trial("a", {"dept": 3}),
    "'a' breaks params<=20": lambda lab: lab.trial("a", {"depth": 1, "width0": 21} | ONE),
}
ONE = {"optimizer": "adam", "rate": 0.1}


@pytest.mark.parametrize("told", BAD)
def test_what_cannot_be_a_trial_is_told_in_a_line(told: str, tmp_path: Path) -> None:
    async def strategy(lab: Lab) -> None:
        await lab.train(lab.trial("fine", {"depth": 1, "width0": 20} | ONE), 9)
        BAD[told](lab)

    cheap = {"measure": {"params": params}, "constraints": ["params<=20"]} if "breaks" in told else {}
    with pytest.raises(nas.UserError, match=told) as caught:
        search(strategy, **cheap)
    assert not isinstance(caught.value, StrategyFailed) and "\n" not in str(caught.value)


WRONG: dict[str, Callable[[Lab, nas.Trial, nas.Trial], Any]] = {
    "takes a trial, as lab.trial returns it, not str": lambda lab, *_: lab.train("a", 9),  # type: ignore[arg-type]
    "'b' is not of this lab": lambda lab, one, other: lab.train(type(one)("b", one.config, 0, order=(1,)), 9),
    "'one' has had 3 of 9 epochs: it cannot be trained to 10": lambda lab, one, _: lab.train(one, 10),
    "cannot be trained to 2": lambda lab, one, _: lab.train(one, 2),
    "epochs is 'many', but must be a whole": lambda lab, one, _: lab.train(one, "many"),  # type: ignore[arg-type]
    "'one' was dropped": lambda lab, one, _: [lab.drop(one), lab.train(one, 9)][1],
    "'other' is in training": lambda lab, _, other: asyncio.gather(lab.train(other, 3), lab.train(other, 9)),
}


@pytest.mark.parametrize("told", WRONG)
def test_what_cannot_be_trained_is_told_in_a_line(told: str) -> None:
    async def strategy(lab: Lab) -> None:
        one, other = (lab.trial(name, draw(lab, name)) for name in ("one", "other"))
        await lab.train(one, 3)
        await WRONG[told](lab, one, other)

    with pytest.raises(nas.UserError, match=told):
        search(strategy)


def test_the_same_asked_for_again_comes_back_and_what_failed_is_not_trained_on() -> None:
    def stumble(config: dict[str, Any], *, epochs: int, **job: Any) -> dict[str, Any]:
        calls.append(epochs)
        if config["depth"] == 2:
            raise ValueError("two is too many")
        return {"accuracy": 1.0}

    async def strategy(lab: Lab) -> None:
        values = {"width0": 1, "depth": 1} | ONE
        fine, bad = lab.trial("fine", values), lab.trial("bad", {**values, "depth": 2, "width1": 1})
        assert lab.trial("fine", dict(reversed(values.items()))) is fine and lab.taken(fine.config)
        results = [await lab.train(trial, epochs) for trial in (fine, bad) for epochs in (3, 3, 9)]
        assert results[0] is results[1] and results[3] is results[4] is results[5]
        assert results[3].status is nas.Status.CRASHED

    calls = list[int]()
    search(strategy, train=stumble)
    assert calls == [3, 9, 3]


def test_a_run_that_goes_on_with_other_draws_is_told(tmp_path: Path) -> None:
    def guess(name: str) -> Program:
        async def strategy(lab: Lab) -> None:
            await lab.train(lab.trial("a", draw(lab, name)), 9)

        return strategy

    search(guess("x"), tmp_path)
    with pytest.raises(nas.UserError, match=r"trial 'a' is .*, but was .* before"):
        search(guess("y"), tmp_path)
    assert search(guess("x"), tmp_path).best


# Mistakes


async def fails_at_once(lab: Lab) -> None:
    {}["nowhere"]


async def fails_in_a_group(lab: Lab) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(lab.train(lab.trial("a", draw(lab, "a")), 9))
        group.create_task(fails_later(lab))


async def fails_later(lab: Lab) -> None:
    await lab.train(lab.trial("b", draw(lab, "b")), 9)
    raise ZeroDivisionError("one\nover none")


async def fails_by_an_argument(lab: Lab) -> None:
    lab.trial("a", draw(lab, "a"), parents=3)  # type: ignore[arg-type]


async def fails_in_a_library(lab: Lab) -> None:
    await asyncio.gather(lab.train(lab.trial("b", draw(lab, "b")), 9))
    re.compile("(")


MISTAKES = {
    fails_by_an_argument: "TypeError",
    fails_at_once: "KeyError",
    fails_in_a_group: "ZeroDivisionError",
    fails_in_a_library: "error",
}


@pytest.mark.parametrize("strategy", MISTAKES)
def test_a_mistake_of_a_strategy_is_told_in_a_line_and_the_search_goes_on_once_it_is_mended(
    strategy: Program, tmp_path: Path
) -> None:
    with pytest.raises(StrategyFailed) as caught:
        search(strategy, tmp_path)
    told, kind = str(caught.value), MISTAKES[strategy]  # type: ignore[index]
    place = re.search(rf"the strategy mine failed at (.*), line (\d+): {kind}: .*traceback", told)
    assert place and place[1] == __file__ and "\n" not in told and caught.value.exit_status == 2
    mistake = Path(__file__).read_text().splitlines()[int(place[2]) - 1].strip()
    assert mistake.partition("  #")[0] in (
        'lab.trial("a", draw(lab, "a"), parents=3)',
        '{}["nowhere"]',
        'raise ZeroDivisionError("one\\nover none")',
        're.compile("(")',
    )
    assert mistake in (tmp_path / FILE).read_text() and str(tmp_path / FILE) in told
    kept = (tmp_path / "journal.jsonl").read_bytes()

    async def mended(lab: Lab) -> None:
        for name in ("a", "b"):
            await lab.train(lab.trial(name, draw(lab, name)), 9)

    assert len(search(mended, tmp_path).trials) == 2
    assert (tmp_path / "journal.jsonl").read_bytes().startswith(kept)


PROGRAM = """
async def mine(lab):
    for number in range(9):
        config = lab.space.get_default_configuration()
        config["rate"] = 1 / (number + 1)
        await lab.train(lab.trial(f"no. {number}", config), 9)
        print(LINE)
"""


def test_a_strategy_in_a_file_is_mended_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, asked = tmp_path / "own.py", {**SMALL, "strategy": f"{tmp_path / 'own.py'}:mine", "run_dir": tmp_path / "run"}
    file.write_text(PROGRAM.replace("LINE", "5 // (3 - number)"))
    with pytest.raises(StrategyFailed, match=rf"the strategy {file}:mine failed at {file}, line 7: ZeroDivisionError"):
        nas.search(hills(), climb, **asked)
    file.write_text(PROGRAM.replace("LINE", ""))
    assert len(nas.search(hills(), climb, **asked).trials) == 9
    assert f"the strategy has changed since {tmp_path / 'run'} was begun" in caplog.text


def test_without_a_folder_the_line_says_where_and_the_error_is_its_cause() -> None:
    with pytest.raises(StrategyFailed, match=r"KeyError: 'nowhere'$") as caught:
        search(fails_at_once)
    assert isinstance(caught.value.__cause__, KeyError)


def test_what_is_no_coroutine_is_told() -> None:
    def plain(lab: Lab) -> None: ...
    async def generating(lab: Lab) -> Any:
        yield lab

    async def curious(lab: Lab, more: int) -> None: ...

    for strategy in (plain, generating, curious):
        with pytest.raises(nas.UserError, match=r"write async def mine\(lab\)"):
            search(strategy)  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", [all_at_once, in_groups])
def test_what_a_callback_raises_is_not_the_strategys(strategy: Program) -> None:
    def fail(result: nas.Result) -> None:
        raise LookupError("nobody is there")

    with pytest.raises(LookupError, match="nobody is there") as caught:
        search(strategy, callbacks=[fail])
    assert "fail" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]


def test_the_strategy_of_the_manual_does_as_it_says() -> None:
    pages = re.findall(r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text("utf-8"), re.DOTALL)
    (program,) = (page for page in pages if "async def" in page)
    names: dict[str, Any] = {"nas": nas, "space": hills(), "train": climb}
    exec(program, names)
    assert names["run"].stopped == "limit on trials or epochs"
    assert {result.epochs for result in names["run"].trials} == {3, 50}


def test_strategies_know_nothing_of_the_engine() -> None:
    for path in (ROOT / "nas/strategies").glob("*.py"):
        assert "nas.engine" not in path.read_text(), path
