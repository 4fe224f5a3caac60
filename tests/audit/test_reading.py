"""What is said of the figures."""

import pytest

from mcmi_plugin.audit.output import class_table, lambda_rows, main_table
from mcmi_plugin.audit.reading import sentences, temperature_words


def split(ll=-0.5, accuracy=90.0, confidence=90.0, cmi_at=2.0):
    temperatures = [
        dict(temperature=t, cmi=1.0 - abs(t - cmi_at) / 100, ll=ll, entropy=1.0)
        for t in (0.5, 1.0, 2.0, 4.0)
    ]
    return dict(
        num_samples=10,
        ll=ll,
        cmi=0.1,
        entropy=1.0,
        accuracy=accuracy,
        confidence=confidence,
        calibration_error=1.0,
        temperatures=temperatures,
        temperature_of_cmi=cmi_at,
        temperature_of_ll=1.0,
    )


LAMBDA = dict(flip=0.2, low=0.01, high=0.4, label='cat', least='car')


def audit(train=None, val=None, found=LAMBDA, made=None):
    return dict(
        train=split(**(train or {})),
        val=split(**(val or {})),
        made=made or {},
        classes=[{}] * 10,
        **{'lambda': found},
    )


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        (audit(train=dict(ll=-0.1)), 'the classes hardly overlap'),
        (audit(train=dict(ll=-0.5)), 'overlap a little'),
        (audit(train=dict(ll=-0.7)), 'mcmi.form=budget mcmi.eps=0.02 gained'),
        (audit(val=dict(ll=-0.75)), '0.250 nats higher'),
        (audit(val=dict(accuracy=19.0)), 'by chance it would be in 10 %'),
        (audit(val=dict(confidence=95.0)), 'overconfident'),
        (audit(val=dict(confidence=80.0)), 'underconfident'),
        (audit(val=dict(confidence=90.5)), 'no more and no less sure'),
        (audit(train=dict(cmi_at=4.0)), 'at T = 4 or more'),
        (audit(train=dict(cmi_at=0.5)), 'at T = 0.5 or less'),
        (audit(), 'near lambda 0.2, because of class cat, which looks least like car'),
        (audit(found=dict(LAMBDA, flip=None)), 'no bound to lambda'),
        (audit(found=dict(missing=list('abcdefg'))), 'a, b, c, d, e and 2 more'),
        (audit(made=dict(stage='mcmi', lmda=0.3)), 'already (lambda 0.3)'),
        (audit(), 'The curve has 4 of 15 temperatures: the class sums of more'),
        (audit(), 'promises a better student'),
    ],
)
def test_what_is_said(given, said):
    assert said in ' '.join(sentences(given))


def test_what_is_not_said():
    text = ' '.join(sentences(audit()))
    assert 'by heart' not in text
    assert 'by chance' not in text
    assert 'MCMI teacher already' not in text


@pytest.mark.parametrize(
    ('classes', 'accuracy', 'warned'),
    [(1, 100.0, 0), (2, 91.0, 0), (2, 60.0, 1), (3, 55.0, 0), (3, 40.0, 1)],
)
def test_few_classes_are_right_by_chance_more_often(classes, accuracy, warned):
    of = audit(val=dict(accuracy=accuracy)) | dict(classes=[{}] * classes)
    assert ('by chance' in ' '.join(sentences(of))) == warned


def test_one_temperature_is_no_curve():
    lone = split()
    lone['temperatures'] = lone['temperatures'][1:2]
    lone['temperature_of_cmi'] = 1.0
    assert temperature_words(lone, 'temperature_of_cmi') == 'not known'
    given = audit()
    given['train'] = lone
    assert any('No temperature curve' in text for text in sentences(given))


def test_tables():
    given = audit(train=dict(ll=-0.1))
    rows = {row[0]: row[1:] for row in main_table(given).rows}
    assert rows['LL, nats'] == ['-0.1000', '-0.5000']
    names = [name for name, _, _ in lambda_rows(given)]
    assert names == ['lambda to search', 'labels may flip near lambda']
    given['lambda'] = dict(missing=['cat'])
    assert lambda_rows(given)[0][1] == 'none'


def test_the_highest_and_the_lowest_classes():
    classes = [
        dict(name=f'c{i}', cmi=i / 100, ll=-1.0, accuracy=50.0, samples=3)
        for i in range(100)
    ]
    classes[50]['cmi'] = None  # without a sample
    names = [row[0] for row in class_table(dict(classes=classes)).rows]
    assert names == [
        'c99', 'c98', 'c97', 'c96', 'c95', '...', 'c4', 'c3', 'c2', 'c1', 'c0',
    ]  # fmt: skip
