import pytest

from ontograft.errors import TruncatedSource
from ontograft.ingest.detect import read
from ontograft.ingest.obo_syntax import plain, quoted, split_modifiers, xref_list_ok
from ontograft.types import Caveat, Concept, Name, Reject, Relation, Scope, Tombstone

HEADER = "format-version: 1.2\ndata-version: tiny/releases/2024-05-06\nontology: tiny.obo\n\n"
FULL = (
    HEADER
    + """[Term]
id: T:1 ! a comment
name: one \\{braced\\}
def: "A \\"quoted\\" thing." [PMID:1, url:http\\://x.y/z "text, with comma"] {source="S"}
comment: anything: goes here
synonym: "uno" EXACT []
synonym: "eins" NARROW layperson [MSH:D1]
synonym: "all" BROAD [SNOMEDCT_2005_07_31:1 2]
synonym: "ein" []
xref: MSH:D000001 "a name" {source="X"}
xref: UMLS_CUI:C0000001
is_a: T:2 {inferred="true"} ! two
relationship: part_of T:3 ! three
relationship: BFO:0000051 T:4
intersection_of: T:2
intersection_of: part_of T:3
property_value: skos:exactMatch MONDO:0000001
property_value: http://purl.org/dc/terms/creator https://orcid.org/0000-0001
property_value: note "a literal" xsd:string
alt_id: T:9
alt_id: T:2

[Term]
id: T:2
name: two ! really

[Term]
id: T:5
name: obsolete five
is_obsolete: true
replaced_by: T:1
consider: T:2

[Term]
id: T:6
is_obsolete: true

[Term]
id: T:7
name: live! with an exclamation
consider: T:1

[Typedef]
id: part_of
name: part of
is_a: overlaps
xref: BFO:0000050

[Instance]
id: T:8
name: eight
instance_of: T:2

[Strange]
id: none
"""
)


def load(tmp_path, text, name="tiny.obo", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = read(path, **options)
    return source, list(source.records)


def only(records, kind):
    return [record for record in records if isinstance(record, kind)]


def test_a_full_stanza_becomes_records(tmp_path):
    source, records = load(tmp_path, FULL)
    assert (source.header.name, source.header.release, source.header.format) == ("tiny", "2024-05-06", "obo")
    concepts = {c.id: c for c in only(records, Concept)}
    assert set(concepts) == {"T:1", "T:2", "T:7", "T:8", "obo:tiny#part_of"}
    one = concepts["T:1"]
    assert (one.name, one.definition, one.kind, one.line) == ("one {braced}", 'A "quoted" thing.', "Class", 5)
    assert concepts["T:2"].name == "two"
    assert concepts["T:7"].name == "live! with an exclamation"
    assert (concepts["T:8"].kind, concepts["obo:tiny#part_of"].kind) == ("Individual", "Property")
    assert [(n.text, n.scope, n.type) for n in only(records, Name)] == [
        ("uno", Scope.EXACT, None),
        ("eins", Scope.NARROW, "layperson"),
        ("all", Scope.BROAD, None),
        ("ein", Scope.RELATED, None),
    ]
    assert [(r.subject, r.predicate, r.object, r.qualifiers) for r in only(records, Relation)] == [
        ("T:1", "xref", "mesh:D000001", (("source", "X"),)),
        ("T:1", "xref", "umls:C0000001", ()),
        ("T:1", "is_a", "T:2", (("inferred", "true"),)),
        ("T:1", "part_of", "T:3", ()),
        ("T:1", "has_part", "T:4", ()),
        ("T:1", "intersection_of", "T:2", ()),
        ("T:1", "part_of", "T:3", (("intersection", "true"),)),
        ("T:1", "exact_match", "MONDO:0000001", ()),
        ("T:7", "consider", "T:1", ()),
        ("obo:tiny#part_of", "is_a", "obo:tiny#overlaps", ()),
        ("obo:tiny#part_of", "xref", "BFO:0000050", ()),
        ("T:8", "instance_of", "T:2", ()),
    ]
    assert [(t.id, t.reason, t.successor, t.name, t.consider) for t in only(records, Tombstone)] == [
        ("T:5", "replaced", "T:1", "obsolete five", ("T:2",)),
        ("T:6", "obsolete", None, None, ()),
        ("T:9", "merged", "T:1", None, ()),
    ]
    assert [(c.kind, c.line) for c in only(records, Caveat)] == [
        ("bad_xref_list", 12),
        ("unknown_stanza", FULL[: FULL.index("[Strange]")].count("\n") + 1),
        ("alt_id_live", 25),
    ]
    assert not only(records, Reject)


@pytest.mark.parametrize(
    ("bad", "offset", "says"),
    [
        ("[Term]\nid: T:9\nname: nine\nthis line is no tag\n", 3, "no tag-value pair"),
        ("[Term]\nid: T:9\nname: nine\nthis line: is no tag\n", 3, "no tag-value pair"),
        ("[Term]\nname: nine\n", 0, "without an id"),
        ("[Term]\nid: T:9\nname: nine\nid: T:10\n", 3, "second id"),
        ("[Term]\nid: T:9\ndef: no quote\n", 2, "quoted"),
        ('[Term]\nid: T:9\nsynonym: "open EXACT []\n', 2, "quoted"),
        ("[Term]\nid: T:9\nname: ni\0ne\n", 2, "NUL"),
        ("[Term\nid: T:9\nname: nine\n", 0, "stanza header"),
        ("[Term]\nid: T:9\nis_a:\n", 2, "empty is_a"),
        ("[Term]\nid: T:9\nis_obsolete: maybe\n", 2, "neither"),
        (b"[Term]\nid: T:9\nname: ni\xffne\n", 2, "UTF-8"),
    ],
)
def test_a_malformed_stanza_is_one_reject_with_its_line(tmp_path, bad, offset, says):
    good = HEADER + "[Term]\nid: T:1\nname: one\n\n"
    text = good.encode() + (bad if isinstance(bad, bytes) else bad.encode()) + b"\n[Term]\nid: T:2\nname: two\n"
    _, records = load(tmp_path, text)
    (reject,) = only(records, Reject)
    assert reject.line == good.count("\n") + 1 + offset
    assert says in reject.reason
    assert reject.file.endswith("tiny.obo")
    assert [c.id for c in only(records, Concept)] == ["T:1", "T:2"]


@pytest.mark.parametrize(
    "tail",
    ["[Term]", "[Te", "[Term]\n", "[Term]\nid: T:9\n", "[Term]\nid: T:9", "[Term]\nid: T:9\nname: nine\ndef: \"some te",
     "[Term]\nid: T:9\nna",
     "[Term]\nid: T:9\nsynonym: \"nine\" EXACT [", "[Term]\nid: T:9\nname: nine\nis_a: T:1 \\\n"],
)  # fmt: skip
def test_a_cut_in_mid_stanza_is_truncated(tmp_path, tail):
    with pytest.raises(TruncatedSource, match=r"tiny\.obo:"):
        load(tmp_path, HEADER + "[Term]\nid: T:1\nname: one\n\n" + tail)


def test_no_stanza_at_all_is_truncated(tmp_path):
    with pytest.raises(TruncatedSource, match="no stanza"):
        load(tmp_path, HEADER)


def test_a_missing_last_newline_is_forgiven_in_a_small_file_only(tmp_path):
    small = HEADER + "[Term]\nid: T:1\nname: one\nis_a: T:2 ! two"
    _, records = load(tmp_path, small)
    assert [c.kind for c in only(records, Caveat)] == ["no_final_newline"]
    big = HEADER + "".join(f"[Term]\nid: T:{i}\nname: number {i}\n\n" for i in range(4000)) + "[Term]\nid: T:x\nname: cu"
    with pytest.raises(TruncatedSource, match="within a line"):
        load(tmp_path, big)


def test_windows_newlines_byte_order_mark_and_continuation(tmp_path):
    text = "\ufeff" + FULL.replace("name: two ! really", "name: tw\\\no").replace("\n", "\r\n")
    _, records = load(tmp_path, text)
    assert not only(records, Reject)
    assert {c.id: c.name for c in only(records, Concept)}["T:2"] == "two"


def test_a_repeated_stanza_and_a_repeated_name_are_counted(tmp_path):
    _, records = load(tmp_path, HEADER + '[Term]\nid: T:1\nname: one\nname: two\n\n[Term]\nid: T:1\nsynonym: "uno" EXACT []\n')
    assert [c.kind for c in only(records, Caveat)] == ["repeated_clause", "repeated_id"]
    assert [c.name for c in only(records, Concept)] == ["one"]
    assert [n.text for n in only(records, Name)] == ["uno"]


@pytest.mark.parametrize(
    ("version", "want"),
    [
        ("releases/2016-03-11", "2016-03-11"),
        ("hp/releases/2023-06-17", "2023-06-17"),
        ("4.1", "4.1"),
        ("http://x/2024-01-01/mondo.owl", "2024-01-01"),
    ],
)
def test_release_from_the_header(tmp_path, version, want):
    text = f"data-version: {version}\nontology: hp\n\n[Term]\nid: T:1\nname: one\n"
    assert load(tmp_path, text)[0].header.release == want


def test_syntax():
    assert plain("a\\, b\\nc") == "a, b\nc"
    assert quoted('"a \\" b" EXACT []') == ('a " b', "EXACT []")
    assert quoted('"open') is None
    assert split_modifiers('x {a="1, 2", b="3"}') == ("x", (("a", "1, 2"), ("b", "3")))
    assert split_modifiers("1-{methyl}") == ("1-{methyl}", ())
    for good in ("[]", "[A:1]", '[A:1 "text", B:2]', '[A:1] {x="y"}', "[A:1] ! why", "[url:http\\://a.b]", "[A:1\\,b]"):
        assert xref_list_ok(good), good
    for bad in ("", "[", "[A:1", "[A:1 2]", "[A:1,]", "A:1]"):
        assert not xref_list_ok(bad), bad
