"""Errors carry three parts, survive pickling, and cover what the system throws."""

from __future__ import annotations

import errno
import pickle

import pytest

from gsv import errors


def test_the_parts_and_the_line() -> None:
    error = errors.InputError("the file a.wav is empty", "it has\n0 bytes", "Record it again.")
    assert str(error) == "the file a.wav is empty: it has 0 bytes. Record it again."
    assert error.as_dict() == {
        "type": "InputError",
        "what": "the file a.wav is empty",
        "why": "it has\n0 bytes",
        "remedy": "Record it again.",
    }
    assert str(errors.DataError("broken")) == "broken"
    assert str(errors.DataError("broken", remedy="Mend it.")) == "broken. Mend it."


@pytest.mark.parametrize(
    "kind", [errors.GsvError, errors.ResourceError, errors.WeightsError, errors.Cancelled]
)
def test_an_error_crosses_processes(kind: type[errors.GsvError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("a", "b", "c")))
    assert type(copy) is kind and copy.as_dict() == kind("a", "b", "c").as_dict()


def test_an_optional_package_names_its_command() -> None:
    assert errors.import_optional("json", "never").loads("1") == 1
    with pytest.raises(errors.DependencyError, match="pip install nothing") as caught:
        errors.import_optional("no_such_package_at_all.sub", "pip install nothing")
    assert "no_such_package_at_all" in caught.value.what


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (errors.DataError("x"), errors.DataError),
        (KeyboardInterrupt(), errors.Cancelled),
        (MemoryError(), errors.ResourceError),
        (OSError(errno.ENOSPC, "No space left on device", "a.bin"), errors.ResourceError),
        (PermissionError(errno.EACCES, "Permission denied", "a.bin"), errors.ResourceError),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.bin"), errors.InputError),
        (ModuleNotFoundError("No module named 'soxr'"), errors.DependencyError),
        (ZeroDivisionError("division by zero"), errors.GsvError),
    ],
)
def test_any_exception_gets_three_parts(raised: BaseException, kind: type[errors.GsvError]) -> None:
    known = errors.as_gsv_error(raised)
    assert type(known) is kind and known.what and "\n" not in str(known)
