"""Which images does a search train and judge on: known data sets and image folders, in one form."""

from nas.data.catalog import NAMES, DataSet, load, test_contents

__all__ = ["NAMES", "DataSet", "load", "test_contents"]
