"""What does a digest of a data set tell? By the contents of its files, or by their names, sizes and times."""

_LISTING = "listing"  # how a digest of the second kind begins


def listed(names: str, times: str) -> str:
    """Return the digest by the digests of names with sizes, and of times, both in hex."""
    return f"{_LISTING}-{names}-{times}"


def is_listed(digest: str) -> bool:
    """Return whether `digest` is one by names, sizes and times: the files may not have been read."""
    return digest.startswith(f"{_LISTING}-")


def only_times_differ(one: str, other: str) -> bool:
    """Return whether both are digests by names, sizes and times, of which the times alone differ."""
    same = one.rpartition("-")[0] == other.rpartition("-")[0]
    return is_listed(one) and same and one != other
