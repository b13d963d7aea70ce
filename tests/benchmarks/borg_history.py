"""Copy a borg repository's one archive under other names and times, as `borg create` writes it.

Run with the Python that borg is installed for, and borg's own environment. Names and times come as
JSON on standard input; the archive that was there goes.
"""

import json
import os
import sys
from datetime import datetime

from borg.helpers import Manifest, msgpack  # type: ignore[import-not-found]
from borg.item import ArchiveItem  # type: ignore[import-not-found]
from borg.logger import setup_logging  # type: ignore[import-not-found]
from borg.repository import Repository  # type: ignore[import-not-found]

setup_logging()
with Repository(os.environ["BORG_REPO"], exclusive=True) as repository:
    manifest, key = Manifest.load(repository, Manifest.NO_OPERATION_CHECK)
    (made,) = manifest.archives.list()
    unpacked = msgpack.unpackb(key.decrypt(made.id, repository.get(made.id)))
    facts = ArchiveItem(internal_dict=unpacked).as_dict()
    del manifest.archives[made.name]
    for name, text in json.load(sys.stdin):
        time = datetime.fromisoformat(text)
        spelled = f"{time:%Y-%m-%dT%H:%M:%S.%f}"
        renamed = {**facts, "name": name, "time": spelled, "time_end": spelled}
        packed = key.pack_and_authenticate_metadata(renamed, context=b"archive")
        archive = key.id_hash(packed)
        repository.put(archive, key.encrypt(packed))
        manifest.archives[name] = (archive, time)
    manifest.write()
    repository.commit(compact=False)
