"""Files made to harm who opens them: XML bombs, outside entities, path tricks, decompression bombs, bottomless nesting.

    python benchmarks/unsafe.py --work DIR

Each is handed to ``ontograft ingest`` as a user would, in a process whose seconds and memory are measured. It must end with a named error
that says which file, or (where the trick is inert) be loaded without it; what lies outside of the file must not get into the store or the
message; nothing may be written outside; no traceback, no crash, no more than MOST_SECONDS of the processor and MOST_MIB.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import json
import lzma
import os
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ontograft.jobs.provenance import provenance

RESULT = Path(__file__).parent / "results" / "unsafe.json"
COMMAND = str(Path(sys.executable).parent / "ontograft")
MOST_SECONDS, MOST_MIB = 60, 1500
OWL, SUB_CLASS_OF = "http://www.w3.org/2002/07/owl#", "http://www.w3.org/2000/01/rdf-schema#subClassOf"
XINCLUDE = "http://www.w3.org/2001/XInclude"
CANARY = b"canarysecret"
# A document of every XML reader, with a place for a document type and for a text.
XML = {
    "owl": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#">'
    '<rdfs:Class rdf:about="urn:x"><rdfs:label>{}</rdfs:label></rdfs:Class></rdf:RDF>',
    "mesh": "<DescriptorRecordSet><DescriptorRecord><DescriptorUI>D000001</DescriptorUI>"
    "<DescriptorName><String>{}</String></DescriptorName>"
    "</DescriptorRecord></DescriptorRecordSet>",
    "icd10cm": '<ICD10CM.tabular><version>1</version><chapter><name>1</name><desc>One</desc><section id="A00-A09"><desc>Two</desc>'
    "<diag><name>A00</name><desc>{}</desc></diag></section></chapter></ICD10CM.tabular>",
    "uslm": '<uscDoc xmlns="http://xml.house.gov/schemas/uslm/1.0"><main><title identifier="/us/usc/t1">'
    '<section identifier="/us/usc/t1/s1">'
    '<num value="1">1</num><heading>{}</heading></section></title></main></uscDoc>',
    "akn": '<akomaNtoso xmlns="http://www.akomantoso.org/2.0"><act><meta><identification source="#x">'
    '<FRBRWork><FRBRuri value="/akn/x/act/1"/>'
    '</FRBRWork><FRBRExpression><FRBRuri value="/akn/x/act/1/eng"/></FRBRExpression></identification></meta><body><section id="s1">'
    "<num>1</num><heading>{}</heading><content><p>Text</p></content></section></body></act></akomaNtoso>",
    "trix": '<TriX xmlns="http://www.w3.org/2004/03/trix/trix-1/"><graph><triple><uri>urn:x</uri><uri>http://www.w3.org/2000/01/rdf-schema#label'
    "</uri><plainLiteral>{}</plainLiteral></triple></graph></TriX>",
}
TERM = b"format-version: 1.2\nontology: x\n\n[Term]\nid: X:1\nname: one\n"
TTL = b"<urn:x> a <http://www.w3.org/2002/07/owl#Class> ; <http://www.w3.org/2000/01/rdf-schema#label> "
LEVELS = "".join(f'<!ENTITY {c} "{("&" + q + ";") * 10}">' for q, c in zip("abcdefgh", "bcdefghi", strict=True))


class Case:
    """One file: refused for certain (``safe`` is False), or loaded at best without its trick."""

    def __init__(self, name: str, format_: str, path: Path, *, safe: bool = False) -> None:
        self.name, self.format, self.path, self.safe = name, format_, path, safe


def xml_cases(work: Path, canary: Path) -> Iterator[Case]:
    """Tricks with XML, on every reader of it."""
    dtd = work / "outside.dtd"
    dtd.write_text(f'<!ENTITY x "{CANARY.decode()}">')
    deep = [("deep 200", 200), ("deep 1,500", 1500), ("deep 100,000", 100_000)]
    for reader, document in XML.items():
        name = document[1:].split(" ")[0].split(">")[0]

        def made(kind: str, doctype: str, text: str, *, safe: bool = False) -> Case:
            folder = work / f"{reader}-{kind.replace(' ', '-').replace(',', '')}"  # noqa: B023 - used at once
            folder.mkdir()
            path = folder / f"x.{ {'owl': 'rdf', 'trix': 'trix'}.get(reader, 'xml') }"  # noqa: B023
            path.write_text('<?xml version="1.0"?>\n' + (f"<!DOCTYPE {name} {doctype}>" if doctype else "") + document.format(text))  # noqa: B023
            return Case(f"{reader}: {kind}", "owl" if reader == "trix" else reader, path, safe=safe)  # noqa: B023

        yield made("entity bomb", f'[<!ENTITY a "aaaaaaaaaa">{LEVELS}]', "&i;")
        yield made("quadratic entity bomb", f'[<!ENTITY a "{"a" * 100_000}">]', "&a;" * 20_000)
        yield made("entity of itself", '[<!ENTITY a "&b;"><!ENTITY b "&a;">]', "&a;")
        yield made("external entity", f'[<!ENTITY x SYSTEM "{canary.as_uri()}">]', "&x;")
        yield made("external DTD", f'SYSTEM "{dtd.as_uri()}"', "&x;", safe=True)
        yield made("external parameter entity", f'[<!ENTITY % p SYSTEM "{dtd.as_uri()}"> %p;]', "&x;")
        yield made("entity bomb in an attribute", f'[<!ENTITY a "aaaaaaaaaa">{LEVELS}]', '<i x="&i;"/>')
        yield made(
            "XInclude",
            "",
            f'<i xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include parse="text" href="{canary.as_uri()}"/></i>',
            safe=True,
        )
        yield made("huge attribute", "", f'<i x="{"a" * 50_000_000}"/>', safe=True)
        yield made("huge text", "", "a" * 50_000_000, safe=True)
        yield made("many attributes", "", "<i " + " ".join(f'a{n}="1"' for n in range(200_000)) + "/>", safe=True)
        for kind, depth in deep:
            yield made(kind, "", "<i>" * depth + "x" + "</i>" * depth, safe=True)
    nested = "".join("<diag><name>A00</name><desc>d</desc>" for n in range(1500)) + "</diag>" * 1500
    path = work / "nested.xml"
    path.write_text(XML["icd10cm"].format("x").replace("</diag>", nested + "</diag>"))
    yield Case("icd10cm: codes in codes", "icd10cm", path, safe=True)
    nested = "".join(f'<subsection identifier="/us/usc/t1/s1/{n}">' for n in range(1500)) + "</subsection>" * 1500
    path = work / "levels.xml"
    path.write_text(XML["uslm"].format("x").replace("</section>", nested + "</section>"))
    yield Case("uslm: levels in levels", "uslm", path, safe=True)
    nested = "".join(f'<part id="p{n}">' for n in range(1500)) + "</part>" * 1500
    path = work / "parts.xml"
    path.write_text(XML["akn"].format("x").replace("</section>", "</section>" + nested))
    yield Case("akn: parts in parts", "akn", path, safe=True)
    restrictions = "<rdfs:subClassOf><rdfs:Class>" * 30_000 + "</rdfs:Class></rdfs:subClassOf>" * 30_000
    path = work / "restrictions.rdf"
    path.write_text(XML["owl"].format("x").replace("</rdfs:Class>", restrictions + "</rdfs:Class>"))
    yield Case("owl: classes in classes", "owl", path, safe=True)


def text_cases(work: Path, canary: Path) -> Iterator[Case]:
    """Tricks with other syntaxes."""
    files: dict[str, tuple[str, bytes, bool]] = {
        "deep.ttl": ("owl", TTL + b"[ <urn:p> " * 100_000 + b"1" + b" ]" * 100_000 + b" .", True),
        "list.ttl": ("owl", TTL + b"(" * 100_000 + b")" * 100_000 + b" .", True),
        "quoted.ttl": ("owl", b"<< " * 100_000 + TTL + b'"x"' + b" >>" * 100_000, True),
        "laughs.ttl": ("owl", _laughs("intersectionOf"), True),
        "laughs of unions.ttl": ("owl", _laughs("unionOf"), True),
        "deep.n3": ("owl", b"{" * 20_000 + TTL + b'"x"' + b"}" * 20_000 + b" <urn:p> 1 .", True),
        "long.nt": ("owl", TTL.replace(b" ; ", b" .\n<urn:x> ") + b'"' + b"x" * 100_000_000 + b'" .\n', True),
        "deep.jsonld": ("owl", b'{"@id": "urn:x", "urn:p": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", True),
        "deeper.jsonld": ("owl", b'{"@id": "urn:x", "urn:p": ' * 400 + b"1" + b"}" * 400, True),
        "number.jsonld": ("owl", b'{"@id": "urn:x", "urn:p": ' + b"9" * 100_000 + b"}", True),
        "remote.jsonld": ("owl", json.dumps({"@context": canary.as_uri(), "@id": "urn:x"}).encode(), False),
        "imported.jsonld": ("owl", json.dumps({"@context": {"@import": canary.as_uri()}, "@id": "urn:x"}).encode(), False),
        "line.obo": ("obo", TERM + b"def: " + b"x" * 100_000_000 + b"\n", True),
        "braces.obo": ("obo", TERM + b'def: "x" ' + b"[" * 1_000_000 + b"\n", True),
        "backslashes.obo": ("obo", TERM + b'def: "' + b"\\" * 1_000_001 + b"\n", True),
        "xrefs.obo": ("obo", TERM + b'synonym: "x" EXACT [' + b"a:b, " * 300_000 + b"\n", True),
        "columns.sssom.tsv": (
            "sssom",
            b"subject_id\tpredicate_id\tobject_id" + b"\tx" * 1_000_000 + b"\nA:1\tskos:exactMatch\tB:1\n",
            True,
        ),
        "law.md": ("cn-law", "# 甲法\n".encode() + "第一条　".encode() + "第一条第一款".encode() * 300_000 + b"\n", True),
        "number.md": ("cn-law", "# 甲法\n第一条　甲。\n第".encode() + "九".encode() * 1_000_000 + "条　乙。\n".encode(), True),
    }
    for name, (format_, content, safe) in files.items():
        path = work / name
        path.write_bytes(content)
        yield Case(f"{format_}: {name}", format_, path, safe=safe)


def _laughs(join: str) -> bytes:
    """Class expressions that each hold the next one ten times: a hundred lines, ten billion members."""
    lines = [f"_:b{n} <{OWL}{join}> ({f'_:b{n + 1} ' * 10}) .\n" for n in range(12)]
    lines += [f"_:b12 a <{OWL}Class> ; <{OWL}{join}> (<urn:y> <urn:z>) .\n<urn:x> a <{OWL}Class> ; <{SUB_CLASS_OF}> _:b0 ."]
    return "".join(lines).encode()


def archive_cases(work: Path) -> Iterator[Case]:
    """Paths that lead out of an archive, and what is no plain file."""
    for kind, name in (
        ("parent", "../evil.obo"),
        ("parent within", "a/../../evil.obo"),
        ("absolute", str(work / "evil.obo")),
        ("backslash", "..\\evil.obo"),
        ("drive", "C:\\evil.obo"),
    ):
        path = work / f"zip {kind}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("good.obo", TERM)
            archive.writestr(name, TERM)
        yield Case(f"zip: {kind}", "obo", path)
        path = work / f"lone zip {kind}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, TERM)
        yield Case(f"zip of one file: {kind}", "obo", path)
        path = work / f"tar {kind}.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.size = len(TERM)
            tar.addfile(info, io.BytesIO(TERM))
        yield Case(f"tar: {kind}", "obo", path)
    path = work / "zip link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.obo")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(work / "canary"))
        archive.writestr("good.obo", TERM)
    yield Case("zip: link", "obo", path)
    path = work / "zip twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for _ in range(2):
            archive.writestr("good.obo", TERM)
    yield Case("zip: a file twice", "obo", path)
    for kind, type_ in (("link", tarfile.SYMTYPE), ("hard link", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE), ("pipe", tarfile.FIFOTYPE)):
        path = work / f"tar {kind}.tar"
        with tarfile.open(path, "w") as tar:
            info = tarfile.TarInfo("link.obo")
            info.type, info.linkname, info.devmajor, info.devminor = type_, str(work / "canary"), 1, 5
            tar.addfile(info)
        yield Case(f"tar: {kind}", "obo", path)
    path = work / "tar folder link.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("out")
        info.type, info.linkname = tarfile.SYMTYPE, str(work)
        tar.addfile(info)
        info = tarfile.TarInfo("out/evil.obo")
        info.size = len(TERM)
        tar.addfile(info, io.BytesIO(TERM))
    yield Case("tar: through a link", "obo", path)


def decompression_cases(work: Path) -> Iterator[Case]:
    """A few kilobytes that become gigabytes."""
    import zstandard

    block = b"\0" * (16 << 20)
    zeros: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress,
        "xz": lzma.compress,
        "bz2": bz2.compress,
        "zst": zstandard.ZstdCompressor(level=19).compress,
    }
    for suffix, compress in zeros.items():
        for name, format_ in (("x.obo", "obo"), ("x.ttl", "owl"), ("x.nt", "owl"), ("x.tar", "owl")):
            path = work / f"{name}.{suffix}"
            path.write_bytes(compress(block) * 250)  # 4 GiB
            yield Case(f"{suffix} bomb as {name}", format_, path)
    path = work / "frame.obo.zst"
    path.write_bytes(_zstd_frame(2 << 30))
    yield Case("zst bomb of one frame", "obo", path)
    for name, format_ in (("x.obo", "obo"), ("x.ttl", "owl"), ("MRCONSO.RRF", "rrf")):
        path = work / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as out:
            for _ in range(64):
                out.write(block)
        yield Case(f"zip bomb as {name}", format_, path)
    path = work / "many.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(100):
            archive.writestr(f"{n}.ttl", block)
    yield Case("zip bomb of many files", "owl", path)
    path = work / "members.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(110_000):
            archive.writestr(f"{n}.ttl", b"")
    yield Case("zip of 110,000 files", "owl", path)
    path = work / "lies.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.obo", TERM + b" " * 1_000_000)
        archive.writestr("y.obo", TERM)
    raw = path.read_bytes()
    path.write_bytes(raw.replace((len(TERM) + 1_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    yield Case("zip that lies about a size", "obo", path)


def _zstd_frame(size: int) -> bytes:
    """One frame of blocks that each repeat a byte 128 KiB times: four bytes a block (RFC 8878, 3.1.1.2)."""
    blocks = size >> 17
    frame = bytearray((0xFD2FB528).to_bytes(4, "little") + bytes([0, (17 - 10) << 3]))
    for n in range(blocks):
        frame += ((n == blocks - 1) | (1 << 1) | ((1 << 17) << 3)).to_bytes(3, "little") + b"\0"
    return bytes(frame)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _peak(process: int) -> int:
    """Peak memory of a running process in MiB (what ``wait4`` says begins with the memory of the process that started it)."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def tried(case: Case, work: Path) -> dict[str, Any]:
    """What became of one file."""
    store = work / "store" / "kg.db"
    store.parent.mkdir(exist_ok=True)
    before = _names(work) | _names(work.parent)
    command = [
        COMMAND,
        "ingest",
        str(case.path),
        "--format",
        case.format,
        "--name",
        "m",
        "--release",
        "1",
        "--store",
        str(store),
        "--lenient",
    ]
    began, mib = time.monotonic(), 0
    with (work / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, "TMPDIR": str(work / "tmp")})
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            mib = max(mib, _peak(process.pid))
            if time.monotonic() - began > 10 * MOST_SECONDS:
                process.kill()
            time.sleep(0.02)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds, text = usage.ru_utime + usage.ru_stime, (work / "said").read_bytes()
    stored = b"".join(file.read_bytes() for file in store.parent.glob("*"))
    for file in store.parent.glob("*"):
        file.unlink()
    faults = []
    if process.returncode not in (0, 1, 3):
        faults.append(f"exit status {process.returncode}")
    if b"Traceback" in text or b"unexpected" in text:
        faults.append("unexpected error")
    if process.returncode in (0, 3) and not case.safe:
        faults.append("let through")
    if process.returncode == 1 and case.path.name.encode() not in text:
        faults.append("the message does not name the file")
    if CANARY in text or CANARY in stored:
        faults.append("what lies outside was read")
    if out := sorted((_names(work) | _names(work.parent)) - before - {"said", "store"}):
        faults.append(f"written outside: {out}")
    if left := sorted(_names(work / "tmp")):
        faults.append(f"left behind: {left}")
    if seconds > MOST_SECONDS or mib > MOST_MIB:
        faults.append("too much")
    message = text.decode("utf-8", "replace").strip().replace(str(work) + "/", "").splitlines()
    return {
        "outcome": "refused" if process.returncode == 1 else "loaded without it" if not faults else "fault",
        "cpu_seconds": round(seconds, 1),
        "peak_mib": mib,
        "message": message[0][:200] if message else "",
        **({"faults": faults} if faults else {}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", help="cases that begin so; writes no result")
    options = parser.parse_args()
    work: Path = options.work / "inner"
    (work / "tmp").mkdir(parents=True)
    os.environ["ONTOGRAFT_HOME"] = str(options.work / "inner" / "home")
    (work / "home").mkdir()
    canary = work / "canary"
    canary.write_bytes(CANARY)
    found: dict[str, Any] = {}
    for cases in (xml_cases(work, canary), text_cases(work, canary), archive_cases(work), decompression_cases(work)):
        for case in cases:
            if case.name.startswith(options.only or ""):
                found[case.name] = tried(case, work)
                print(case.name, json.dumps(found[case.name], ensure_ascii=False), flush=True)
            case.path.unlink()
    faults = [name for name, row in found.items() if "faults" in row]
    if not options.only:
        report = {
            "cases": len(found),
            "faults": faults,
            "each": found,
            "most": {"cpu_seconds": MOST_SECONDS, "mib": MOST_MIB},
            **provenance(),
        }
        RESULT.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    if faults:
        raise SystemExit(f"faults: {', '.join(faults)}")


if __name__ == "__main__":
    main()
