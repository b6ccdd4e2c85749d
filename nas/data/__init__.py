"""Which images does a search train and judge on: known data sets and image folders, in one form."""

from nas.data.catalog import NAMES, DataSet, check_test_part, load

__all__ = ["NAMES", "DataSet", "check_test_part", "load"]
