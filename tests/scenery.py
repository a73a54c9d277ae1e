"""What surrounds the writing on a composed page: paper, boards, printed lines, stray marks, desks, light and camera.

Surfaces are BGR float32 in [0, 1], the share of the light that they send back; `camera` makes uint8 pictures of them.
"""

import cv2
import numpy as np

WHITE_PAPER, CREAM_PAPER, GREY_PAPER = (0.93, 0.95, 0.95), (0.80, 0.90, 0.94), (0.82, 0.84, 0.84)
GREEN_BOARD, BLACK_BOARD, SLATE = (0.20, 0.24, 0.15), (0.13, 0.13, 0.13), (0.24, 0.21, 0.18)
WOODS = (0.16, 0.26, 0.38), (0.10, 0.15, 0.22), (0.25, 0.38, 0.52), (0.22, 0.21, 0.20)
RULE_INKS = (0.80, 0.66, 0.56), (0.72, 0.70, 0.68), (0.78, 0.74, 0.60)
MARGIN_INK = (0.55, 0.50, 0.85)
FORM_INKS = (0.45, 0.45, 0.45), (0.60, 0.45, 0.30), (0.45, 0.55, 0.85)
STRAY_LETTERS = "AEFHKMNRTWXYaehkmnrwx"  # none that a hand writes like a digit
WORDS = "MODEL", "FRAGILE", "KEEP DRY", "HB", "Enter", "Home", "PAPER", "MADE IN", "Total", "NOTES"


def texture(rng: np.random.Generator, shape: tuple[int, ...], grain: tuple[float, float]) -> np.ndarray:
    """Smooth noise of unit standard deviation whose features measure about `grain` (x, y) pixels, as (H, W, 1)."""
    height, width = shape[:2]
    small = [max(2, round(n / g)) for n, g in zip((height, width), (grain[1], grain[0]), strict=True)]
    noise = rng.standard_normal(small).astype(np.float32)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]


def paper(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Paper with a little grain and unevenness."""
    tint = np.array([WHITE_PAPER, CREAM_PAPER, GREY_PAPER][rng.choice(3, p=[0.6, 0.2, 0.2])])
    sheet = np.tile((tint * rng.uniform(0.95, 1.02)).astype(np.float32), (*shape, 1))
    sheet *= 1 + 0.010 * texture(rng, shape, (1.5, 1.5)) + 0.005 * texture(rng, shape, (120, 120))
    return sheet


def board(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A dark board, wiped more or less clean of chalk."""
    tint = np.array([GREEN_BOARD, BLACK_BOARD, SLATE][rng.integers(3)])
    sheet = np.tile(tint.astype(np.float32), (*shape, 1))
    wiped = (texture(rng, shape, (260, 90)) + 0.4 * texture(rng, shape, (120, 5))) * rng.uniform(0.003, 0.015)
    return np.clip(sheet * (1 + 0.04 * texture(rng, shape, (2, 2))) + wiped, 0.02, 1)


def _print(sheet: np.ndarray, mask: np.ndarray, ink: tuple[float, float, float], strength: float = 1.0) -> None:
    """Lay a coloured layer, `mask` uint8, over the sheet in place."""
    cover = (mask.astype(np.float32) * (strength / 255))[..., None]
    sheet += cover * (np.float32(ink) - sheet)


def _line(mask: np.ndarray, start: tuple[float, float], end: tuple[float, float], thickness: int) -> None:
    """Draw an anti-aliased line whose ends are given to a sixteenth of a pixel."""
    fixed = [(round(x * 16), round(y * 16)) for x, y in (start, end)]
    cv2.line(mask, fixed[0], fixed[1], 255, thickness, cv2.LINE_AA, 4)


def rule(rng: np.random.Generator, sheet: np.ndarray, first: float, pitch: float, slope: float) -> None:
    """Print writing lines, `pitch` pixels apart and one through (0, `first`), and sometimes a margin, in place."""
    height, width = sheet.shape[:2]
    mask, margin = np.zeros((2, height, width), np.uint8)
    thickness, drop = max(1, round(pitch / 40)), width * slope
    for y in np.arange(first % pitch - pitch * (abs(drop) // pitch + 1), height + abs(drop), pitch):
        _line(mask, (0, y), (width, y + drop), thickness)
    _print(sheet, mask, RULE_INKS[rng.integers(len(RULE_INKS))], rng.uniform(0.6, 1))
    if rng.random() < 0.5:
        x = rng.uniform(0.02, 0.05) * width
        _line(margin, (x, 0), (x - height * slope, height), thickness)
        _print(sheet, margin, MARGIN_INK, rng.uniform(0.6, 1))


def square(
    rng: np.random.Generator,
    sheet: np.ndarray,
    first: float,
    pitch: float,
    slope: float,
    thickness: int | None = None,
    strength: float | None = None,
) -> None:
    """Print a squared pattern, `pitch` pixels apart, in place."""
    height, width = sheet.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    thickness, reach = thickness or max(1, round(pitch / 40)), abs(slope) * max(height, width)
    for y in np.arange(first % pitch - pitch * (reach // pitch + 1), height + reach, pitch):
        _line(mask, (0, y), (width, y + width * slope), thickness)
    for x in np.arange(rng.uniform(0, pitch) - pitch * (reach // pitch + 1), width + reach, pitch):
        _line(mask, (x, 0), (x - height * slope, height), thickness)
    ink = RULE_INKS[rng.integers(len(RULE_INKS))]
    _print(sheet, mask, ink, rng.uniform(0.5, 1) if strength is None else strength)


def form(rng: np.random.Generator, sheet: np.ndarray, cells: list[tuple[float, float, float, float]]) -> None:
    """Print the outlines of boxes (x, y, width, height) in place."""
    mask = np.zeros(sheet.shape[:2], np.uint8)
    thickness = max(1, round(cells[0][3] / rng.uniform(25, 60)))
    for x, y, w, h in cells:
        corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
            _line(mask, start, end, thickness)
    _print(sheet, mask, FORM_INKS[rng.integers(len(FORM_INKS))])


def table(
    rng: np.random.Generator,
    sheet: np.ndarray,
    origin: tuple[float, float],
    height: float,
    pitch: float,
    slope: float,
    plan: list,
) -> None:
    """Print the lines of a table, faint or bold, around the groups of a plan, in place; see `handwriting.arrange`."""
    (x, y), rows = origin, len(plan)
    starts = sorted({start for row in plan for start, _ in row})
    step = starts[1] - starts[0] if len(starts) > 1 else 3.6
    mask = np.zeros(sheet.shape[:2], np.uint8)
    thickness = max(1, round(height * rng.uniform(0.01, 0.1)))
    right, bottom = height * (starts[-1] + step - 0.05), rows * pitch
    top, left = -(pitch - height) / 2, -0.05 * height
    for row in range(rows + 1):
        level = top + row * pitch
        _line(mask, (x + left, y + level + left * slope), (x + right, y + level + right * slope), thickness)
    for start in [*starts, starts[-1] + step]:
        across = (start - 0.05) * height
        lean = across * slope
        ends = (x + across - top * slope, y + top + lean), (x + across - bottom * slope, y + top + bottom + lean)
        _line(mask, *ends, thickness)
    ink = (*FORM_INKS, (0.2, 0.2, 0.2))[rng.integers(1 + len(FORM_INKS))]
    _print(sheet, mask, ink, rng.uniform(0.4, 1))


def strew(rng: np.random.Generator, ink: np.ndarray, height: float, count: int) -> np.ndarray:
    """Scatter dashes, dots, smudges and stray letters over free places of an ink layer.

    Parameters
    ----------
    ink : (H, W) float32
        The digits' ink, 0 to 1; nothing is put within a third of a digit height of it.
    height : float
        Digit height in pixels.
    count : int
        Marks to try.

    Returns
    -------
    (H, W) float32
        The ink with the marks.
    """
    result, taken = ink.copy(), (ink > 0.05).astype(np.uint8)
    reach = round(height / 3)
    taken = cv2.dilate(taken, np.ones((2 * reach + 1,) * 2, np.uint8))
    stroke = max(1, round(height / 14))
    for _ in range(count):
        x, y = (int(v) for v in rng.uniform(0.4 * height, np.array(ink.shape[::-1]) - 0.8 * height))
        mark = np.zeros(ink.shape, np.uint8)
        kind = rng.choice(["dash", "dot", "smudge", "letter"])
        if kind == "dash":
            _line(mark, (x, y), (x + rng.uniform(0.25, 0.5) * height, y + rng.uniform(-0.05, 0.05) * height), stroke)
        elif kind == "dot":
            cv2.circle(mark, (x, y), max(1, round(stroke * rng.uniform(0.6, 1.1))), 255, -1, cv2.LINE_AA)
        elif kind == "smudge":
            axes = [round(height * rng.uniform(0.2, 0.5)) for _ in range(2)]
            cv2.ellipse(mark, (x, y), axes, rng.uniform(0, 180), 0, 360, rng.uniform(30, 70), -1)
            mark = cv2.GaussianBlur(mark, (0, 0), height / 8)
        else:
            letter = STRAY_LETTERS[rng.integers(len(STRAY_LETTERS))]
            face = cv2.FONT_HERSHEY_SCRIPT_SIMPLEX if rng.random() < 0.5 else cv2.FONT_HERSHEY_SIMPLEX
            scale = cv2.getFontScaleFromHeight(face, max(4, round(height * 0.75)), stroke)
            cv2.putText(mark, letter, (x, y + round(height / 2)), face, scale, 255, stroke, cv2.LINE_AA)
        if not taken[mark > 0].any():
            result = np.maximum(result, mark.astype(np.float32) / 255)
            taken[cv2.dilate(mark, np.ones((reach | 1,) * 2, np.uint8)) > 0] = 1
    return result


def put_things(rng: np.random.Generator, sheet: np.ndarray, ink: np.ndarray, height: float, count: int) -> None:
    """Put pens and erasers, black or coloured, on free places of a sheet, in place.

    Parameters
    ----------
    sheet : (H, W, 3) float32
    ink : (H, W) float32, the digits' ink, 0 to 1; nothing is put within a third of a digit height of it
    height : digit height in pixels
    count : things to try
    """
    reach = 2 * round(height / 3) + 1
    taken = cv2.dilate((ink > 0.05).astype(np.uint8), np.ones((reach, reach), np.uint8))
    for _ in range(count):
        start, angle = rng.uniform(0, ink.shape[::-1]), rng.uniform(0, 2 * np.pi)
        end = start + height * rng.uniform(1.5, 4) * np.array([np.cos(angle), np.sin(angle)])
        thing = np.zeros(ink.shape, np.uint8)
        _line(thing, start, end, max(1, round(height * rng.uniform(0.3, 1.2))))
        if not taken[thing > 0].any():
            _print(sheet, thing, rng.uniform(0.02, 0.25) * rng.uniform(0.6, 1.4, 3))


def shine(rng: np.random.Generator, shape: tuple[int, int], dark: float) -> np.ndarray:
    """Light that falls off over the picture, from 1 down to about `dark`, as (H, W, 1)."""
    height, width = shape
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    along = (x * np.cos(angle) + y * np.sin(angle)) / (abs(np.cos(angle)) + abs(np.sin(angle)))
    return (dark + (1 - dark) * (0.5 - 0.5 * along) ** rng.uniform(0.7, 1.4))[..., None].astype(np.float32)


def shade(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A shadow, such as a hand or a phone throws, with a more or less soft edge across the picture, as (H, W, 1)."""
    height, width = shape
    centre = rng.uniform(0.3, 0.7, 2) * (width, height)
    along = rng.normal(size=2)
    along *= np.hypot(height, width) / np.hypot(*along)
    across = np.array([-along[1], along[0]])
    corners = np.array([centre - along, centre + along * 0.1, centre + along + across * 0.3, centre + across * 2])
    mask = np.zeros(shape, np.float32)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), max(height, width) * rng.uniform(0.004, 0.02))
    return (1 - mask * rng.uniform(0.3, 0.55))[..., None]


def tilt(sheet: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Turn a sheet whose paper goes on beyond its edges: the scene and the matrix, as of `lay_on_desk`."""
    h, w = sheet.shape[:2]
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, 1)
    width, height = (round(n) for n in np.abs(matrix[:, :2]) @ (w, h))
    matrix[:, 2] += (width - w) / 2, (height - h) / 2
    return cv2.warpAffine(sheet, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), matrix


def lay_on_desk(
    rng: np.random.Generator,
    sheet: np.ndarray,
    grain: float = 1.0,
    reach: tuple[float, float] = (0.12, 0.4),
    is_round: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Lay a sheet, a little turned, on a darker desk among pens and printed things.

    Parameters
    ----------
    sheet : (h, w, 3) float32
    grain : how much the desk's own shades differ, times those of planed wood
    reach : how far the desk reaches beyond each side of the sheet, in the sheet's longer sides
    is_round : whether the sheet is cut to an ellipse

    Returns
    -------
    scene : (H, W, 3) float32
    matrix : (2, 3) float64
        Takes a point of the sheet to its place in the scene.
    """
    h, w = sheet.shape[:2]
    long = max(h, w)
    left, right, top, bottom = (round(v) for v in rng.uniform(*reach, 4) * long)
    height, width = h + top + bottom, w + left + right
    wood = np.float32(WOODS[rng.integers(len(WOODS))])
    fibres = 0.10 * texture(rng, (height, width), (200, 6)) + 0.04 * texture(rng, (height, width), (3, 3))
    desk = wood * np.clip(1 + grain * fibres, 0.2, 3) * (1 + 0.10 * texture(rng, (height, width), (300, 60)))
    _litter(rng, desk, long)

    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), rng.uniform(-6, 6), 1)
    matrix[:, 2] += left, top
    cut = np.ones((h, w), np.float32)
    if is_round:
        cut = cv2.ellipse(np.zeros_like(cut), (w // 2, h // 2), (w // 2, h // 2), 0, 0, 360, 1, -1, cv2.LINE_AA)
    cover = cv2.warpAffine(cut, matrix, (width, height))[..., None]
    shadow = cv2.GaussianBlur(np.roll(cover, (long // 120, long // 90), (0, 1)), (0, 0), long / 120)[..., None]
    turned = cv2.warpAffine(sheet, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return desk * (1 - 0.5 * shadow) * (1 - cover) + turned * cover, matrix


def _litter(rng: np.random.Generator, desk: np.ndarray, long: int) -> None:
    """Put pens and lettered boxes on the desk in place."""
    height, width = desk.shape[:2]
    for _ in range(rng.integers(1, 4)):
        x, y = rng.uniform(0, (width, height))
        angle, length, thickness = rng.uniform(0, np.pi), 0.5 * long, round(long * rng.uniform(0.012, 0.03))
        tip = (x + length * np.cos(angle), y + length * np.sin(angle))
        for colour, part in ((rng.uniform(0.05, 0.9, 3), thickness), ((0.85, 0.85, 0.85), max(1, thickness // 6))):
            mask = np.zeros((height, width), np.uint8)
            _line(mask, (x, y), tip, part)
            _print(desk, mask, colour)
    for _ in range(rng.integers(1, 5)):
        word = WORDS[rng.integers(len(WORDS))]
        tall = long * rng.uniform(0.02, 0.06)
        scale = cv2.getFontScaleFromHeight(cv2.FONT_HERSHEY_DUPLEX, max(6, round(tall)), 1)
        stroke = max(1, round(tall / 10))
        (wide, high), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_DUPLEX, scale, stroke)
        x, y = (round(v) for v in rng.uniform(0, (width, height)) - (wide / 2, 0))
        label, lettering = np.zeros((2, height, width), np.uint8)
        cv2.rectangle(label, (x - high, y - 2 * high), (x + wide + high, y + high), 255, -1)
        cv2.putText(lettering, word, (x, y), cv2.FONT_HERSHEY_DUPLEX, scale, 255, stroke, cv2.LINE_AA)
        dark = rng.random() < 0.5
        _print(desk, label, rng.uniform(0.05, 0.3, 3) if dark else rng.uniform(0.5, 0.9, 3))
        _print(desk, lettering, (0.85, 0.85, 0.85) if dark else (0.1, 0.1, 0.1))


def camera(rng: np.random.Generator, scene: np.ndarray, blur: float, noise: float) -> np.ndarray:
    """Photograph a lit scene: exposure, blur (pixels), sensor noise (grey levels), JPEG; returns uint8 BGR."""
    if blur > 0:
        scene = cv2.GaussianBlur(scene, (0, 0), blur)
    photo = scene * (rng.uniform(200, 250) / max(0.45, float(np.percentile(scene, 99))))
    photo += noise * rng.standard_normal(photo.shape[:2] + (1,)).astype(np.float32)
    photo += 0.4 * noise * rng.standard_normal(photo.shape).astype(np.float32)
    quality = int(rng.integers(78, 96))
    _, jpeg = cv2.imencode(".jpg", np.clip(photo, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
