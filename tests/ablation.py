"""Switch every step of the reader off, one at a time, and show what that costs: a row a step, a column a yardstick.

    python -m tests.ablation --pages 4

A number is the change, in points, of the digits right on composed pages of held-out digits (see `tests.score_pages`);
of text it is the change in false digits for each 1,000 letters, below 0 where there are more. A step that has no column
in which it earns its place is to go. With `--photos`, a folder with labels.json as in `tests.accuracy_table`, there is
a column for those.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from tests.page import Page
from tests.score_pages import Tally, compose, load_digits, measure, pages_of
from utils import frame, ink, lattice, page, reader, rules, run, segment, straight, ticks, writing
from utils.classifier import load_classifier
from utils.picture import read_picture

COLUMNS = {
    "singles": ("28 x 28", "enlarged", "tight", "brush", "thin pen", "bold", "500 px", "lined", "circled", "hollow"),
    "borders": ("two", "edge", "strip", "mosaic", "figure"),
    "lines": ("ruled", "squared", "squares", "form", "table", "askew", "boxed", "joined", "comb"),
    "light": ("clean", "board", "shadow", "noise", "faint", "blur"),
    "touching": ("touching", "slope"),
    "sizes": ("14 px", "20 px", "40 px", "100 px", "400 px"),
    "surroundings": (
        *("alone", "clutter", "rough desk", "slip", "things"),
        *("header", "signs", "dates", "one hand", "ticks", "words", "list", "side print"),
    ),
    "near words": ("near words", "printed list"),
    "turned": ("sideways", "sideways row", "upside down"),
    "text": ("text",),
}


def keep(module, name: str, result: Callable) -> Callable[[], contextlib.AbstractContextManager]:
    """Have a function of a module return what `result` makes of its arguments."""
    return lambda: mock.patch.object(module, name, result)


def hypotheses(
    kept: Callable[[reader.Hypothesis, reader.Hypothesis], bool],
) -> Callable[[], contextlib.AbstractContextManager]:
    """Leave hypotheses out; `kept` is asked about each and the first."""
    every = reader.hypotheses

    def some(grey, turn=0):
        first, *others = every(grey, turn)
        return [first, *(other for other in others if kept(other, first))]

    return keep(reader, "hypotheses", some)


def all_digits(lines, height):
    """Take every piece for digits."""
    return [[digit for _, part in line for digit in part] for line in lines], []


def no_lines(*_, **__):
    return []


STEPS = {
    "the other polarity": hypotheses(lambda other, first: other.light_ink == first.light_ink),
    "large writing": hypotheses(lambda other, _: other.paper == ink.PAPERS[0]),
    "very large writing": hypotheses(lambda other, _: other.paper != ink.PAPERS[-1]),
    "what readings agree on": keep(reader, "support", lambda page, _: page.evidence),
    "what is written in the other ink": keep(reader, "with_other_ink", lambda page, *_: page),
    "sheets on their own": keep(reader, "find_sheets", lambda _: []),
    "turned pages": keep(reader, "likely_turn", lambda *_: 0),
    "enlarging small writing": lambda: mock.patch.object(page, "LEGIBLE", 0),
    "...but not grain": lambda: mock.patch.object(page, "GRAIN", 0.1),
    "the sheet's own strokes": keep(page, "find_sheet", lambda *_: None),
    "dropping the desk": keep(page, "without_desk", lambda pieces, _: list(pieces)),
    "filling hollow digits": keep(page, "fill_outlines", lambda pieces, shown, _: (list(pieces), shown)),
    "erasing printed lines": keep(page, "erase_lines", lambda pieces, *_: list(pieces)),
    "...boxes around digits": keep(rules, "without_frames", lambda pieces, _: list(pieces)),
    "...what surrounds a digit": keep(rules, "without_surroundings", lambda pieces: pieces),
    "...circles of the other ink": keep(reader, "without_circles", lambda page, _: page),
    "...where little is digits": keep(rules, "unveil", lambda pieces, shown, _: (list(pieces), shown < -9)),
    "...sides of cells": keep(straight, "hanging", no_lines),
    "...ticks and low cells": keep(ticks, "evenly_standing", no_lines),
    "joining broken digits": keep(page, "mend", lambda pieces, *_: segment.digit_sized(pieces)),
    "...but not those of two lines": keep(segment, "spans_rows", lambda *_: False),
    "...nor two dashes": lambda: mock.patch.object(segment, "DASH", float("inf")),
    "dropping holes": keep(page, "without_holes", lambda pieces: pieces),
    "dropping what has no paper around it": keep(page, "on_paper", lambda *_: True),
    "passing over textures": keep(page, "is_texture", lambda *_: False),
    "dropping gaps between tiles": keep(page, "is_gap", lambda *_: False),
    "dropping what another pen wrote": keep(page, "same_pen", lambda pieces, *_: pieces),
    "cutting touching digits": keep(
        page, "part_digits", lambda lines, *_: [[(piece, [piece]) for piece in line] for line in lines]
    ),
    "...ticks and arrows": lambda: mock.patch.multiple(lattice, LEAST_WIDTH=0.0, is_tick=lambda *_: False),
    "dropping words": keep(page, "find_numbers", all_digits),
    "...words by clearly wider gaps": keep(
        writing, "part_words", lambda line, tall: writing.split(line, segment.CLOSE * tall)
    ),
    "...what is doubtful speaks for neither": lambda: mock.patch.object(writing, "DOUBT", 0.0),
    "...one piece outvotes no number": lambda: mock.patch.object(writing, "WEAKEST", -100.0),
    "...words weigh less than numbers": lambda: mock.patch.object(writing, "LABELS", 1.0),
    "...a run's line and column before the rest": lambda: mock.patch.object(writing, "FAR", 1.0),
    "...words that run up the page": keep(page, "without_upright_words", lambda pieces, _: pieces),
    "...slashes and brackets": keep(writing, "is_bar", lambda *_: False),
    "...slashes that lean": keep(writing, "find_slashes", lambda *_: set()),
    "...commas": lambda: mock.patch.object(writing, "COMMA", 0.0),
    "...but not signs beside digits": keep(
        writing, "vote", lambda run, *how: sum(writing.vote_of(*one, *how) for one in run)
    ),
    "dropping what the edge cuts off": keep(page, "without_edges", lambda lines, _: lines),
    "thickening thin strokes": lambda: mock.patch.object(frame, "STROKE", 0),
}


def photos(folder: Path) -> list[Page]:
    """Labelled photos as pages."""
    labels = json.loads((folder / "labels.json").read_text())
    return [Page(read_picture(folder / entry["file"]), entry["lines"]) for entry in labels]


def main() -> None:
    listed = "\n".join(f"  {column}: {', '.join(names)}" for column, names in COLUMNS.items())
    steps = "\n".join(f"  {step}" for step in STEPS)
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"columns, and their conditions:\n{listed}\nsteps:\n{steps}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="output/mnist_cnn.tflite", help="trained network (%(default)s)")
    parser.add_argument("--pages", type=int, default=4, help="of each condition (%(default)s)")
    parser.add_argument(
        "--column", nargs="+", default=COLUMNS, choices=COLUMNS, metavar="NAME", help="yardsticks (all)"
    )
    parser.add_argument("--step", nargs="+", default=STEPS, choices=STEPS, metavar="NAME", help="to switch off (all)")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="labelled photos as a further column")
    args = parser.parse_args()

    classifier, data = load_classifier(args.model), load_digits(held_out=True)
    pages = {
        column: [compose(name, k, data, 0) for name in names for k in range(pages_of(name, args.pages))]
        for column, names in COLUMNS.items()
        if column in args.column
    }
    if args.photos:
        pages["photos"] = photos(args.photos)

    def row() -> dict[str, Tally]:
        return {column: measure(column, some, classifier) for column, some in pages.items()}

    print(f"| without | {' | '.join(pages)} |")
    print("|---" * (1 + len(pages)) + "|")
    whole = row()
    shown = (f"{1000 * t.right:.1f}" if column == "text" else f"{t.right:.1%}" for column, t in whole.items())
    print(f"| (all steps) | {' | '.join(shown)} |", flush=True)
    for step in args.step:
        with STEPS[step]():
            without = row()
        change = {column: without[column].right - tally.right for column, tally in whole.items()}
        shown = (f"{(1000 if column == 'text' else 100) * by:+.1f}" if by else "" for column, by in change.items())
        print(f"| {step} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    sys.exit(run(main))
