"""The conditions under which composed pages are written and photographed."""

import dataclasses

from tests.signs import BRACKETS, OPERATORS, TICKS

INKS = {  # BGR reflectance
    "blue": (0.42, 0.17, 0.10),
    "black": (0.13, 0.12, 0.12),
    "red": (0.16, 0.13, 0.62),
    "pencil": (0.27, 0.26, 0.26),
}
CHALK = (0.93, 0.97, 0.96)


@dataclasses.dataclass(frozen=True)
class Condition:
    """How a page is written, on what, and how it is photographed; ranges are drawn from uniformly.

    `height` is in pixels; `gap`, `space`, `margin` and `pitch` (of the rows) are in digit heights; `weight` is the
    stroke's width as a share of MNIST's; `slope` is in degrees; `blur` in pixels or, where `blur_heights`, in digit
    heights; `noise` in grey levels; `dark` is the light at the picture's darkest end.
    """

    inks: tuple[str, ...] = tuple(INKS)
    surface: str = "paper"  # paper, ruled, squared, squares, board, form, table, mass, text, printed list
    layouts: tuple[str, ...] = ("lines", "lines", "lines", "columns", "single")
    rows: tuple[int, int] = (2, 6)
    per_row: tuple[int, int] = (3, 10)
    height: tuple[float, float] = (36, 80)
    gap: tuple[float, float] = (0.15, 0.5)
    space: tuple[float, float] = (0.9, 1.6)  # between numbers, and between words and numbers
    margin: tuple[float, float] = (0.8, 3.0)
    pitch: tuple[float, float] = (1.7, 2.4)
    weight: tuple[float, float] = (0.45, 1.0)
    contrast: tuple[float, float] = (0.75, 1.0)
    slope: tuple[float, float] = (-1.2, 1.2)
    blur: tuple[float, float] = (0.4, 0.8)
    blur_heights: bool = False
    noise: tuple[float, float] = (1.0, 3.0)
    dark: tuple[float, float] = (0.75, 1.0)
    shadow: bool = False
    touching: bool = False
    things: int = 0  # pens and erasers that are tried to be put on free places
    clutter: bool = False
    marks: tuple[int, int] = (6, 16)  # stray ones on a sheet among clutter; fewer than the second number
    grain: float = 1.0  # of the desk under the clutter, times that of planed wood
    desk: tuple[float, float] = (0.12, 0.4)  # how far it reaches beyond each side of the sheet, in the longer sides
    is_round: bool = False  # the sheet on the desk
    signs: tuple[str, ...] = ()  # between numbers
    one_hand: bool = False  # all digits lean as those of one writer do
    words: bool = False  # beside numbers
    side_print: bool = False  # printed words that run up the page beside them
    header: bool = False  # the first row is light on a dark band
    askew: tuple[float, float] | tuple[()] = ()  # degrees by which the photo is turned, either way
    turn: int = 0  # quarters of a turn, counter-clockwise


def _of_height(pixels: int, **changes) -> Condition:
    few = pixels > 150
    return Condition(
        height=(pixels, pixels),
        layouts=("lines",),
        rows=(2, 4) if few else (4, 8),
        per_row=(3, 6) if few else (5, 14),
        margin=(0.4, 1.0) if few else (1.0, 12.0) if pixels < 50 else (0.8, 3.0),
        blur=(0.4, 0.6) if pixels < 50 else (0.5, 1.2),
        **changes,
    )


CONDITIONS = {
    "clean": Condition(),
    "ruled": Condition(surface="ruled", layouts=("lines",), pitch=(1.3, 1.7)),
    "squared": Condition(surface="squared"),
    "board": Condition(surface="board", height=(50, 110), weight=(0.6, 1.1), contrast=(0.6, 0.95), dark=(0.5, 1.0)),
    "form": Condition(surface="form", layouts=("cells",), rows=(2, 5), per_row=(4, 9)),
    "slope": Condition(slope=(-8, 8), layouts=("lines", "lines", "columns")),
    "shadow": Condition(dark=(0.3, 0.5), shadow=True),
    "blur": Condition(blur=(0.04, 0.08), blur_heights=True),
    "noise": Condition(noise=(10, 22)),
    "touching": Condition(layouts=("pairs",), touching=True, rows=(3, 6)),
    "faint": Condition(inks=("pencil",), contrast=(0.17, 0.25), weight=(0.4, 0.7)),
    "marker": Condition(weight=(1.4, 1.9), height=(50, 130), layouts=("lines", "lines", "single"), gap=(0.25, 0.6)),
    "clutter": Condition(clutter=True),
    "things": Condition(things=40, margin=(2, 4), contrast=(0.2, 0.5), weight=(0.4, 0.7)),
    "rough desk": Condition(clutter=True, grain=4.0),
    "slip": Condition(
        clutter=True, desk=(0.3, 1.0), layouts=("lines",), rows=(1, 1), per_row=(5, 16), margin=(0.3, 0.8)
    ),
    "alone": Condition(
        clutter=True, marks=(0, 1), desk=(0.1, 0.5), layouts=("lines",), rows=(1, 1), per_row=(1, 1),
        height=(60, 200), margin=(0.5, 3.0), weight=(0.3, 1.0),
    ),
    "round": Condition(
        clutter=True, is_round=True, desk=(0.1, 0.6), layouts=("lines",), rows=(1, 2), per_row=(3, 5), margin=(1.5, 3.0)
    ),
    **{f"{pixels} px": _of_height(pixels) for pixels in (14, 20, 40, 100, 200, 400)},
    "squares": Condition(surface="squares"),
    "table": Condition(surface="table", layouts=("cells", "columns"), rows=(3, 8), per_row=(4, 9), pitch=(1.4, 1.9)),
    "askew": Condition(surface="table", layouts=("cells", "columns"), rows=(3, 8), pitch=(1.4, 1.9), askew=(10, 18)),
    "header": Condition(header=True, layouts=("lines", "columns"), pitch=(2.0, 2.4)),
    "signs": Condition(signs=OPERATORS, layouts=("lines",), gap=(0.15, 0.35)),
    "dates": Condition(signs=BRACKETS, layouts=("lines",), gap=(0.15, 0.35)),
    "one hand": Condition(signs=("short slash",), one_hand=True, layouts=("lines",), per_row=(5, 10), gap=(0.15, 0.35)),
    "ticks": Condition(signs=TICKS, layouts=("lines",), gap=(0.15, 0.35)),
    "words": Condition(words=True, layouts=("lines",), per_row=(2, 5)),
    "near words": Condition(words=True, space=(0.25, 0.4), layouts=("lines",), per_row=(1, 4), gap=(0.05, 0.15)),
    "list": Condition(words=True, layouts=("lines",), rows=(6, 10), per_row=(1, 3)),
    "printed list": Condition(surface="printed list", rows=(4, 10), height=(30, 60)),
    "side print": Condition(side_print=True, layouts=("lines",), rows=(3, 6)),
    "text": Condition(surface="text", height=(14, 40)),
    "sideways": Condition(turn=1, layouts=("lines", "columns")),
    "sideways row": Condition(turn=1, layouts=("lines",), rows=(1, 1), per_row=(4, 8), gap=(0.05, 0.2)),
    "upside down": Condition(turn=2, layouts=("lines", "columns")),
    "mass": Condition(
        surface="mass", layouts=("lines",), rows=(50, 50), per_row=(100, 100), height=(20, 20), gap=(0.2, 0.3),
        weight=(0.8, 1.0), slope=(0, 0), noise=(1, 2), blur=(0.4, 0.5), margin=(1, 1.5),
    ),
}  # fmt: skip
NOTE = Condition(
    surface="ruled", layouts=("lines",), rows=(4, 4), per_row=(6, 8), height=(104, 104), weight=(0.5, 0.5),
    contrast=(0.9, 0.9), slope=(-2.5, -2.5), margin=(0.8, 1.5), pitch=(1.75, 1.75), gap=(0.26, 0.34), dark=(0.72, 0.72),
    inks=("blue",), blur=(0.8, 0.8), noise=(2, 2),
)  # fmt: skip
