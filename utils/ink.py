"""The ink in a photo: light and paper divided out, strokes kept.

Ink is a float32 picture: 0 is paper, 1 is ink that returns no light at all; its mask is uint8, 255 is ink.
"""

import cv2
import numpy as np

SMALL = 240  # pixels: long side of the copy on which the paper is estimated; paper has no finer features
BRIDGE = 13  # pixels of that copy: the thickest stroke that the estimate of the paper bridges (5 % of the long side)
WINDOW = 39  # pixels of that copy: window of the median that makes the paper (16 % of the long side)
DARK = 64  # grey levels: below this light a picture's noise would pass for contrast
BLUR, LEAST_BLUR = 1.2 / 1600, 0.6  # share of the long side, and pixels: Gaussian sigma against the sensor's noise
FAINT = 0.05  # share of the paper's light: the faintest stroke
LEVEL = 0.001  # share of the paper's light: noise is measured in steps of this
NOISE, PEAK = 3.0, 0.5  # noise sigmas, or share of the blackest ink if that is less, that a stroke must exceed
EDGE = 0.45  # share of a stroke's own crest at which its edge lies (half, less the blur of thin strokes)
CREST = 0.4  # share of the picture's typical crest that a stroke must reach

STEP = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))  # of the small copy: how wide a step of the paper may be
EDGE_OF_PAPER = 0.25  # share of the paper's light: a step of this height is the edge of a sheet, a board or a shadow


def to_grey(image: np.ndarray) -> np.ndarray:
    """Make (H, W, 3) BGR or (H, W) grey, uint8, grey."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def stroke_width(ink: np.ndarray) -> float:
    """Width in pixels of the strokes in a picture (h, w) uint8, ink light on 0: twice the area by the perimeter."""
    mask = cv2.threshold(ink, 127, 255, cv2.THRESH_BINARY)[1]
    inside = cv2.erode(mask, None, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    area = cv2.countNonZero(mask)
    return 2 * area / max(1, area - cv2.countNonZero(inside))


def resize(picture: np.ndarray, scale: float) -> np.ndarray:
    """Reduce a picture (H, W) or (H, W, 3) to this share of its sides, of at least a pixel."""
    size = [max(1, round(n * scale)) for n in picture.shape[1::-1]]
    return picture if scale == 1 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def has_light_ink(grey: np.ndarray) -> bool:
    """Guess whether a picture (H, W) uint8 is light on dark: whether more stands out from its median to the light."""
    small = resize(grey, 2 * SMALL / max(grey.shape))
    paper = cv2.medianBlur(small, 2 * WINDOW - 1)
    away = cv2.subtract(small, paper, dtype=cv2.CV_32F) / np.maximum(np.maximum(small, paper), DARK)
    return bool(np.maximum(away - FAINT, 0).sum() > np.maximum(-away - FAINT, 0).sum())


def flatten_light(grey: np.ndarray, light_ink: bool = False) -> np.ndarray:
    """Divide a picture by the light that its paper returns.

    The paper is a large median of a small copy whose strokes are closed first; where the paper itself changes (the edge
    of a sheet, of a shadow) its ink-side value is taken, so that no edge passes for ink.

    Parameters
    ----------
    grey : (H, W) uint8
    light_ink : whether the ink is lighter than its paper

    Returns
    -------
    (H, W) float32: how much darker (lighter) than paper a pixel is, as a share of the lighter of the two
    """
    height, width = grey.shape
    paper = estimate_paper(grey, light_ink)
    paper = cv2.dilate(paper, STEP) if light_ink else cv2.erode(paper, STEP)
    paper = cv2.resize(cv2.GaussianBlur(paper, (0, 0), 1.5), (width, height), interpolation=cv2.INTER_LINEAR)
    darker, lighter = (paper, grey) if light_ink else (grey, paper)
    return cv2.subtract(lighter, darker, dtype=cv2.CV_32F) / np.maximum(lighter, DARK)


def estimate_paper(grey: np.ndarray, light_ink: bool) -> np.ndarray:
    """The paper without its writing: uint8, its long side SMALL pixels."""
    small = resize(grey, SMALL / max(grey.shape))
    bridge = cv2.MORPH_OPEN if light_ink else cv2.MORPH_CLOSE
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BRIDGE, BRIDGE))
    bridged = cv2.morphologyEx(small, bridge, disc, borderType=cv2.BORDER_REPLICATE)
    further = cv2.min if light_ink else cv2.max  # in a corner of a sheet the median is what lies around the sheet
    return further(bridged, cv2.medianBlur(bridged, WINDOW))


def paper_regions(grey: np.ndarray, light_ink: bool) -> np.ndarray:
    """Tell sheets, boards and what lies around them apart: regions whose light changes only gradually.

    Returns
    -------
    int32, long side SMALL pixels: the number of each pixel's region, 0 on the edges between them
    """
    paper = estimate_paper(grey, light_ink)
    low, high = cv2.erode(paper, STEP), cv2.dilate(paper, STEP)
    smooth = high - low < EDGE_OF_PAPER * np.maximum(high, DARK)
    return cv2.connectedComponents(smooth.astype(np.uint8), connectivity=4)[1]


def threshold(ink: np.ndarray) -> np.ndarray:
    """Mask the strokes: each is cut where it falls to a share of its own crest, so faint and black ones stand together.

    The crest is the blackest ink within a stroke's width (local maximum: Su, Lu and Tan 2010). Of what is left a stroke
    must be black enough for the picture: above its noise, and comparable with its typical ink (Otsu 1979).

    Parameters
    ----------
    ink : (H, W) float32, see `flatten_light`

    Returns
    -------
    (H, W) uint8, 255 is ink
    """
    peak = float(np.percentile(ink[::2, ::2], 99.9))
    low = np.maximum(FAINT, np.minimum(NOISE * noise(ink), PEAK * peak))
    strong = ink[ink > low]
    if not strong.size:
        return np.zeros(ink.shape, np.uint8)
    levels = np.clip(255 * strong, 0, 255).astype(np.uint8)
    typical = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0] / 255
    width = stroke_width(np.where(ink > np.maximum(typical, low), 255, 0).astype(np.uint8))
    width = max(1, round(min(width, max(ink.shape) * BRIDGE / SMALL)))
    crest = cv2.dilate(ink, np.ones((2 * width + 1, 2 * width + 1), np.uint8))
    mask = ink >= np.maximum(np.maximum(low, CREST * typical), EDGE * crest)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    is_stroke = np.zeros(count, bool)
    is_stroke[labels[mask & (ink >= 1.5 * low)]] = True
    return np.where(mask & is_stroke[labels], 255, 0).astype(np.uint8)


def noise(ink: np.ndarray) -> np.ndarray:
    """Noise of the paper, by the median absolute deviation around each pixel or, if that is less, in the whole picture.

    A sheet is smoother than the desk it lies on; and where there is more ink than paper around a pixel, most of the
    picture is still paper.

    Parameters
    ----------
    ink : (H, W) float32, see `flatten_light`

    Returns
    -------
    (H, W) float32, standard deviation in the unit of `ink`
    """
    height, width = ink.shape
    scale = min(1.0, SMALL / max(ink.shape))
    size = [max(1, round(n * scale)) for n in (width, height)]
    sample = cv2.resize(np.abs(ink), size, interpolation=cv2.INTER_NEAREST)
    levels = np.clip(sample / LEVEL, 0, 255).astype(np.uint8)
    deviation = np.minimum(cv2.medianBlur(levels, WINDOW), np.median(levels)).astype(np.float32)
    return cv2.resize(deviation, (width, height), interpolation=cv2.INTER_LINEAR) * (LEVEL / 0.6745)
