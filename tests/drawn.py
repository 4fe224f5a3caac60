"""Figures as they were written, and a teacher to draw."""

import contextlib

import pytest
from matplotlib.figure import Figure


@contextlib.contextmanager
def written():
    """``with written() as figures:`` every figure that is written, as it then was."""
    figures, save = [], Figure.savefig

    def note(self, *args, **kwargs):
        save(self, *args, **kwargs)
        self.canvas.draw()  # at its own size again
        figures.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, 'savefig', note)
        yield figures


def assert_whole(figure):
    """No part of it lies outside of it; in inches."""
    drawn = figure.get_tightbbox()
    assert drawn.x0 >= -0.01 and drawn.x1 <= figure.get_figwidth() + 0.01
    assert drawn.y0 >= -0.01 and drawn.y1 <= figure.get_figheight() + 0.01


def history(cmi, ll, epochs=5):
    return [dict(epoch=i, cmi=cmi / i, ll=ll / i) for i in range(1, epochs + 1)]


def teacher(cmi, ll):
    """``meta['mcmi']``: its likelihood training, its fine-tune, and both ends."""
    before, after = ({'train': dict(cmi=cmi / k, ll=ll / k)} for k in (2, 3))
    return dict(
        lmda=0.2, before=before, after=after, history=history(cmi, ll),
        base=dict(source='r34.pth', history=history(1.0, -2.0)),
    )  # fmt: skip
