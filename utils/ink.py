"""The ink in a picture: light and paper divided out, strokes kept.

Ink is a float32 picture: 0 is paper, 1 is ink that returns no light at all; its mask is uint8, 255 is ink.
"""

import cv2
import numpy as np

PAPERS = 240, 80, 27  # pixels: long side of the copy on which the paper is estimated; it has no finer features
BRIDGE = 13  # pixels of that copy: the thickest stroke that the estimate of the paper bridges
WINDOW = 39  # pixels of that copy: window of the median that makes the paper
STEP = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))  # of that copy: how wide a step of the paper may be
DARK = 64  # grey levels: below this light a picture's noise would pass for contrast
BLUR, LEAST_BLUR = 1.2 / 1600, 0.6  # share of the long side, and pixels: Gaussian sigma against the sensor's noise
FAINT = 0.05  # share of the paper's light: the faintest stroke
LOUD = 0.25  # share of the paper's light: louder noise is not told apart
NOISE, PEAK = 3.0, 0.5  # noise sigmas, or share of the blackest ink if that is less, that a stroke must exceed
EDGE = 0.45  # share of a stroke's own crest at which its edge lies (half, less the blur of thin strokes)
CREST = 0.4  # share of the picture's typical ink that large strokes must reach; shades do not
LEVELS = 8  # of brightness, at which a sheet may end
SHEET, MOST = 1 / 64, 0.8  # share of the picture that a sheet has at least, an eighth of each side, and at most
LIMB = 1 / 4  # of a sheet's width: what is narrower and touches it is not of the sheet
LIGHTER = 1.3  # times: how much lighter a sheet is than what it lies on, where they meet...
SLIGHTLY = 1.2  # ...if its digits are to decide whether it is one
FIRM = 1.5  # times what a stroke must exceed: it reaches that somewhere, grain does not

Outline = tuple[tuple[int, int], ...]  # corners (x, y) of a convex part of a picture, in its pixels


def to_grey(image: np.ndarray) -> np.ndarray:
    """Make (H, W, 3) BGR or (H, W) grey, uint8, grey."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def resize(picture: np.ndarray, scale: float) -> np.ndarray:
    """Bring a picture (H, W) or (H, W, 3) to this share of its sides, of at least a pixel."""
    size = [max(1, round(n * scale)) for n in picture.shape[1::-1]]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return picture if scale == 1 else cv2.resize(picture, size, interpolation=way)


def stroke_width(mask: np.ndarray) -> float:
    """Width in pixels of the strokes in a mask (H, W) bool: twice the area over the perimeter."""
    inside = cv2.erode(mask.astype(np.uint8), None, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    area = np.count_nonzero(mask)
    return 2 * area / max(1, area - cv2.countNonZero(inside))


def has_light_ink(grey: np.ndarray) -> bool:
    """Guess whether a picture (H, W) uint8 is light on dark: whether more stands out from its median to the light."""
    small = resize(grey, min(1, 2 * PAPERS[0] / max(grey.shape)))
    paper = cv2.medianBlur(small, 2 * WINDOW - 1)
    away = cv2.subtract(small, paper, dtype=cv2.CV_32F) / np.maximum(np.maximum(small, paper), DARK)
    return bool(np.maximum(away - FAINT, 0).sum() > np.maximum(-away - FAINT, 0).sum())


def flatten_light(grey: np.ndarray, light_ink: bool = False, copy: int = PAPERS[0]) -> np.ndarray:
    """Divide a picture by the light that its paper returns.

    Parameters
    ----------
    grey : (H, W) uint8
    light_ink : whether the ink is lighter than its paper
    copy : one of PAPERS: the smaller, the larger the writing may be, and the more even the light must be

    Returns
    -------
    (H, W) float32: how much darker (lighter) than paper a pixel is, as a share of the lighter of the two
    """
    height, width = grey.shape
    paper = estimate_paper(grey, light_ink, copy)
    paper = cv2.dilate(paper, STEP) if light_ink else cv2.erode(paper, STEP)  # no edge of a sheet passes for ink
    paper = cv2.resize(cv2.GaussianBlur(paper, (0, 0), 1.5), (width, height), interpolation=cv2.INTER_LINEAR)
    darker, lighter = (paper, grey) if light_ink else (grey, paper)
    return cv2.subtract(lighter, darker, dtype=cv2.CV_32F) / np.maximum(lighter, DARK)


def estimate_paper(grey: np.ndarray, light_ink: bool, copy: int) -> np.ndarray:
    """The paper without its writing: uint8, the large median of a small copy whose strokes are closed first."""
    small = resize(grey, min(1, copy / max(grey.shape)))
    margin = BRIDGE if copy < PAPERS[0] else 0
    if margin:  # where strokes may be as wide as this, they may also run along the border: beyond it there is paper
        border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
        paper = np.percentile(border, 10 if light_ink else 90)
        small = cv2.copyMakeBorder(small, *[margin] * 4, cv2.BORDER_CONSTANT, value=int(paper))
    bridge = cv2.MORPH_OPEN if light_ink else cv2.MORPH_CLOSE
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BRIDGE, BRIDGE))
    bridged = cv2.morphologyEx(small, bridge, disc, borderType=cv2.BORDER_REPLICATE)
    further = cv2.min if light_ink else cv2.max  # in a corner of a sheet the median is what lies around the sheet
    paper = further(bridged, cv2.medianBlur(bridged, WINDOW))
    return paper[margin : len(paper) - margin, margin : paper.shape[1] - margin]


def threshold(ink: np.ndarray, copy: int = PAPERS[0], sheet: np.ndarray | None = None) -> np.ndarray:
    """Mask the strokes: each is cut where it falls to a share of its own crest, so faint and black ones stand together.

    The crest is the blackest ink within the width of the typical stroke (local maximum: Su, Lu and Tan 2010); what is
    typical is told by Otsu's threshold (1979). A stroke must also exceed the noise around it. How black a small one is
    beside others tells nothing yet: pens that lie on the paper are blacker than any pencil, see
    `utils.clutter.same_pen`. A large one must be as black as others, for a coarse estimate of the paper leaves shades.
    A sheet is looked at without what lies around it, whose shadows are wider than any stroke.

    Parameters
    ----------
    ink : (H, W) float32, see `flatten_light`
    copy : see there
    sheet : (h, w) uint8, if given, see `find_sheet`

    Returns
    -------
    (H, W) uint8, 255 is ink
    """
    noise = NOISE * paper_noise(ink, copy)
    strokes = cut_strokes(ink, noise, copy)
    if sheet is None or sheet.all():
        return strokes
    on_sheet = cv2.resize(sheet, ink.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return np.where(on_sheet, cut_strokes(np.where(on_sheet, ink, 0), noise, copy), strokes)


def cut_strokes(ink: np.ndarray, noise: np.ndarray, copy: int) -> np.ndarray:
    """Mask the strokes on one surface, see `threshold`; `noise` (H, W) is what they must exceed."""
    peak = float(np.percentile(ink[::2, ::2], 99.9))  # not the maximum, which may be a speck
    low = np.maximum(FAINT, np.minimum(noise, PEAK * peak))
    strong = ink[ink > low]
    if not strong.size:
        return np.zeros(ink.shape, np.uint8)
    levels = np.clip(255 * strong, 0, 255).astype(np.uint8)
    typical = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0] / 255
    width = stroke_width(ink > np.maximum(typical, low))
    width = max(1, round(min(width, max(ink.shape) * BRIDGE / copy)))
    crest = cv2.dilate(ink, np.ones((2 * width + 1, 2 * width + 1), np.uint8))
    least = CREST * typical if copy < PAPERS[0] else 0.0
    mask = ink >= np.maximum(np.maximum(low, least), EDGE * crest)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    is_stroke = np.zeros(count, bool)
    is_stroke[labels[mask & (ink >= FIRM * low)]] = True
    return np.where(is_stroke[labels], np.uint8(255), np.uint8(0))


def find_sheet(grey: np.ndarray, copy: int) -> np.ndarray:
    """Tell a sheet from what it lies on by a step in brightness (Otsu 1979).

    Parameters
    ----------
    grey : (H, W) uint8
    copy : see `flatten_light`

    Returns
    -------
    A small copy of the picture (h, w) uint8: 255 is sheet, 0 is desk or wall; all 255 where there is no step
    """
    small = cv2.medianBlur(resize(grey, min(1, copy / max(grey.shape))), WINDOW)
    sheet = cv2.threshold(small, 0, 255, cv2.THRESH_OTSU)[1]
    inside, outside = sheet > cv2.erode(sheet, STEP), sheet < cv2.dilate(sheet, STEP)
    if not inside.any() or np.median(small[inside]) < LIGHTER * np.median(small[outside]):
        sheet[:] = 255
    return sheet


def find_sheets(grey: np.ndarray) -> list[Outline]:
    """Find what may be a sheet on a desk, or a board on a wall: the lighter and the darker part with the clearest edge.

    Writing is bridged, and what is narrower than a sheet is cleared away. Then what is lighter (darker) than one of
    several levels may be a sheet, as for maximally stable extremal regions (Matas, Chum, Urban and Pajdla 2002).

    Parameters
    ----------
    grey : (H, W) uint8

    Returns
    -------
    Up to two outlines, of convex parts
    """
    small = resize(grey, min(1, PAPERS[0] / max(grey.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BRIDGE, BRIDGE))
    outlines = []
    for light in small, 255 - small:
        bare = cv2.morphologyEx(light, cv2.MORPH_CLOSE, disc, borderType=cv2.BORDER_REPLICATE)
        bare = cv2.morphologyEx(bare, cv2.MORPH_OPEN, STEP, borderType=cv2.BORDER_REPLICATE)
        tones = bare if light is small else 255 - bare
        clearest, sheet = 0.0, None
        for level in np.unique(np.linspace(*np.percentile(bare, (1, 99)), LEVELS + 2)[1:-1].astype(int)):
            count, labels, stats, _ = cv2.connectedComponentsWithStats((bare > level).astype(np.uint8), connectivity=4)
            box, area = stats[1:, 2] * stats[1:, 3], np.bincount(labels[light > level], minlength=count)[1:]
            for i in 1 + np.flatnonzero((area >= SHEET * small.size) & (2 * area >= box) & (box <= MOST * small.size)):
                part = convex_core((labels == i).astype(np.uint8))
                rims = part > cv2.erode(part, STEP), part < cv2.dilate(part, STEP)  # inside, and outside
                inner, outer = (np.log(np.maximum(1, tones[rim])).mean() for rim in rims)
                clear = abs(inner - outer) * np.count_nonzero(rims[0])
                if abs(inner - outer) > np.log(SLIGHTLY) and clear > clearest:
                    clearest, sheet = clear, cv2.erode(part, None, iterations=2)
        if sheet is not None and sheet.any():
            corners = cv2.convexHull(cv2.findNonZero(sheet)).reshape(-1, 2) + 0.5
            corners = (corners * np.divide(grey.shape[::-1], small.shape[::-1])).astype(int)
            outlines.append(tuple(map(tuple, corners.tolist())))
    return outlines


def convex_core(part: np.ndarray) -> np.ndarray:
    """Make a part (h, w) uint8 convex, without what is much narrower, such as a pen that touches a sheet."""
    hemmed = cv2.copyMakeBorder(part, *[1] * 4, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(hemmed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    limb = LIMB * depth.max()
    away = cv2.distanceTransform(np.uint8(depth <= limb), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    opened = np.uint8(away[1:-1, 1:-1] <= limb)
    return cv2.fillConvexPoly(np.zeros_like(part), cv2.convexHull(cv2.findNonZero(opened)), 1)


def cut_sheet(grey: np.ndarray, outline: Outline) -> np.ndarray:
    """Cut a sheet out of a picture (H, W) uint8: the box around it, in which its paper goes on beyond its edges."""
    x, y, w, h = cv2.boundingRect(np.array(outline))
    sheet = grey[y : y + h, x : x + w]
    around = np.ones_like(sheet)
    cv2.fillConvexPoly(around, np.array(outline) - (x, y), 0)
    small = resize(sheet, min(1, PAPERS[0] / max(h, w)))
    beyond = cv2.resize(around, small.shape[::-1], interpolation=cv2.INTER_NEAREST)
    # each pixel beyond the edge is like the one of the sheet that is nearest to it
    _, nearest = cv2.distanceTransformWithLabels(beyond, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    light = np.zeros(nearest.max() + 1, np.uint8)
    light[nearest[beyond == 0]] = small[beyond == 0]
    paper = cv2.resize(cv2.medianBlur(light[nearest], BRIDGE), (w, h), interpolation=cv2.INTER_LINEAR)
    return np.where(around > 0, paper, sheet)


def paper_noise(ink: np.ndarray, copy: int) -> np.ndarray:
    """Estimate the noise of the paper around each pixel, as (H, W) float32: its standard deviation.

    A quiet sheet may lie on a rough desk; where writing is dense, the picture as a whole is the quieter. Of a normal
    distribution the median of what strays is 0.6745 sigma, and the mean, which a reduced pixel is, sqrt(2 / pi) sigma.
    """
    away = cv2.convertScaleAbs(ink, alpha=255 / LOUD)
    whole = np.median(away[::2, ::2]) / 0.6745  # most of the picture is paper
    around = cv2.medianBlur(resize(away, min(1, copy / max(away.shape))), WINDOW) / np.float32(np.sqrt(2 / np.pi))
    noise = np.minimum(whole, around).astype(np.float32) * LOUD / 255
    return cv2.resize(noise, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
