"""The page itself: one file, escaped, the same bytes for the same input."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from mcmi_plugin.errors import UserError
from mcmi_plugin.shown.blocks import (
    Code,
    KeyFigures,
    Matrix,
    Picture,
    Section,
    Subheading,
    Table,
    Text,
)
from mcmi_plugin.shown.chart import Line, draw_chart
from mcmi_plugin.shown.confusion import confusion_blocks, worst_pairs
from mcmi_plugin.shown.page import write_page

HOSTILE = '</style><script>alert(1)</script>"\' onload="x" &amp; {{ 7 * 7 }} \udcff'
PNG = draw_chart([Line('a', [(1, 3.0), (2, 4.0)], '0.2')], 'epoch', 'nats')


class Reader(HTMLParser):
    """Every tag with its attributes, and all text outside of <style>."""

    def __init__(self):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ('meta', 'link', 'img'):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != 'style':
            self.texts.append(data)

    def named(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def every_block(text):
    return [
        KeyFigures([(text, text, text)]),
        Subheading(text),
        Text(f'{text}\n\n{text}'),
        Table([text, text], [[text, '1.5'], [text, '-2.5 \u00b1 0.1']], text),
        Matrix([text, 'b'], [[3, 1], [0, 4]], text),
        Picture(PNG, text, text),
        Code(text),
        Code(text, text),
    ]


def read(path):
    reader = Reader()
    reader.feed(path.read_text())
    assert not reader.open  # every tag was closed
    return reader


def test_no_text_becomes_markup(tmp_path):
    path = tmp_path / 'page.html'
    write_page(path, HOSTILE, [Section(HOSTILE, every_block(HOSTILE))], HOSTILE)
    hostile = read(path)
    write_page(path, 'a', [Section('a', every_block('a'))], 'a')
    harmless = read(path)
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert [set(a) for _, a in hostile.tags] == [set(a) for _, a in harmless.tags]
    assert not hostile.named('script')
    shown = HOSTILE.replace('\udcff', '?')  # which is no character
    assert sum(shown in text for text in hostile.texts) >= 15
    assert all(shown in a['alt'] for a in hostile.named('img'))


def test_it_asks_for_nothing_outside_of_itself(tmp_path):
    path = tmp_path / 'page.html'
    write_page(path, 'a', [Section('a', every_block('a'))])
    reader = read(path)
    for _, attrs in reader.tags:
        for name in ('src', 'href', 'action', 'srcset'):
            assert attrs.get(name, '#').startswith(('#', 'data:'))
    policy = reader.named('meta')[1]['content']
    assert "default-src 'none'" in policy and 'script' not in policy
    assert 'url(' not in path.read_text() and '@import' not in path.read_text()


def test_the_same_input_gives_the_same_bytes(tmp_path):
    files = [tmp_path / 'one/page.html', tmp_path / 'two/page.html']
    for path in files:
        write_page(path, 'a', [Section('a', every_block('a'))])
    assert files[0].read_bytes() == files[1].read_bytes()
    assert draw_chart([Line('a', [(1, 3.0), (2, 4.0)], '0.2')], 'epoch', 'nats') == PNG


def test_headings_regions_and_contents(tmp_path):
    path = tmp_path / 'page.html'
    parts = [Section('First', every_block('a')), Section('Second', [Text('b')])]
    write_page(path, 'Title', parts)
    reader = read(path)
    ids = {attrs['id'] for _, attrs in reader.tags if 'id' in attrs}
    links = [a['href'].removeprefix('#') for a in reader.named('a')]
    assert len(links) == 3 and set(links) <= ids  # to the content, and two sections
    regions = [a for _, a in reader.tags if a.get('role') == 'region']
    assert len(regions) == 3 and all(r['tabindex'] == '0' for r in regions)
    assert all(r['aria-label'] for r in regions)
    assert [tag for tag, _ in reader.tags if tag in ('h1', 'h2', 'h3')] == [
        'h1', 'h2', 'h3', 'h2'
    ]  # fmt: skip


def test_columns_of_numbers_are_known_by_their_cells():
    rows = [['a1', '1.5', '2 %', '', '3.0 \u00b1 0.2', '1 of 2']]
    found = Table(['n'] * 6, rows).numeric
    assert found == [False, True, True, False, True, False]


def test_what_is_no_block_is_refused(tmp_path):
    with pytest.raises(ValueError, match='cat.*not a PNG'):
        section = Section('a', [Picture(b'GIF89a', 'cat')])
        write_page(tmp_path / 'page.html', 'a', [section])
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match='mine.*1 cells under 2'):
        Table(['a', 'b'], [['1']], 'mine')


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / 'page.html'
    path.write_text('old')

    def full(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('mcmi_plugin.whole_file.os.replace', full)
    with pytest.raises(UserError, match='No space left'):
        write_page(path, 'a', [])
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_may_be_a_file(tmp_path):
    (tmp_path / 'a.png').write_bytes(PNG)
    write_page(tmp_path / 'file.html', 'a', [Section('a', [Picture(PNG, 'a')])])
    picture = Picture(Path(tmp_path / 'a.png'), 'a')
    write_page(tmp_path / 'bytes.html', 'a', [Section('a', [picture])])
    assert (tmp_path / 'file.html').read_bytes() == (
        tmp_path / 'bytes.html'
    ).read_bytes()


def test_the_worst_pairs_by_name():
    counts = [[5, 2, 0], [0, 7, 3], [2, 0, 9]]
    assert worst_pairs(counts) == [(1, 2), (0, 1), (2, 0)]
    matrix, table = confusion_blocks(counts, ['cat', 'dog', 'emu'], 'all 28')
    assert '21 of 28 right (75.00 %)' in matrix.caption
    assert table.rows[0] == ('dog', 'emu', '3', '30.0')
    nothing = confusion_blocks([[5, 0], [0, 7]], ['cat', 'dog'], 'all 12')[1]
    assert 'No class was taken for another' in nothing.text


@pytest.mark.parametrize('classes, kind', [(21, Picture), (300, Text)])
def test_a_matrix_of_many_classes_is_a_picture_or_none(classes, kind):
    counts = [[int(i == j) for j in range(classes)] for i in range(classes)]
    found = confusion_blocks(counts, list(map(str, range(classes))), 'all')[0]
    assert isinstance(found, kind)
