"""The page in headless Chromium: a desktop and a phone, light, dark and on paper."""

import base64
import io
import json
import os

import pytest
from browsing import CHROMIUM, DRIVER, FLAGS, SIZES, show
from PIL import Image

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
from mcmi_plugin.shown.page import write_page

# Ratios of luminance between every text and what is behind it (WCAG 2.2, 1.4.3).
CONTRASTS = """
const numbers = text => {
  const found = text.match(/[\\d.]+/g).map(Number);
  const scale = text.startsWith('color(') ? 1 : 255;
  return [...found.slice(0, 3).map(v => v / scale), found.length > 3 ? found[3] : 1];
};
const luminance = rgb => {
  const [r, g, b] = rgb.map(
    v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const colour = numbers(getComputedStyle(e).backgroundColor);
    if (colour[3] === 1) return colour;
  }
  return [1, 1, 1];
};
const worst = {};
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(
    node => node.nodeType === 3 && node.data.trim());
  if (!own) continue;
  const style = getComputedStyle(element);
  const [a, b] = [numbers(style.color), behind(element)].map(
    c => luminance(c.slice(0, 3)));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const name = element.tagName + '.' + element.className;
  worst[name] = Math.min(ratio, worst[name] ?? 99);
}
return worst;
"""
FOCUSED = """
const e = document.activeElement, style = getComputedStyle(e);
const box = e.getBoundingClientRect();
return {
  tag: e.tagName, name: e.className, role: e.getAttribute('role'),
  label: e.getAttribute('aria-label'), outline: style.outlineStyle,
  width: parseFloat(style.outlineWidth), seen: box.bottom > 0 && box.right > 0,
};
"""


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    if not (CHROMIUM.exists() and DRIVER.exists()):
        if os.environ.get('CI'):
            pytest.fail('CI has no Chromium: apt-get install chromium chromium-driver')
        pytest.skip('no Chromium: apt-get install chromium chromium-driver')
    webdriver = pytest.importorskip('selenium.webdriver')
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f'user-data-dir={tmp_path_factory.mktemp("chromium")}'):
        options.add_argument(f'--{flag}')
    options.set_capability('goog:loggingPrefs', dict(browser='ALL', performance='ALL'))
    service = webdriver.ChromeService(str(DRIVER))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


def every_block() -> list:
    lines = [Line('a', [(i, i) for i in range(1, 30)], '0.2')]
    chart = draw_chart(lines, 'epoch', 'accuracy, %')
    wide = io.BytesIO()
    Image.new('RGB', (1600, 500), 'white').save(wide, 'png')
    classes = ['aeroplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog']
    counts = [[90 if i == j else 3 * (i > j) for j in range(7)] for i in range(7)]
    hash_like = '0123456789abcdef' * 8
    return [
        KeyFigures([('Student', '98.87 %', 'best 99.00 %'), ('CMI', '0.0045', 'MLL')]),
        Text('Words, and a path of many parts: ' + 'a_long_folder/' * 20),
        Table([f'a column {i}' for i in range(14)], [['name', *['-1.234'] * 13]] * 3),
        Table(['', 'the teacher'], [('SHA-256', hash_like), ('file', hash_like)]),
        Matrix(classes, counts, 'of 797'),
        Subheading('Pictures'),
        Picture(chart, 'a chart', 'small'),
        Picture(chart, 'a chart', 'small'),
        Picture(wide.getvalue(), 'a wide picture', 'wide'),
        Code('python tools/train.py ' + '--cfg-options a.b=c ' * 20),
        Code('\n'.join(f'line {i}' for i in range(99)), 'The whole config'),
    ]


@pytest.fixture(params=['every block', 'quick start'])
def page(request, tmp_path):
    """One with everything on it, and that of a real run."""
    if request.param == 'quick start':
        return request.getfixturevalue('quickstart').work_dir / 'report.html'
    parts = [Section('First', every_block()), Section('Second', [Text('b')])]
    write_page(tmp_path / 'page.html', 'A title', parts, 'a note')
    return tmp_path / 'page.html'


def requested(browser) -> list[str]:
    """Addresses that the page has asked for."""
    events = [
        json.loads(e['message'])['message'] for e in browser.get_log('performance')
    ]
    asked = [e for e in events if e['method'] == 'Network.requestWillBeSent']
    addresses = [event['params']['request']['url'] for event in asked]
    return [a for a in addresses if not a.startswith('data:')]


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('size', ['desktop', 'phone'])
def test_it_fits_it_is_legible_and_asks_for_nothing(browser, page, size, scheme):
    show(browser, page, size, scheme)
    assert browser.get_log('browser') == []  # no error, and nothing refused
    assert requested(browser) == [page.as_uri()]
    assert not browser.execute_script('return document.scripts.length')
    width = browser.execute_script('return document.documentElement.scrollWidth')
    assert width <= SIZES[size][0]
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 10
    assert min(contrasts.values()) >= 4.5, contrasts
    back = browser.execute_script('return getComputedStyle(document.body).background')
    assert ('rgb(18,' in back) == (scheme == 'dark')
    png = base64.b64decode(browser.get_screenshot_as_base64())
    with Image.open(io.BytesIO(png)) as shot:
        assert shot.size == SIZES[size]
        assert len(shot.convert('RGB').getcolors(2**20)) > 50  # something is drawn


def test_every_picture_is_shown(browser, page):
    show(browser, page)
    sizes = browser.execute_script(
        'return [...document.images].map(i => [i.naturalWidth, i.clientWidth])'
    )
    assert sizes and all(natural > 0 and shown > 100 for natural, shown in sizes)


@pytest.mark.parametrize('size', ['desktop', 'phone'])
def test_the_keyboard_reaches_all_of_it(browser, page, size):
    from selenium.webdriver import ActionChains, Keys

    show(browser, page, size)

    def press(key):
        ActionChains(browser).send_keys(key).perform()
        return browser.execute_script(FOCUSED)

    first = press(Keys.TAB)
    assert first['name'] == 'skip' and first['seen']
    assert first['outline'] != 'none' and first['width'] >= 2
    press(Keys.ENTER)
    assert browser.execute_script('return location.hash') == '#main'
    regions = browser.execute_script(
        'return [...document.querySelectorAll("[role=region]")]'
        '.filter(e => !e.closest("details")).map(e => e.getAttribute("aria-label"))'
    )
    reached, summaries = [], 0
    for _ in range(len(regions) + 10):
        now = press(Keys.TAB)
        if now['tag'] == 'BODY':
            break
        assert now['outline'] != 'none' and now['width'] >= 2 and now['seen'], now
        reached += [now['label']] if now['role'] == 'region' else []
        summaries += now['tag'] == 'SUMMARY'
    assert reached == regions and len(regions) >= 2
    assert summaries == browser.execute_script(
        'return document.querySelectorAll("summary").length'
    )


def test_on_a_phone_a_wide_table_scrolls_in_its_own_box(browser, tmp_path):
    from selenium.webdriver import ActionChains, Keys

    path = tmp_path / 'page.html'
    write_page(path, 'A title', [Section('First', every_block())])
    show(browser, path, 'phone')
    scrolled = 'return document.querySelector(".tabular .scroll").scrollLeft'
    browser.execute_script('document.querySelector(".tabular .scroll").focus()')
    assert browser.execute_script(scrolled) == 0
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT * 3).perform()
    browser.implicitly_wait(0)
    moved = browser.execute_async_script(
        f'const done = arguments[0], look = () => {{ {scrolled} }};'
        'setTimeout(() => done(look()), 400)'
    )
    assert moved > 0
    assert browser.execute_script('return scrollX') == 0


def test_on_paper_nothing_is_cut_or_folded(browser, page):
    show(browser, page, 'paper', 'dark', media='print')
    cut = browser.execute_script(
        'return [...document.querySelectorAll("[role=region]")]'
        '.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)'
    )
    assert cut == []
    assert 'rgb(255, 255, 255)' in browser.execute_script(
        'return getComputedStyle(document.body).background'
    )
    heights = browser.execute_script(
        'return [...document.querySelectorAll("details pre")].map(e => '
        'e.checkVisibility() ? e.parentElement.getBoundingClientRect().height : 0)'
    )
    assert heights and min(heights) > 300
    pdf = browser.execute_cdp_cmd('Page.printToPDF', dict(printBackground=False))
    assert base64.b64decode(pdf['data']).startswith(b'%PDF')


# Whether the names and numbers of a matrix lie whole and unbroken in their cells.
MATRIX = """
const rows = [];
for (const cell of document.querySelectorAll('.matrix th, .matrix td')) {
  if (!cell.innerText.trim()) continue;
  const range = document.createRange();
  range.selectNodeContents(cell);
  const text = range.getBoundingClientRect(), box = cell.getBoundingClientRect();
  const words = [];
  for (const word of cell.innerText.split(/[\\s-]+/)) {
    const node = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode();
    const at = node.data.indexOf(word);
    if (at < 0) continue;
    range.setStart(node, at); range.setEnd(node, at + word.length);
    words.push(range.getClientRects().length);
  }
  rows.push({
    text: cell.innerText, size: parseFloat(getComputedStyle(cell).fontSize),
    inside: text.left >= box.left - 1 && text.right <= box.right + 1 &&
      text.top >= box.top - 1 && text.bottom <= box.bottom + 1,
    broken: words.some(n => n > 1),
  });
}
const region = document.querySelector('.matrix .scroll');
return {rows, scrolls: region.scrollWidth > region.clientWidth + 1};
"""
LONG = [
    'ankle boot', 'button-down shirt', 'sandal with a heel', 'automobile',
    'evening dress', 'pullover', 'pair of trousers', 'long winter coat', 'aeroplane',
    'shoulder bag',
]  # fmt: skip


@pytest.mark.parametrize(
    'size, media, least', [('desktop', 'screen', 13), ('paper', 'print', 10)]
)
def test_a_matrix_of_ten_long_names_can_be_read(browser, tmp_path, size, media, least):
    counts = [[1000 if i == j else 10 * (i > j) for j in range(10)] for i in range(10)]
    path = tmp_path / 'page.html'
    write_page(path, 'A title', [Section('First', [Matrix(LONG, counts, 'of all')])])
    show(browser, path, size, media=media)
    if size == 'desktop':
        browser.execute_cdp_cmd(
            'Emulation.setDeviceMetricsOverride',
            dict(width=1200, height=900, deviceScaleFactor=1, mobile=False),
        )
    found = browser.execute_script(MATRIX)
    assert len(found['rows']) == 1 + 2 * 10 + 10 + 45
    assert not found['scrolls']
    for cell in found['rows']:
        assert cell['inside'] and not cell['broken'] and cell['size'] >= least, cell
