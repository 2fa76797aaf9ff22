#!/usr/bin/env python3
"""finish.py FOLDER VERSION_TEXT: what a release needs beside its packages, which are in FOLDER: the sources as a tar.gz, a
bill of materials (SPDX 2.3, llmq-VERSION.spdx.json) with a checksum of each file and the libraries that the file
VERSION_TEXT (`llmq --version`) names, and SHA256SUMS over all. The same input gives the same bytes."""

import gzip
import hashlib
import json
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import version  # noqa: E402

LICENSES = {"libuv": "MIT", "cJSON": "MIT", "libcurl": "curl", "date-tz": "MIT", "spdlog": "MIT", "fmt": "MIT",
            "CLI11": "BSD-3-Clause", "libmicrohttpd": "LGPL-2.1-or-later"}


def git(*arguments: str) -> bytes:
    """What git says."""
    return subprocess.run(["git", "-C", version.ROOT, *arguments], check=True, capture_output=True).stdout


def checksum(path: Path) -> str:
    """SHA-256, as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pack_sources(folder: Path, name: str) -> None:
    """The committed tree, without times of today."""
    tar = git("archive", "--format=tar", f"--prefix={name}/", "HEAD")
    (folder / f"{name}.tar.gz").write_bytes(gzip.compress(tar, mtime=0))


def libraries(said: str) -> list:
    """(name, version) of what library and program run on or have in them; not of what libcurl, the last of the library's,
    says that it is made of: that is its build's."""
    found = []
    for name in ("libraries", "program"):
        line = re.search(rf"^{name} (.*)$", said, re.M)
        if line is None:
            sys.exit(f"finish.py: the text of `llmq --version` has no line `{name}`")
        found += [tuple(word.split("/", 1)) for word in re.sub(r"( libcurl/\S+).*", r"\1", line[1]).split()]
    unknown = [name for name, _ in found if name not in LICENSES]
    if unknown:
        sys.exit(f"finish.py: whose licence is not known: {' '.join(unknown)}")
    return found


def bill(folder: Path, name: str, needs: list) -> dict:
    """The SPDX document."""
    made = datetime.fromtimestamp(int(git("log", "-1", "--format=%ct")), timezone.utc)
    release = {"SPDXID": "SPDXRef-llmq", "name": "llmq", "versionInfo": name.removeprefix("llmq-"),
               "licenseDeclared": "MIT", "licenseConcluded": "MIT", "copyrightText": "NOASSERTION",
               "downloadLocation": "NOASSERTION", "filesAnalyzed": False}
    packages, files = [release], []
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                  "relatedSpdxElement": "SPDXRef-llmq"}]
    for library, number in needs:
        ref = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", library)
        packages.append({"SPDXID": ref, "name": library, "versionInfo": number, "downloadLocation": "NOASSERTION",
                         "licenseDeclared": LICENSES[library], "licenseConcluded": "NOASSERTION",
                         "copyrightText": "NOASSERTION", "filesAnalyzed": False})
        relations.append({"spdxElementId": "SPDXRef-llmq", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": ref})
    for number, path in enumerate(sorted(folder.iterdir())):
        files.append({"SPDXID": f"SPDXRef-file-{number}", "fileName": f"./{path.name}", "copyrightText": "NOASSERTION",
                      "licenseConcluded": "MIT",
                      "checksums": [{"algorithm": "SHA256", "checksumValue": checksum(path)},
                                    {"algorithm": "SHA1", "checksumValue": hashlib.sha1(path.read_bytes()).hexdigest()}]})
        relations.append({"spdxElementId": "SPDXRef-llmq", "relationshipType": "CONTAINS",
                          "relatedSpdxElement": f"SPDXRef-file-{number}"})
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": name,
            "documentNamespace": f"urn:llmq:spdx:{name}:{git('rev-parse', 'HEAD').decode().strip()}",
            "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: llmq-release"]},
            "packages": packages, "files": files, "relationships": relations}


def main() -> int:
    """Adds the files to FOLDER."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    folder, name = Path(sys.argv[1]), f"llmq-{version.version_of_header(version.ROOT)}"
    (folder / "SHA256SUMS").unlink(missing_ok=True)
    (folder / f"{name}.spdx.json").unlink(missing_ok=True)
    pack_sources(folder, name)
    document = bill(folder, name, libraries(Path(sys.argv[2]).read_text(encoding="utf-8")))
    (folder / f"{name}.spdx.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    lines = [f"{checksum(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    print("".join(lines), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
