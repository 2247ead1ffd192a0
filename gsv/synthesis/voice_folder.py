"""A voice as one folder: `voice.json` with hashes, the weights, the reference clips; and as one zip file.

Knows names, hashes and what may be in a foreign zip. Does not know how a voice was chosen or how it speaks.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gsv.errors import DataError, InputError
from gsv.files import new_folder, read_text, resolve_inside, safe_name, sha256, write_json, writing
from gsv.settings import Workspace
from gsv.synthesis.options import options_from
from gsv.synthesis.voice import Reference, Setting, Voice
from gsv.text.lexicon import Lexicon
from gsv.text.pronunciations import LEXICON

VOICE_FILE = "voice.json"
VOICES = "voices"
_MOST_FILES = 32
_MOST_BYTES = 4 << 30
_ENDINGS = (".json", ".safetensors", ".pth", ".ckpt", ".flac", ".wav", ".ogg", ".opus", ".mp3", ".m4a", ".md")
_BLOCK = 1 << 20


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoredFile(_Strict):
    """A file of the folder, by its path within it."""

    path: str = Field(max_length=300)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class StoredReference(StoredFile):
    """A reference clip with its text."""

    text: str = ""
    language: str = ""


class VoiceRecord(_Strict):
    """The content of voice.json."""

    format: int = Field(default=1, ge=1, le=1)
    name: str
    family: str = ""
    sovits: StoredFile
    gpt: StoredFile
    references: tuple[StoredReference, ...] = ()
    defaults: dict[str, Setting] = Field(default_factory=dict, description="settings it was tested with")
    licence: str = Field(default="", description="under what terms the voice may be used")
    consent: str = Field(default="", description="who agreed to this voice, in a line")
    tested: dict[str, float] = Field(default_factory=dict, description="what the test of the settings gave")


def voices_folder(workspace: Workspace) -> Path:
    """Where the voices of a workspace lie."""
    return workspace.root / VOICES


def list_voices(workspace: Workspace) -> list[Path]:
    """Folders of the workspace's voices, by name."""
    return sorted(file.parent for file in voices_folder(workspace).glob(f"*/{VOICE_FILE}"))


def find_voice(workspace: Workspace, name: Path | str) -> Path:
    """The folder of a voice: a path to it, or its name. Raises InputError where there is none."""
    for folder in (Path(name), voices_folder(workspace) / name):
        if (folder / VOICE_FILE).is_file():
            return folder
    known = ", ".join(folder.name for folder in list_voices(workspace)) or "none yet"
    raise InputError(
        f"there is no voice {str(name)!r}", f"known voices: {known}", "Make one: tools/make_voice.py"
    )


def save_voice(
    folder: Path,
    voice: Voice,
    *,
    family: str = "",
    licence: str = "",
    consent: str = "",
    tested: dict[str, float] | None = None,
) -> Path:
    """Copy a voice with its weights and clips into the new `folder`, which appears complete or not at all.

    Raises InputError where the folder exists or a file is missing.
    """
    options_from(voice.defaults)
    with new_folder(folder) as temporary:
        (temporary / "references").mkdir()
        taken: list[str] = []
        references = []
        for item in voice.references:
            name = safe_name(Path(item.path).name, taken)
            taken.append(name)
            stored = _copied(item.path, temporary, f"references/{name}")
            references.append(StoredReference(**stored.model_dump(), text=item.text, language=item.language))
        record = VoiceRecord(
            name=folder.name,
            family=family,
            sovits=_copied(voice.sovits, temporary, f"sovits{Path(voice.sovits).suffix}"),
            gpt=_copied(voice.gpt, temporary, f"gpt{Path(voice.gpt).suffix}"),
            references=tuple(references),
            defaults=voice.defaults,
            licence=licence,
            consent=consent,
            tested=tested or {},
        )
        write_json(temporary / VOICE_FILE, record.model_dump(mode="json"))
    return folder


def _copied(source: Path, folder: Path, name: str) -> StoredFile:
    if not Path(source).is_file():
        raise InputError(f"there is no file {source}", "", "Check the path.")
    shutil.copyfile(source, folder / name)
    return StoredFile(path=name, sha256=sha256(folder / name))


def read_record(folder: Path) -> VoiceRecord:
    """What voice.json says. Raises InputError where it is missing, DataError where it is damaged."""
    text = read_text(Path(folder) / VOICE_FILE)
    try:
        return VoiceRecord.model_validate(json.loads(text))
    except (ValidationError, ValueError, RecursionError) as error:
        first = str(error).splitlines()[0]
        raise DataError(
            f"{folder}/{VOICE_FILE} is damaged", first, "Export or make the voice again."
        ) from error


def load_voice(folder: Path, verify: bool = True) -> Voice:
    """The voice of a folder. Raises InputError and DataError, naming a file that is missing or was changed."""
    folder = Path(folder)
    record = read_record(folder)
    options_from(record.defaults)
    for stored in (record.sovits, record.gpt, *record.references):
        path = resolve_inside(stored.path, [folder])
        if not path.is_file():
            raise DataError(f"{folder.name} is incomplete", f"{stored.path} is missing", "Import it again.")
        if verify and sha256(path) != stored.sha256:
            raise DataError(
                f"{folder.name} is damaged", f"{stored.path} is not the file that it was", "Import it again."
            )
    return Voice(
        name=record.name,
        sovits=folder / record.sovits.path,
        gpt=folder / record.gpt.path,
        references=tuple(
            Reference(path=folder / item.path, text=item.text, language=item.language)
            for item in record.references
        ),
        defaults=record.defaults,
    )


def rename_voice(folder: Path, name: str) -> Path:
    """Give a voice another name; its new folder. Raises InputError for a bad or taken name."""
    record = read_record(folder)
    target = _new_place(Path(folder).parent, name)
    write_json(Path(folder) / VOICE_FILE, record.model_copy(update={"name": name}).model_dump(mode="json"))
    Path(folder).rename(target)
    return target


def delete_voice(folder: Path) -> None:
    """Remove a voice's folder. Raises InputError for a folder that holds no voice."""
    read_record(folder)
    shutil.rmtree(folder)


def export_voice(folder: Path, output: Path) -> Path:
    """Write a voice as one zip file, with its lexicon where it has one.

    Raises as `load_voice`: a damaged voice is not passed on.
    """
    load_voice(folder)
    record = read_record(folder)
    names = [VOICE_FILE, record.sovits.path, record.gpt.path, *(item.path for item in record.references)]
    names += [LEXICON] if (Path(folder) / LEXICON).is_file() else []
    with (
        writing(Path(output)) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name in names:
            # Equal voices give equal files: the time of a copy says nothing.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            with (
                open(Path(folder) / name, "rb") as source,
                archive.open(entry, "w", force_zip64=True) as target,
            ):
                shutil.copyfileobj(source, target, _BLOCK)
    return Path(output)


def import_voice(archive_path: Path, voices: Path, name: str = "") -> Path:
    """Unpack a voice's zip file into a new folder of `voices`, under its own name or `name`.

    Raises InputError for what is no zip file, a taken name or a lexicon that cannot be read, DataError for entries
    that a voice does not have, that are too large, or that do not match their hashes.
    """
    try:
        with zipfile.ZipFile(archive_path) as archive:
            entries = {_checked(entry): entry for entry in _entries(archive)}
            if VOICE_FILE not in entries:
                raise DataError(f"{Path(archive_path).name} holds no voice", f"{VOICE_FILE} is missing")
            record = VoiceRecord.model_validate(json.loads(archive.read(entries[VOICE_FILE]).decode("utf-8")))
            chosen = name or record.name
            target = _new_place(voices, chosen)
            with new_folder(target) as temporary:
                for path, entry in entries.items():
                    _unpack(archive, entry, temporary / path)
                renamed = record.model_copy(update={"name": chosen})
                write_json(temporary / VOICE_FILE, renamed.model_dump(mode="json"))
                load_voice(temporary)
                Lexicon(temporary / LEXICON).entries()
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{archive_path} cannot be read as a zip file", str(error)) from error
    except (ValidationError, ValueError) as error:
        raise DataError(f"{Path(archive_path).name} holds no voice", str(error).splitlines()[0]) from error
    return target


def _entries(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(files) > _MOST_FILES or sum(entry.file_size for entry in files) > _MOST_BYTES:
        raise DataError("the zip file holds more than a voice has", f"{len(files)} files")
    return iter(files)


def _checked(entry: zipfile.ZipInfo) -> str:
    """The path of an entry if a voice may have such a file: no way out of the folder, no foreign kinds."""
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    parts = path.parts
    good = len(parts) in (1, 2) and all(safe_name(part) == part for part in parts) and not path.is_absolute()
    if good and str(path) == LEXICON:
        return LEXICON
    if not good or path.suffix.lower() not in _ENDINGS or (len(parts) == 2 and parts[0] != "references"):
        raise DataError("the zip file holds something that no voice has", repr(entry.filename)[:100])
    return str(path)


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, open(target, "wb") as file:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise DataError("the zip file is damaged", f"{entry.filename} is longer than it says")
            file.write(block)


def _new_place(voices: Path, name: str) -> Path:
    good = safe_name(name)
    if not name or good != name:
        raise InputError(f"{name!r} cannot name a voice", "", f"Call it for example {good!r}.")
    target = Path(voices) / name
    if target.exists():
        raise InputError(f"there is a voice {name!r} already", "", "Choose another name, or delete that one.")
    return target
