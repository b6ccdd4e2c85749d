"""Which images does a search train and judge on: known data sets and image folders, in one form."""

from nas.data.catalog import check_test_part, load, sources

__all__ = ["check_test_part", "load", "sources"]
