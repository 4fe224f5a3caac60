"""Time ours against plain PyTorch, in turn, and say which ratios are reached.

python -m benchmarks                 # all suites
python -m benchmarks centroids crd   # some
"""

import argparse

import torch
from rich.console import Console

import mcmi_plugin  # noqa: F401  makes MMRazor import; before any config is read
from benchmarks import results
from benchmarks.harness import Contest, Difference, NotHere, measure
from benchmarks.peers import check_peer
from benchmarks.suites import SUITES, check_names, contests
from mcmi_plugin.commands import run
from mcmi_plugin.isolation import isolated


def main(args: argparse.Namespace) -> None:
    check_names(args.suites)
    if args.peer:
        check_peer(args.peer)
    torch.set_num_threads(args.threads)
    rows, differ = [], []
    for name in args.suites or SUITES:
        try:
            with isolated():
                for contest in contests(name, args.peer, args.small):
                    rows.append(
                        results.row(
                            measure(contest, args.rounds)
                            if isinstance(contest, Contest)
                            else contest
                        )
                    )
                    print(results.in_words(rows[-1]), flush=True)
                    # Now: whoever stops it has what is there.
                    results.write_json(results.as_json(rows, args.threads), args.out)
        except NotHere as reason:
            print(f'{name}: skipped, {reason}', flush=True)
        except Difference as error:
            differ.append(name)
            print(f'{name}: NOT TIMED, {error}', flush=True)
    found = results.as_json(rows, args.threads)
    results.write_json(found, args.out)
    if args.markdown:
        print(results.markdown(found))
    else:
        Console().print(results.table(rows))
    print(f'written: {args.out}')
    if differ:
        raise Difference(f'{", ".join(differ)}: ours is not what the baseline is')


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(
        prog='python -m benchmarks', description=(__doc__ or '').splitlines()[0]
    )
    parse.add_argument(
        'suites',
        nargs='*',
        metavar='SUITE',
        help=f'{", ".join(SUITES)} (default: all)',
    )
    parse.add_argument('--out', default='work_dirs/benchmark/results.json')
    parse.add_argument(
        '--peer',
        metavar='DIR',
        help='checkout of RepDistiller or mdistiller, whose loop joins `step`',
    )
    parse.add_argument(
        '--small',
        action='store_true',
        help='`gpu` in tiny sizes, also without one; its figures say nothing',
    )
    parse.add_argument('--rounds', type=int, help="in place of each suite's own number")
    parse.add_argument('--threads', type=int, default=1, help='of PyTorch')
    parse.add_argument(
        '--markdown', action='store_true', help='print the table for the results page'
    )
    return parse


if __name__ == '__main__':
    run(main, parser())
