"""A page in headless Chromium: a desktop, a phone, or paper; light or dark."""

from pathlib import Path

CHROMIUM, DRIVER = Path('/usr/bin/chromium'), Path('/usr/bin/chromedriver')
# As root, alone, and without asking for its own updates.
FLAGS = (
    'headless', 'no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run',
    'disable-background-networking', 'disable-component-update', 'disable-sync',
    'hide-scrollbars',
)  # fmt: skip
SIZES = dict(desktop=(1280, 900), phone=(390, 844), paper=(718, 1047))  # A4


def show(browser, page, size='desktop', scheme='light', media='screen'):
    width, height = SIZES[size]
    browser.execute_cdp_cmd(
        'Emulation.setDeviceMetricsOverride',
        dict(width=width, height=height, deviceScaleFactor=1, mobile=size == 'phone'),
    )
    features = [dict(name='prefers-color-scheme', value=scheme)]
    browser.execute_cdp_cmd(
        'Emulation.setEmulatedMedia', dict(media=media, features=features)
    )
    for log in ('browser', 'performance'):
        browser.get_log(log)  # of the page before
    browser.get(page.as_uri())
