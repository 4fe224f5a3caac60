"""What is wrong with a list of samples, in one line, before anything is read."""

import pytest
from imagenet_folder import CLASSES, write_folder
from pictures_config import KEY, config, error_of

from mcmi_plugin.checks.data import check_data


@pytest.fixture
def root(tmp_path):
    write_folder(tmp_path)
    return tmp_path


LINES = {
    'filename,label\n': '"FILE LABEL": a file, a space, and the number',
    'cat/0.jpg\t0\n': 'line 2: \'cat/0.jpg\\t0\' is not "FILE LABEL"',
    'cat/0.jpg,0\n': 'line 2: \'cat/0.jpg,0\' is not "FILE LABEL"',
    'cat/0.jpg -1\n': 'is not "FILE LABEL"',
    '\n': "line 2: '' is not",
    'fox/0.jpg 4\n': 'line 2: label 4 is not in [0, 4), ',
}


@pytest.mark.parametrize('line', LINES)
def test_a_line_of_a_list_that_cannot_be_meant(line, root):
    listed = root / 'list.txt'
    listed.write_text(f'cat/0.jpg 0\n{line}')
    given = dict(ann_file=str(listed), data_prefix='train', classes=CLASSES)
    message = error_of(check_data, config(root, given))
    assert message.startswith(f'{KEY}.ann_file: {listed}, line 2') or line[0] == 'f'
    assert LINES[line] in message


@pytest.mark.parametrize('encoding', ['latin-1', 'utf-16', 'utf-8-sig'])
def test_a_list_that_is_not_utf_8(encoding, root):
    listed = root / 'list.txt'
    listed.write_text('\xe9t\xe9/0.jpg 0\n', encoding)
    given = dict(ann_file=str(listed), data_prefix='train', classes=CLASSES)
    assert 'save it as UTF-8' in error_of(check_data, config(root, given))
