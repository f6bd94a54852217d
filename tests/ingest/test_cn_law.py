import pytest

from ontograft import config
from ontograft.errors import SeveralReleases, TruncatedSource
from ontograft.ingest.cn_cite import references
from ontograft.ingest.cn_numbers import characters, number
from ontograft.ingest.detect import read
from ontograft.types import Caveat, Concept, Name, Reject, Relation

DATA = config.data()
LAW = """---
sidebar: auto
---

# 中华人民共和国风筝法

2030年1月2日第一届大会通过

2031年3月4日第二届大会修订

# 第一编　总则

## 第一分编　通则

### 第一章　一般规定

#### 第一节　目的

**第一条**　为了放风筝，制定本法。

**第二条**　风筝包括：

（一）纸风筝；

（二）布风筝。

依照本法第一条和《中华人民共和国刑法》第十三条第二款的规定处罚。

第二条之一　本条依照前条。

# 附则

**第3条**　本法自公布之日起施行，《中华人民共和国玩具法》同时废止。
"""


def load(tmp_path, text=LAW, name="law.md", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = read(path, **options)
    return source, list(source.records)


def concepts(records):
    return {r.id: r for r in records if isinstance(r, Concept)}


def edges(records, predicate):
    return [(r.subject, r.object) for r in records if isinstance(r, Relation) and r.predicate == predicate]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("一", 1),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("一百零五", 105),
        ("一百一十", 110),
        ("二百二十一", 221),
        ("一千二百六十", 1260),
        ("一千零三", 1003),
    ],
)
def test_numbers(text, value):
    assert number(text) == value
    assert characters(value) == text


def test_digits_and_what_is_no_number():
    assert number("205") == number("２０５") == number("二〇五") == 205
    assert number("") is None and number("甲") is None


def test_the_tree_in_both_layouts(tmp_path):
    source, records = load(tmp_path)
    assert (source.header.name, source.header.release, source.header.format) == ("风筝法", "2031-03-04", "cn-law")
    found = concepts(records)
    kinds = {i.removeprefix("cnlaw:风筝法"): c.kind for i, c in found.items()}
    assert kinds == {
        "": "Law", "/part1": "Part", "/part1/subpart1": "Subpart", "/part1/subpart1/chapter1": "Chapter",
        "/part1/subpart1/chapter1/section1": "Section", "/a1": "Article", "/a2": "Article", "/a2/k1": "Paragraph", "/a2/k1/x1": "Item",
        "/a2/k1/x2": "Item", "/a2/k2": "Paragraph", "/a2-1": "Article", "/supplement": "Supplement", "/a3": "Article",
    }  # fmt: skip
    up = dict(edges(records, "part_of"))
    assert up["cnlaw:风筝法/a1"] == "cnlaw:风筝法/part1/subpart1/chapter1/section1"
    assert up["cnlaw:风筝法/a3"] == "cnlaw:风筝法/supplement" and up["cnlaw:风筝法/supplement"] == "cnlaw:风筝法"
    assert found["cnlaw:风筝法"].definition == "2030年1月2日第一届大会通过\n2031年3月4日第二届大会修订"


def test_articles_are_found_by_characters_and_digits(tmp_path):
    records = load(tmp_path)[1]
    article = concepts(records)["cnlaw:风筝法/a2-1"]
    assert (article.name, article.definition, article.iri) == ("风筝法第二条之一", "本条依照前条。", "urn:lex:cn:风筝法/a2-1")
    assert [n.text for n in records if isinstance(n, Name) and n.concept == "cnlaw:风筝法/a3"] == [
        "风筝法第3条",
        "《中华人民共和国风筝法》第三条",
    ]


def test_citations(tmp_path):
    records = load(tmp_path)[1]
    cites = {(r.subject, r.object): dict(r.qualifiers) for r in records if isinstance(r, Relation) and r.predicate == "cites"}
    assert cites == {
        ("cnlaw:风筝法/a2", "cnlaw:风筝法/a1"): {"text": "本法第一条"},
        ("cnlaw:风筝法/a2", "cnlaw:刑法/a13"): {"text": "《中华人民共和国刑法》第十三条第二款", "paragraph": "2"},
        ("cnlaw:风筝法/a2-1", "cnlaw:风筝法/a1"): {"text": "前条"},
        ("cnlaw:风筝法/a3", "cnlaw:玩具法"): {"text": "《中华人民共和国玩具法》"},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("本法第七十八条至第八十条", [(None, 78), (None, 79), (None, 80)]),
        ("刑法第一百零三条第二款、第一百零五条", [("刑法", 103), ("刑法", 105)]),
        ("刑法第三条。第五条", [("刑法", 3), (None, 5)]),
        ("第一百六十二条之一", [(None, 162)]),
        ("第一款", []),
    ],
)
def test_references(text, expected):
    assert [(r.law, r.article and r.article[0]) for r in references(text)] == expected


def test_amendments_mean_the_law_they_amend(tmp_path):
    title = "# 修正案\n\n## 中华人民共和国风筝法修正案（二）\n\n*2032年通过*\n\n"
    text = f"{title}一、第二条后增加一条：“依照本法第一条。”\n\n二、将风筝改为纸鸢。\n"
    records = load(tmp_path, text, format="cn-law")[1]
    found = concepts(records)
    assert {i: c.kind for i, c in found.items()} == {
        "cnlaw:风筝法修正案（二）": "Amendment",
        "cnlaw:风筝法修正案（二）/p1": "Point", "cnlaw:风筝法修正案（二）/p2": "Point"}  # fmt: skip
    assert edges(records, "amends") == [("cnlaw:风筝法修正案（二）", "cnlaw:风筝法")]
    assert [target for _, target in edges(records, "cites")] == ["cnlaw:风筝法/a2", "cnlaw:风筝法/a1"]


def test_a_folder_is_one_law(tmp_path):
    head, _, tail = LAW.partition("# 第一编")
    (tmp_path / "README.md").write_text(head)
    (tmp_path / "01.md").write_text("# 第一编" + tail.partition("# 附则")[0])
    (tmp_path / "00.md").write_text("# 附则" + tail.partition("# 附则")[2])
    source = read(tmp_path, format="cn-law")
    assert (source.header.name, source.header.release) == ("风筝法", "2031-03-04")
    assert set(concepts(source.records)) == set(concepts(load(tmp_path / "..", name="one.md")[1]))


def test_two_texts_of_a_law_in_a_folder(tmp_path):
    for year in ("2030", "2031"):
        (tmp_path / year / "kites").mkdir(parents=True)
        (tmp_path / year / "kites/README.md").write_text(LAW)
    with pytest.raises(SeveralReleases, match=r"2030.*2031"):
        read(tmp_path, format="cn-law")


def test_damage_is_counted_or_named(tmp_path):
    records = load(tmp_path, LAW.replace("**第3条**", "**第二条**"))[1]
    assert ["again" in r.reason for r in records if isinstance(r, Reject)] == [True]
    records = load(tmp_path, LAW.encode().replace("纸".encode(), b"\xff"))[1]
    assert ["UTF-8" in r.reason for r in records if isinstance(r, Reject)] == [True]
    records = load(tmp_path, LAW.replace("第3条", "第8条").rstrip())[1]
    assert [r.kind for r in records if isinstance(r, Caveat)] == ["no_final_newline", "article_gap"]
    with pytest.raises(TruncatedSource, match="no article"):
        load(tmp_path, "# 风筝\n\n放风筝。\n", format="cn-law")


@pytest.mark.skipif(DATA is None, reason="ONTOGRAFT_DATA is not set")
@pytest.mark.parametrize(
    ("folder", "articles"),
    [
        ("2026-07-17/civil-and-commercial/civil-code", 1260),
        ("2022-09-23/civil-and-commercial/civil-code", 1260),
        ("2026-07-17/civil-and-commercial/company-law", 266),
        ("2022-09-23/civil-and-commercial/company-law", 218),
        ("2026-07-17/criminal-law/criminal-law", 505),
        ("2022-09-23/criminal-law/criminal-law", 505),
    ],
)
def test_real_codes(folder, articles):
    records = list(read(DATA / "legal/cn_laws" / folder).records)
    found = concepts(records)
    assert sum(c.kind == "Article" for c in found.values()) == articles
    assert not [r for r in records if isinstance(r, Reject) or (isinstance(r, Caveat) and r.kind != "no_final_newline")]
    own = next(c.id for c in found.values() if c.kind == "Law")
    assert not [target for _, target in edges(records, "cites") if target.startswith(f"{own}/") and target not in found]
