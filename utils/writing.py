"""What of the ink on a page is numbers; words, signs and scribbles are told by their neighbours.

A letter alone may look like a digit, but a word has letters that do not. What stands close together is therefore judged
as a whole, in log-odds: each piece that is surely a digit speaks for a number, each doubtful one for a word, and so do
the other numbers and words of the page, above all those of its line and of its column. What is alone in its line is
judged without them.
"""

from collections.abc import Sequence

import numpy as np

from utils.lattice import SKIP, too_short
from utils.lines import group_lines
from utils.segment import CLOSE, KNOWN, Parts, Piece, join, logit
from utils.signs import find_slashes, is_bar, usual_slant
from utils.spaces import SPACE, WIDER

# The network is surer than it is right: these make its log-odds, see `any_alike`, a vote (Platt 1999). They were
# chosen on pages of held-out digits and print, with networks of two seeds.
EVEN, DOUBT = 6.5, 1.5  # log-odds: more speaks for a number; what is less by up to DOUBT, for neither number nor word
RATE = 0.35  # what one more, or less, counts
STRONGEST, WEAKEST = 1.0, -2.0  # votes: one sure digit makes no number of a word, nor one tick a word of a number
RARE = 0.2  # share of a page's pieces: if fewer are doubtful, it is digits, and EVEN is their median at most
# pairs that hands write alike: distorted held-out digits leave the network in doubt between these two as often as
# letters in handwriting fonts do, or more often; letters rather between 0 and 6, or 4 and 8
ALIKE = "09", "12", "17", "19", "23", "27", "35", "37", "39", "49", "56", "58", "59", "79", "89"
LETTERS, LETTER_VOTE = (0, 1), 0.2  # what o, O, l, i and I are taken for, and how much their vote counts
LOW, LOW_PRICE = 0.85, 4.0  # digit heights; votes a height: what is lower may be a letter like a or s, its vote fades
ROOM = 0.05  # digit heights: what is this far above the foot of a digit, and below its head, is a sign
DOT = 0.25  # digit heights: what is smaller is a dot, and speaks for neither
COMMA = 0.45  # digit heights: a 1 that is lower is a comma, or a tick; the lowest 1 in 79 photos has 0.48
FLAT, LONG = 0.35, 1.5  # digit heights, and own heights: what is lower and this wide is a dash, and speaks for neither
PRIOR, ONLY = 0.5, 1.4  # log-odds: more numbers than words are looked at, the more so where there is nothing else
OUTVOTED = 2.0  # log-odds: the most that the others speak for or against a run, however many they are
LABELS = 0.6  # what words speak against a number, of what numbers speak for it: in forms and lists they stand beside it
FAR = 0.1  # what a run counts that is neither in the line nor in the column of the one that is judged
ROUNDS = 3  # of judging a run by the verdicts on the others
WORD = 3  # letters of the shortest word that can be told from a blot
UPRIGHT = 6  # letters of the shortest word that runs up or down; fewer may be the parts of a box or of a fraction
BLANK = 0.2  # digit heights: the narrowest gap between words; at 0.15 and 0.3 more digits were lost beside handwriting


def find_numbers(lines: Sequence[Parts], height: float) -> tuple[list[list[Piece]], list[Piece]]:
    """Keep the digits of numbers.

    Parameters
    ----------
    lines : the pieces of each line
    height : of a typical digit, pixels

    Returns
    -------
    The digits of each line from left to right, of which a line may turn out to have none; and the pieces of words of
    at least WORD letters.
    """
    # small digits are measured by the tallest piece of their own line
    heights = [min(height, max((piece.height for piece, _ in line), default=height)) for line in lines]
    rows = [part_words(line, tall) for line, tall in zip(lines, heights)]
    verdicts = iter(judge(rows, heights))
    judged = [[(run, next(verdicts)) for run in row] for row in rows]
    hand = usual_slant([piece for row in judged for run, is_number in row if is_number for piece, _ in run])
    digits = [digits_of(row, tall, hand) for row, tall in zip(judged, heights)]
    words = [run for row in judged for run, is_number in row if not is_number and len(run) >= WORD]
    letters = [piece for run in words for piece, _ in run]
    return digits, letters


def without_upright_words(pieces: Sequence[Piece], height: float) -> list[Piece]:
    """Drop words that run up or down the page, as beside a form: what is stacked there, and mostly is no digit.

    Lines of small letters, one below the other, are no such word; it is higher than wide.
    """
    stacked = [piece._replace(box=(y, x, h, w)) for piece in pieces for x, y, w, h in [piece.box]]
    dropped: set[int] = set()
    for column in group_lines([piece.box for piece in stacked], height):
        for run in split([(stacked[i], [pieces[i]]) for i in column], CLOSE * height):
            word = [piece for _, part in run for piece in part]
            if len(word) >= UPRIGHT and 2 * sum(piece.confidence <= KNOWN for piece in word) > len(word):
                *_, wide, high = join(word).box
                if high > wide:
                    dropped |= {id(piece) for piece in word}
    return [piece for piece in pieces if id(piece) not in dropped]


def judge(rows: Sequence[Sequence[Parts]], heights: Sequence[float]) -> np.ndarray:
    """Say of each run of each line whether it is a number: (N,) bool; `heights` are what a digit's is in each line."""
    runs = [(run, tall) for row, tall in zip(rows, heights) for run in row]
    odds = [logit(any_alike(piece)) for run, tall in runs for piece, _ in run if not is_mark(piece, tall)]
    most_known = bool(odds) and np.quantile(odds, RARE) > logit(KNOWN)
    even = min(EVEN, float(np.median(odds))) if most_known else EVEN
    votes = np.array([vote(run, tall, even) for run, tall in runs])
    marks = np.array([all(is_mark(piece, tall) for piece, _ in run) for run, tall in runs], bool)
    long = ~marks & np.array([len(run) > 1 for run, _ in runs], bool)
    alone = np.array([sum(map(len, row)) == 1 for row in rows for _ in row], bool)
    place = places(rows)
    is_number = ~marks & ((votes > 0) | most_known)  # until the others speak against it
    for _ in range(ROUNDS):  # each run is judged by the others, of which there is one of either kind at least
        numbers, words = (1 + count_others(some, *place) for some in (is_number, long & ~is_number))
        odds = np.log(numbers / words)
        odds = np.where(odds < 0, LABELS * odds, odds).clip(-OUTVOTED, OUTVOTED)
        others = np.where(alone, 0, odds) if len(votes) > 1 else ONLY
        is_number = (votes + PRIOR + others > 0) & ~marks
    return is_number


def places(rows: Sequence[Sequence[Parts]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say of each run of each line which line that is, and from where to where it reaches, in pixels: (N,) each."""
    line = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    reach = [(run[0][0].box[0], max(piece.box[0] + piece.box[2] for piece, _ in run)) for row in rows for run in row]
    return line, *np.array(reach).reshape(-1, 2).T


def count_others(some: np.ndarray, line: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Count for each run the others of which `some` (N,) bool is true; those that are FAR count less, see `places`."""
    ended, begun = np.sort(right[some]).searchsorted(left, "right"), np.sort(left[some]).searchsorted(right)
    near = begun - ended + np.bincount(line, some)[line] - 2 * some  # itself is in its column, and in its line
    return near + FAR * (some.sum() - some - near)


def digits_of(row: Sequence[tuple[Parts, bool]], height: float, hand: tuple[float, float]) -> list[Piece]:
    """Take the digits of a line's numbers; where a sign or a word stands between two, another number begins.

    Parameters
    ----------
    row : the runs of the line, and whether each is a number
    height : of a typical digit, pixels
    hand : how the page's digits lean, see `usual_slant`
    """
    beside = [pair for run, is_number in row if is_number for pair in run]
    digits: list[Piece] = []
    signs: list[Piece] = []
    for run, is_number in row:
        if not is_number:
            signs += [piece for piece, _ in run]
            continue
        bars = find_slashes(run, *hand) | {i for i, one in enumerate(run) if is_bar(*one, beside, SPACE * height)}
        for i, (piece, part) in enumerate(run):
            found = [digit for digit in part if i not in bars and is_digit(digit, height)]
            if found:
                ended = bool(digits) and any(stands_between(digits[-1], sign, found[0], height) for sign in signs)
                digits += [found[0]._replace(is_spaced=ended), *found[1:]]
                signs = []
            else:
                signs.append(piece)
    return digits


def stands_between(left: Piece, sign: Piece, right: Piece, height: float) -> bool:
    """Whether a sign stands between two digits that leave room for it, and not under or above them.

    What is smaller than FLAT must be close to both, for it may be a speck.
    """
    x, y, w, h = sign.box
    end, begin = left.box[0] + left.box[2], right.box[0]
    has_room = begin - end >= SPACE * height
    is_close = max(x - end, begin - (x + w)) <= CLOSE * height
    is_beside = left.box[0] < x + w / 2 < begin + right.box[2] and 0 <= y + h / 2 - left.box[1] <= left.height
    return has_room and is_beside and (is_close or sign.size >= FLAT * height)


def split(line: Parts, gap: float) -> list[Parts]:
    """Part a line where there are more than `gap` pixels between neighbours."""
    runs: list[Parts] = []
    right = -np.inf
    for piece, part in line:
        x, _, w, _ = piece.box
        if x - right > gap:
            runs.append([])
        runs[-1].append((piece, part))
        right = max(right, x + w)
    return runs


def part_words(line: Parts, height: float) -> list[Parts]:
    """Part a line into words and numbers.

    Gaps wider than CLOSE always part it. Some hands write words closer than others write digits, so narrower gaps part
    it as well if they are clearly wider than the rest: at least BLANK, and WIDER times as wide as the next narrower
    one. Where the line has gaps wider than CLOSE too, these may be WIDER times as wide, but not more. And one of the
    parts must have the letters of a WORD, which are higher than dots and dashes.
    """
    x, _, w, _ = np.array([piece.box for piece, _ in line], float).reshape(-1, 4).T
    gaps = np.sort(x[1:] - np.maximum.accumulate(x + w)[:-1])
    spaces, gaps = gaps[gaps > CLOSE * height], gaps[gaps <= CLOSE * height]
    least = max([BLANK * height, *spaces[:1] / WIDER])
    clear = gaps[1:] >= np.maximum(WIDER * gaps[:-1], least)
    widest_inside = gaps[:-1][clear].min(initial=CLOSE * height)
    parted = []
    for run in split(line, CLOSE * height):
        words = split(run, widest_inside)
        letters = [sum(piece.height > FLAT * height for piece, _ in word) for word in words]
        parted += words if max(letters) >= WORD else [run]
    return parted


def vote(run: Parts, height: float, even: float) -> float:
    """Log-odds of a run being a number; signs do not vote, see `is_sign`.

    Digits are known as such, and not as low as letters.
    """
    pairs = [pair for pair in run if not is_mark(pair[0], height)]
    digits = [piece if any_alike(piece) > KNOWN and piece.height >= LOW * height else None for piece, _ in pairs]
    votes = 0.0
    for i, pair in enumerate(pairs):
        beside = [digits[k] for k in (i - 1, i + 1) if 0 <= k < len(digits) and digits[k]]
        if digits[i] or not is_sign(pair[0], beside, ROOM * height):
            votes += vote_of(*pair, height, even)
    return votes


def is_sign(piece: Piece, beside: Sequence[Piece], room: float) -> bool:
    """Whether what is not known as a digit may be a sign, by the digits that are its neighbours.

    Between two it is one. Beside one it must look like a 1, as | and a printed 1 do, or be clear of the digit's head
    and foot, as + and x are: a letter as low stands on the line, as the digit does.
    """
    if len(beside) != 1 or (piece.value == 1 and any_alike(piece) > 0.5):
        return bool(beside)
    (digit,) = beside
    below_head = piece.box[1] - digit.box[1]
    above_foot = digit.height - piece.height - below_head
    return min(below_head, above_foot) >= room


def vote_of(piece: Piece, part: Sequence[Piece], height: float, even: float) -> float:
    """Log-odds of a piece, and of the digits that it may be cut into, being from a number; for `even` see EVEN."""
    digits = [digit for digit in part if is_digit(digit, height)]
    is_several = len(digits) > 1
    sure = min(map(any_alike, digits)) if is_several else any_alike(piece)
    more = logit(sure) - even
    if more <= 0:
        return max(WEAKEST, RATE * min(0.0, more + DOUBT))
    is_like_letter = piece.value in LETTERS and not is_several
    strong = max(0.0, min(STRONGEST, RATE * more) - LOW_PRICE * max(0.0, LOW - piece.height / height))
    return strong * (LETTER_VOTE if is_like_letter else 1.0)


def any_alike(piece: Piece) -> float:
    """Probability that a piece is a digit; doubt between two that are ALIKE does not count."""
    low, high = sorted(np.argsort(piece.answer)[-2:].tolist())
    # what is no digit has learned ten equal answers, of which the best is one
    return piece.any_digit if f"{low}{high}" in ALIKE else 1 - (1 - piece.confidence) / 0.9


def is_mark(piece: Piece, height: float) -> bool:
    """Whether a piece is as small as a dot, or as flat as a dash."""
    is_dash = piece.height < FLAT * height and piece.box[2] > LONG * piece.height
    return is_dash or piece.size < DOT * height


def is_digit(piece: Piece, height: float) -> bool:
    """Whether a piece is rather a digit than nothing."""
    is_comma = piece.value == 1 and piece.height < COMMA * height
    return not is_comma and logit(piece.confidence) - too_short(piece, height) > logit(SKIP)
