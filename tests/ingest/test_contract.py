from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from ontograft.errors import DocumentError, OptionError
from ontograft.ingest.contract import read_contract
from tests.documents import deleted, docx, inserted, paragraph, pdf, pdf_of

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"


def test_plain_text_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("\ufeff1. Term.\r\nTwo years — 两年.\n".encode())
    read = read_contract(file)
    assert (read.text, read.format) == ("1. Term.\r\nTwo years — 两年.\n", "text")


def test_tracked_changes_are_accepted_or_not(tmp_path: Path) -> None:
    body = paragraph("Term: ", deleted("two"), inserted("three"), " years.")
    body += paragraph("Gone", properties='<w:rPr><w:del w:id="3"/></w:rPr>') + paragraph(" and on.")
    file = docx(tmp_path / "a.docx", body)
    accepted, original = read_contract(file), read_contract(file, revisions="original")
    assert accepted.text == "Term: three years.\n\nGone and on."
    assert original.text == "Term: two years.\n\nGone\n\n and on."
    assert (accepted.revisions, original.revisions) == ("accepted", "original")
    assert read_contract(docx(tmp_path / "b.docx", paragraph("Plain."))).revisions is None


def test_tables_notes_and_automatic_numbers_of_word(tmp_path: Path) -> None:
    numbers = (
        '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%2)"/></w:lvl></w:abstractNum>'
        '<w:num w:numId="5"><w:abstractNumId w:val="0"/></w:num>'
    )

    def at(level: int) -> str:
        return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="5"/></w:numPr>'

    def cell(text: str) -> str:
        return f"<w:tc>{paragraph(text)}</w:tc>"

    note = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    body = paragraph("Term", properties=at(0)) + paragraph("first", properties=at(1)) + paragraph("second", properties=at(1))
    body += paragraph("Law", note, " of Nevada", properties=at(0)) + f"<w:tbl><w:tr>{cell('Fee')}{cell('$5')}</w:tr></w:tbl>"
    notes = (
        f'<w:footnote w:id="0" w:type="separator">{paragraph("x")}</w:footnote><w:footnote w:id="2">{paragraph("As amended.")}</w:footnote>'
    )
    read = read_contract(docx(tmp_path / "a.docx", body, parts={"word/numbering.xml": numbers, "word/footnotes.xml": notes}))
    assert read.text.split("\n\n") == ["1. Term", "(a) first", "(b) second", "2. Law[1] of Nevada", "Fee\t$5", "[1] As amended."]
    assert read.notes == ("notes that stand at the end: 1",)


def _level(depth: int, form: str, text: str, more: str = "") -> str:
    return f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>{more}<w:lvlText w:val="{text}"/></w:lvl>'


def _list(key: str, *levels: str, overrides: str = "") -> tuple[str, str]:
    of = f'<w:abstractNumId w:val="{key}"/>'
    return f'<w:abstractNum w:abstractNumId="{key}">{"".join(levels)}</w:abstractNum>', f'<w:num w:numId="{key}">{of}{overrides}</w:num>'


def _numbered(tmp_path: Path, lists: tuple[str, str], properties: Sequence[str], *, styles: str = "") -> list[str]:
    body = "".join(paragraph("x", properties=of) for of in properties)
    parts = {"word/numbering.xml": "".join(lists), "word/styles.xml": styles}
    return [line.removesuffix("x").strip() for line in read_contract(docx(tmp_path / "a.docx", body, parts=parts)).text.split("\n\n")]


def _at(depth: int, key: str = "1") -> str:
    return f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{key}"/></w:numPr>'


def test_legal_numbering_writes_the_numbers_above_in_digits(tmp_path: Path) -> None:
    lists = _list("1", _level(0, "upperRoman", "ARTICLE %1"), _level(1, "decimal", "%1.%2", "<w:isLgl/>"))
    assert _numbered(tmp_path, lists, [_at(0), _at(0), _at(1), _at(1)]) == ["ARTICLE I", "ARTICLE II", "2.1", "2.2"]


@pytest.mark.parametrize(
    ("level", "override", "says"),
    [
        (_level(0, "cardinalText", "ARTICLE %1"), "", ["ARTICLE One", "ARTICLE Two"]),
        (_level(0, "ordinal", "%1"), "", ["1st", "2nd"]),
        (_level(0, "decimal", "%1."), '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>', ["5.", "6."]),
        (
            _level(0, "decimal", "%1."),
            f'<w:lvlOverride w:ilvl="0">{_level(0, "lowerLetter", "(%1)")}</w:lvlOverride>',
            ["(a)", "(b)"],
        ),
        (_level(0, "lowerLetter", "%1").replace('start w:val="1"', 'start w:val="900000"'), "", ["900000", "900001"]),
        (_level(0, "decimal", "%1").replace('start w:val="1"', 'start w:val="one"'), "", ["1", "2"]),
    ],
)
def test_numbers_that_a_list_starts_writes_or_overrides(tmp_path: Path, level: str, override: str, says: list[str]) -> None:
    assert _numbered(tmp_path, _list("1", level, overrides=override), [_at(0), _at(0)]) == says


def test_numbers_come_from_styles_and_what_they_are_based_on(tmp_path: Path) -> None:
    lists = _list("1", _level(0, "decimal", "%1."), _level(1, "decimal", "%1.%2", '<w:pStyle w:val="Two"/>'))
    numbered = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    styles = f'<w:style w:styleId="One">{numbered}</w:style><w:style w:styleId="Two">{numbered}</w:style>'
    styles += '<w:style w:styleId="Three"><w:basedOn w:val="Two"/></w:style><w:style w:styleId="Plain"><w:basedOn w:val="Plain"/></w:style>'

    def of(style: str, more: str = "") -> str:
        return f'<w:pStyle w:val="{style}"/>{more}'

    none, deeper = '<w:numPr><w:numId w:val="0"/></w:numPr>', '<w:numPr><w:ilvl w:val="1"/></w:numPr>'
    said = _numbered(tmp_path, lists, [of("One"), of("Two"), of("One", none), of("Three"), of("One", deeper), of("Plain")], styles=styles)
    assert said == ["1.", "1.1", "", "1.2", "1.3", ""]


def test_hidden_text_is_left_out_and_said(tmp_path: Path) -> None:
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>poison</w:t></w:r>"
    shown = '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> oak</w:t></w:r>'
    read = read_contract(docx(tmp_path / "a.docx", paragraph("Tables of", hidden, shown)))
    assert (read.text, read.notes) == ("Tables of oak", ("hidden text was left out",))


def test_a_heading_whose_mark_is_hidden_goes_on_with_its_text(tmp_path: Path) -> None:
    body = paragraph("Assignment. ", properties="<w:rPr><w:vanish/><w:specVanish/></w:rPr>") + paragraph("None.")
    assert read_contract(docx(tmp_path / "a.docx", body)).text == "Assignment. None."


def test_boxes_are_read_once_in_either_form(tmp_path: Path) -> None:
    box = f"<v:textbox xmlns:v='urn:v'><w:txbxContent>{paragraph('A bond.')}</w:txbxContent></v:textbox>"
    both = f"<w:r><m:X xmlns:m='m'><m:Choice>{box}</m:Choice><m:Fallback>{box}</m:Fallback></m:X></w:r>"
    body = paragraph("1.", f"<w:r><w:pict>{box}</w:pict></w:r>") + paragraph("2.", both)
    assert [" ".join(line.split()) for line in read_contract(docx(tmp_path / "a.docx", body)).text.split("\n\n")] == [
        "1. A bond.",
        "2. A bond.",
    ]


def test_notes_are_numbered_as_they_are_referred_to(tmp_path: Path) -> None:
    def refer(to: int, kind: str = "footnote") -> str:
        return f'<w:r><w:{kind}Reference w:id="{to}"/></w:r>'

    body = paragraph("One", refer(9), " two", refer(4), " three", refer(9), refer(1, "endnote"))
    body += paragraph(f'<w:del w:id="3">{refer(5)}</w:del>', "Law")
    notes = "".join(f'<w:footnote w:id="{key}">{paragraph(f"note {key}")}</w:footnote>' for key in (4, 5, 9))
    ends = f'<w:endnotes xmlns:w="{WORD}"><w:endnote w:id="1">{paragraph("end")}</w:endnote></w:endnotes>'
    file = docx(tmp_path / "a.docx", body, parts={"word/footnotes.xml": notes, "word/endnotes.xml": ends})
    assert read_contract(file).text.split("\n\n") == ["One[1] two[2] three[1][i]", "Law", "[1] note 9", "[2] note 4", "[i] end"]


def test_parts_are_found_by_relations_and_outer_ones_never_followed(tmp_path: Path) -> None:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = f'<Relationships><Relationship Type="{kind}/officeDocument" Target="/word/document2.xml"/></Relationships>'
    outer = f'<Relationships><Relationship Type="{kind}/footnotes" TargetMode="External" Target="file:///etc/passwd"/></Relationships>'
    strict = f'<w:document xmlns:w="{STRICT}"><w:body>{paragraph("Strict.")}</w:body></w:document>'
    parts = {"_rels/.rels": main, "word/_rels/document2.xml.rels": outer, "word/document2.xml": strict}
    assert read_contract(docx(tmp_path / "a.docx", paragraph("Not this."), parts=parts)).text == "Strict."


def test_a_table_inside_a_table_is_read_once(tmp_path: Path) -> None:
    inner = f"<w:tbl><w:tr><w:tc>{paragraph('net')}</w:tc><w:tc>{paragraph('$5')}</w:tc></w:tr></w:tbl>"
    held = f"<w:sdt><w:sdtContent><w:tc>{paragraph('Price')}{inner}</w:tc></w:sdtContent></w:sdt>"
    file = docx(tmp_path / "a.docx", f"<w:tbl><w:tr><w:tc>{paragraph('Oak')}</w:tc>{held}</w:tr></w:tbl>")
    assert read_contract(file).text == "Oak\tPrice net $5"


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda p: p.write_bytes(b"PK\x03\x04broken"), "broken Word document"),
        (lambda p: p.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600), "encrypted, or Word's format from before 2007"),
        (lambda p: zipfile.ZipFile(p, "w").writestr("a.txt", "x"), "word/document.xml is missing"),
        (lambda p: docx(p, "<w:p>" + "<w:r>" * 1200 + "</w:r>" * 1200 + "</w:p>"), "elements within elements"),
    ],
)
def test_bad_word_documents_are_named_errors(tmp_path: Path, write, says: str) -> None:
    file = tmp_path / "a.docx"
    write(file)
    with pytest.raises(DocumentError, match=says):
        read_contract(file)


def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ontograft.ingest.docx_parts._MOST_BYTES", 100_000)
    with pytest.raises(DocumentError, match="zip bomb"):
        read_contract(docx(tmp_path / "a.docx", paragraph("A" * 200_000)))


def test_a_part_of_countless_elements_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ontograft.ingest.docx_parts._MOST_TAGS", 10_000)
    with pytest.raises(DocumentError, match="beyond 10,000 tags: refused as a zip bomb"):
        read_contract(docx(tmp_path / "a.docx", "<w:p/>" * 20_000))


def test_external_entities_are_never_loaded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOP SECRET")
    file = tmp_path / "a.docx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]><x>&e;</x>')
    with pytest.raises(DocumentError, match="external entity") as caught:
        read_contract(file)
    assert "TOP SECRET" not in str(caught.value)


def _page(number: int, *lines: tuple[float, float, str]) -> list[tuple[float, float, str]]:
    return [(72, 760, "ACME - Confidential"), *lines, (300, 30, str(number))]


def test_pdf_without_furniture_and_with_whole_words(tmp_path: Path) -> None:
    pages = [
        _page(
            1,
            (72, 700, "1. Term. This agreement lasts two years and is re-"),
            (72, 688, "newed by the parties, as long as the"),
            (72, 676, "seller"),
        ),
        _page(2, (72, 700, "agrees to it in writing."), (72, 660, "2. Law. The laws of Nevada govern.")),
        _page(3, (72, 700, "3. Notices. None.")),
    ]
    read = read_contract(pdf(tmp_path / "a.pdf", pages))
    first = "1. Term. This agreement lasts two years and is renewed by the parties, as long as the seller agrees to it in writing."
    assert read.text == f"{first}\n\n2. Law. The laws of Nevada govern.\n\n3. Notices. None."
    assert len(read.pages) == 3 and read.text[read.pages[2] :].lstrip().startswith("3. Notices")


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    left = [(60, 700 - 12 * i, f"left line {i} of the text") for i in range(6)]
    right = [(330, 700 - 12 * i, f"right line {i} of the text") for i in range(6)]
    text = read_contract(pdf(tmp_path / "a.pdf", [[*left, *right]])).text
    assert text.index("left line 5") < text.index("right line 0")
    assert "left line 0 of the text left line 1" in text


def test_paragraphs_footnotes_and_compounds_of_a_pdf(tmp_path: Path) -> None:
    small = "/F1 7 Tf"
    lines = [
        (72, 700, "1. Non-compete. The seller and its affiliates keep to the non-"),
        (72, 688, "compete covenant, and the buyer pays the pur-"),
        (72, 676, "chase price to the"),
        (240, 676, "Seller at closing in full."),  # justified text with a wide blank
        (72, 646, "a. Half of it is paid at once"),
        (72, 628, "b. The rest later, on the day on which the last of the goods"),
        (72, 60, "1 As amended in May,"),
        (72, 51, "and in June."),
    ]
    file = pdf(tmp_path / "a.pdf", [lines, [(72, 700, "Buyer has ordered arrive.")]])
    data = file.read_bytes()
    for text in (b"1 As amended", b"and in June"):
        at = data.index(text)
        head = data.rindex(b"/F1 10 Tf", 0, at)
        data = data[:head] + small.encode() + b" " + data[head + len(b"/F1 10 Tf") :]
    file.write_bytes(data)
    read = read_contract(file)
    assert read.text.split("\n\n") == [
        "1. Non-compete. The seller and its affiliates keep to the non-compete covenant, and the buyer pays the purchase price to the "
        "Seller at closing in full.",
        "a. Half of it is paid at once",
        "b. The rest later, on the day on which the last of the goods Buyer has ordered arrive.",
        "1 As amended in May, and in June.",
    ]
    assert read.notes == ("notes that stand at the end: 1",) and read.text[read.pages[1] :].startswith("Buyer has ordered")


def test_the_number_of_a_note_is_no_digit_of_an_amount(tmp_path: Path) -> None:
    # "2. Price. Buyer pays $250,000" is 134.0 points wide in Helvetica of 10 points.
    lines = [(72, 700, "2. Price. Buyer pays $250,000"), (206.0, 704, "1", 7), (213.0, 700, "a year.")]
    lines += [(72, 676, "3. Law. The law of Nevada governs."), (72, 60, "1 Adjusted for inflation.", 7)]
    read = read_contract(pdf(tmp_path / "a.pdf", [lines]))
    assert read.text.split("\n\n") == [
        "2. Price. Buyer pays $250,000[1] a year.",
        "3. Law. The law of Nevada governs.",
        "[1] Adjusted for inflation.",
    ]


def test_a_clause_at_the_top_of_pages_is_no_running_head(tmp_path: Path) -> None:
    pages = [
        [(72, 765, f"Draft of May, page {at} of 4"), (72, 740, f"{at}.1 Term. It lasts {at} years."), (300, 30, f"A-{at}")]
        for at in (1, 2, 3, 4)
    ]
    read = read_contract(pdf(tmp_path / "a.pdf", pages))
    assert read.text == "\n\n".join(f"{at}.1 Term. It lasts {at} years." for at in (1, 2, 3, 4))
    assert read.notes == ("8 lines of running heads, feet and page numbers were left out",)


def test_a_scan_and_a_broken_pdf_are_named_errors(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="1 pages without text, a scan perhaps"):
        read_contract(pdf(tmp_path / "scan.pdf", [[]]))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing here")
    with pytest.raises(DocumentError, match="broken PDF"):
        read_contract(tmp_path / "broken.pdf")


def test_a_pdf_that_expands_without_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ontograft.ingest.pdf_lines.MEMORY", 200 * 2**20)
    packed = zlib.compress(zlib.compress(b" " * (256 * 2**20), 1))
    file = pdf_of(tmp_path / "a.pdf", ("/Filter [/FlateDecode /FlateDecode]", packed))
    assert file.stat().st_size < 50_000
    with pytest.raises(DocumentError, match="expand beyond 209,715,200 bytes: refused"):
        read_contract(file)


def test_a_pdf_whose_drawings_draw_each_other_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ontograft.ingest.pdf_lines.PAGE_SECONDS", 0.5)
    form = "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X1 {} 0 R >> >>"
    forms = [(form.format(6 + i), b"/X1 Do " * 20) for i in range(12)]
    with pytest.raises(DocumentError, match=r"0\.5 s a page: refused"):
        read_contract(pdf_of(tmp_path / "a.pdf", ("", b"/X1 Do"), *forms, (form.format(5), b"")))


def test_html_is_read_as_it_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_text(
        "<html><head><title>x</title><script>var a = '1. No';</script></head><body>"
        "<h2>1. Term</h2><p>Two\n <b>full</b> years&nbsp;only.</p>"
        "<div style='display: none'>hidden</div><table><tr><td>Fee</td><td>$5</td></tr></table><p>2. Law<br>Nevada</p></body></html>"
    )
    assert read_contract(file).text == "1. Term\n\nTwo full years only.\n\nFee\t$5\n\n2. Law\nNevada"


def _html(tmp_path: Path, body: str) -> str:
    (tmp_path / "a.html").write_text(f"<html><body>{body}</body></html>")
    return read_contract(tmp_path / "a.html").text


def test_a_page_has_the_numbers_that_a_browser_writes(tmp_path: Path) -> None:
    inner = "<ol style='list-style-type: lower-roman'><li>x<li value=5>y</ol>"
    assert _html(tmp_path, f"<ol start=3 type=A><li>Oak{inner}<li>Elm</ol><ul><li>Ash</ul>").split() == (
        ["C.", "Oak", "i.", "x", "v.", "y", "D.", "Elm", "Ash"]
    )


def test_the_notes_and_powers_of_a_page(tmp_path: Path) -> None:
    text = _html(tmp_path, "<p>Pay $250,000<sup>1</sup> for 5 m<sup>2</sup> by May 1<sup>st</sup>.</p><p><sup><a>1</a></sup> A note.</p>")
    assert text == "Pay $250,000[1] for 5 m2 by May 1st.\n\n[1] A note."


def test_cells_are_lines_and_layouts_are_not(tmp_path: Path) -> None:
    cells = "<tr><td><p>(a)</p></td><td><p>Oak</p><p>and elm</p></td></tr><tr><td>(b)</td><td>Ash</td></tr>"
    assert _html(tmp_path, f"<table><tbody>{cells}</tbody></table>") == "(a)\tOak and elm\n(b)\tAsh"
    assert _html(tmp_path, f"<table><tr><td>{'<p>One.</p>' * 5}</td></tr></table>").count("\n\n") == 4


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "empty.txt").write_bytes(b" \n")
    (tmp_path / "rich.doc").write_bytes(b"{\\rtf1 Term.}")
    for name, says in (
        ("rich.doc", "save it as .docx"),
        ("latin.txt", "not UTF-8"),
        ("empty.txt", "no text in it"),
        ("none.txt", "No such file"),
    ):
        with pytest.raises(DocumentError, match=says):
            read_contract(tmp_path / name)
    with pytest.raises(OptionError, match="accepted, original"):
        read_contract(tmp_path / "empty.txt", revisions="both")
