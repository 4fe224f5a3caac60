"""Wrong commands, and the words that the line about each must hold.

``{inputs}`` is the folder of the fixture of that name, ``{project}`` the project's.
"""

_DIGITS_CONFIG = '{project}/tests/shaken_quickstart.py'


def _cifar(folder: str) -> str:
    roots = [
        f'{split}_dataloader.dataset.data_root={{inputs}}/{folder}'
        for split in ('train', 'val', 'test')
    ]
    config = '{project}/configs/distill/r56_r20_kd.py'
    teacher = 'model.teacher_ckpt=None mcmi.mll_epochs=1'
    return f'train.py {config} --cfg-options {teacher} {" ".join(roots)}'


# Whole commands.
COMMANDS = {
    'no config': ('train.py nowhere.py', ['there is no config nowhere.py']),
    'misspelt config': (
        'train.py {project}/configs/mcmi/quickstart_digit.py',
        ['did you mean', 'quickstart_digits.py?'],
    ),
    'config that is no Python': ('train.py {inputs}/broken.py', ['broken.py']),
    'misspelt pair': (
        'train.py {inputs}/misspelt_pair.py',
        ['misspelt_pair.py', 'did you mean', 'r56_r20.py?'],
    ),
    'misspelt word of a method': (
        'train.py {inputs}/misspelt_word.py',
        ['method mine', "'student.logit'"],
    ),
    'no key and value': (
        f'train.py {_DIGITS_CONFIG} --cfg-options mcmi.lmda',
        ['--cfg-options mcmi.lmda', 'KEY=VALUE'],
    ),
    'unknown flag': (f'train.py {_DIGITS_CONFIG} --seed 3', ['--seed']),
    'unknown launcher': (
        f'train.py {_DIGITS_CONFIG} --launcher gloo',
        ["'gloo'", 'pytorch'],
    ),
    'CIFAR that is not there': (
        _cifar('nowhere'),
        ['cifar-100-python.tar.gz', 'train_dataloader.dataset.data_root=DIR'],
    ),
    'CIFAR cut short': (
        _cifar('cifar_cut'),
        ['cifar_cut/cifar-100-python.tar.gz', 'download it again'],
    ),
    'CIFAR that runs code': (
        _cifar('cifar_hostile'),
        ['cifar_hostile/cifar-100-python.tar.gz', 'download it again'],
    ),
    'Fashion-MNIST that is not there': (
        f'train.py {_DIGITS_CONFIG} --cfg-options '
        'train_dataloader.dataset.type=FashionMNIST '
        'train_dataloader.dataset.data_root={inputs}/nowhere',
        ['nowhere/train-images-idx3-ubyte.gz', 'train_dataloader.dataset.data_root='],
    ),
    'test of no file': (f'test.py {_DIGITS_CONFIG} none.pth', ['none.pth', 'no such']),
    'test of a text': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/text.pth',
        ['text.pth', 'is not a checkpoint'],
    ),
    'test of another network': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/good.pth',
        ['good.pth', 'does not fit'],
    ),
    'test of code': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/runs_code.pth',
        ['runs_code.pth', 'could run code'],
    ),
    'figures into no folder': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/good.pth --out no/out.json',
        ['--out no/out.json', 'no such folder'],
    ),
    'test without a test set': (
        f'test.py {_DIGITS_CONFIG} {{inputs}}/good.pth '
        '--cfg-options test_dataloader=None',
        ['test_dataloader is not set'],
    ),
    'conversion of no file': (
        f'convert_checkpoint.py none.pth out.pth --config {_DIGITS_CONFIG}',
        ['none.pth', 'no such checkpoint'],
    ),
    'conversion over the source': (
        'convert_checkpoint.py {inputs}/good.pth {inputs}/good.pth '
        f'--config {_DIGITS_CONFIG}',
        ['good.pth', 'name another file'],
    ),
    'conversion with a name that is not there': (
        'convert_checkpoint.py {inputs}/good.pth out.pth --rename nothing.=x. '
        f'--config {_DIGITS_CONFIG}',
        ['--rename nothing.=x.', 'those of the file are'],
    ),
    'conversion of an entry that is not there': (
        'convert_checkpoint.py {inputs}/good.pth out.pth --take ema '
        f'--config {_DIGITS_CONFIG}',
        ['--take ema: there are no weights; there is'],
    ),
    'no number of processes': (
        f'dist_train.sh {_DIGITS_CONFIG}',
        ['PROCESSES', 'usage: bash tools/dist_train.sh'],
    ),
    'processes in words': (
        f'dist_test.sh {_DIGITS_CONFIG} {{inputs}}/good.pth two',
        ['PROCESSES', 'usage: bash tools/dist_test.sh'],
    ),
}
