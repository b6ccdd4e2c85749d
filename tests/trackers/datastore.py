"""What did W&B write into an offline run? Its .wandb file read back, an internal format of version 0.24 to 0.31."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HEADER, _BLOCK, _FRAME = 7, 32768, struct.Struct("<IHB")  # LevelDB's log: checksum, length, type of a chunk
_LAST = (1, 4)  # types of a chunk that ends its record: whole, or the last of several


def offline_runs(folder: Path) -> list[list[Any]]:
    """Return the records of each offline run below RUN/wandb, in the order of their beginning."""
    files = sorted(folder.glob("wandb/offline-run-*/*.wandb"), key=lambda path: path.stat().st_mtime)
    return [list(_records(path)) for path in files]


def run_id(records: list[Any]) -> str:
    return str(next(record.run.run_id for record in records if record.HasField("run")))


def steps(records: list[Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return each step with what was logged there."""
    logged = []
    for record in records:
        if record.HasField("history"):
            items = {
                (item.key or "/".join(item.nested_key)): json.loads(item.value_json) for item in record.history.item
            }
            logged.append((int(items.get("_step", record.history.step.num)), items))
    return logged


def summary(records: list[Any]) -> dict[str, Any]:
    """Return the summary that was set, without what W&B derives from the history."""
    updates = (item for record in records if record.HasField("summary") for item in record.summary.update)
    return {(item.key or "/".join(item.nested_key)): json.loads(item.value_json) for item in updates}


def config(records: list[Any]) -> dict[str, Any]:
    """Return the configuration that the run began with."""
    first = next(record.run.config for record in records if record.HasField("run"))
    return {(item.key or "/".join(item.nested_key)): json.loads(item.value_json) for item in first.update}


def artifacts(records: list[Any]) -> dict[str, list[str]]:
    """Return the paths in each artifact, by its type."""
    found = [record.request.log_artifact.artifact for record in records if record.HasField("request")]
    found += [record.artifact for record in records if record.HasField("artifact")]
    return {each.type: sorted(entry.path for entry in each.manifest.contents) for each in found}


def _records(path: Path) -> Iterator[Any]:
    from wandb.proto.wandb_internal_pb2 import Record

    data, position, parts = path.read_bytes(), _HEADER, b""
    while position + _FRAME.size <= len(data):
        room = _BLOCK - position % _BLOCK
        if room < _FRAME.size:
            position += room
            continue
        _, length, kind = _FRAME.unpack_from(data, position)
        position += _FRAME.size
        parts += data[position : position + length]
        position += length
        if kind in _LAST:
            record = Record()
            record.ParseFromString(parts)
            yield record
            parts = b""
