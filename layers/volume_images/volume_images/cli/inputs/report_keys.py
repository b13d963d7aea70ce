"""The reports of runs, found in the store by their days; nothing is decided from them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from volume_images.errors import InputError
from volume_images.protocols import Store
from volume_images.report import Function
from volume_images.run_id import named_at

_DAY = timedelta(days=1)


def report_keys(
    store: Store, functions: tuple[Function, ...], since: datetime, until: datetime
) -> Iterator[str]:
    """Yield the keys of reports, newest first; each day is listed only when it is come to.

    Names of reports begin with the time of their run. Raises StoreError.
    """
    earliest = f"{since:%Y%m%dT%H%M%SZ}"
    day = until.date()
    while day >= since.date():
        found = [key for function in functions for key in store.reports(_folder(function, day))]
        for key in sorted(found, key=_name, reverse=True):
            if _name(key) < earliest:
                return
            yield key
        day -= _DAY


def keys_of_run(run_id: str) -> Iterator[str]:
    """Yield where the report of a run may lie: a run may begin its work a day after it was named.

    Raises InputError for what is no run's id.
    """
    try:
        first = named_at(run_id).date()
    except ValueError as error:
        raise InputError(
            f"{run_id}: not the id of a run, as in 20260302T020500Z-5f0c1a9e:"
            " volume-images runs lists them"
        ) from error
    for day in (first, first + _DAY):
        for function in Function:
            yield f"{_folder(function, day)}/{run_id}.json"


def _folder(function: Function, day: date) -> str:
    return f"reports/{function.role}/{day:%Y/%m/%d}"


def _name(key: str) -> str:
    return key.rpartition("/")[2]
