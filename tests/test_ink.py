"""utils/ink.py: light and paper divided out, faint and strong strokes kept, whatever the size of the writing."""

import cv2
import numpy as np
import pytest

from utils.ink import (
    PAPERS,
    cut_sheet,
    estimate_paper,
    find_sheet,
    find_sheets,
    flatten_light,
    has_light_ink,
    resize,
    stroke_width,
    threshold,
    to_grey,
)

ODD_SHAPES = (1, 1), (1, 50), (50, 1), (2, 2), (3, 700)


def page(paper=200, ink=40, shape=(200, 300)):
    """A level bar 8 pixels thick on plain paper."""
    picture = np.full(shape, paper, np.uint8)
    cv2.rectangle(picture, (100, 96), (199, 103), ink, -1)
    return picture


def large(paper=200, ink=40):
    """A bar that is a quarter of its picture wide, and reaches the upper edge."""
    picture = np.full((400, 400), paper, np.uint8)
    picture[:320, 150:250] = ink
    return picture


def in_light(picture, light):
    """The picture under light (H, W), 0 to 1."""
    return np.round(picture * light).astype(np.uint8)


GRADIENT = np.linspace(1.0, 0.4, 300)[None, :] * np.linspace(1.0, 0.8, 200)[:, None]


def test_to_grey_takes_colour_and_grey():
    grey = np.uint8([[10, 20, 30]])
    assert np.array_equal(to_grey(grey), grey)
    assert np.array_equal(to_grey(np.dstack([grey] * 3)), grey)
    assert to_grey(np.uint8([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]])).tolist() == [[29, 150, 76]]


@pytest.mark.parametrize("scale, shape", [(1, (40, 61)), (0.5, (20, 30)), (2, (80, 122)), (0.001, (1, 1))])
def test_resize_gives_a_share_of_the_sides_and_at_least_a_pixel(scale, shape):
    picture = np.full((40, 61, 3), 7, np.uint8)
    assert resize(picture, scale).shape == (*shape, 3) and (resize(picture, scale) == 7).all()
    assert resize(picture[..., 0], scale).shape == shape


@pytest.mark.parametrize("width", [2, 4, 8])
def test_stroke_width_of_a_bar(width):
    picture = np.zeros((60, 240), np.uint8)
    picture[20 : 20 + width, 20:220] = 255
    assert stroke_width(picture) == pytest.approx(width, rel=0.15)
    assert stroke_width(picture[20 : 20 + width, 20:220]) == pytest.approx(width, rel=0.15)


def test_no_ink_has_no_stroke_width():
    assert stroke_width(np.zeros((9, 9), np.uint8)) == 0


@pytest.mark.parametrize("copy", PAPERS)
@pytest.mark.parametrize("light_ink", [False, True])
@pytest.mark.parametrize("level", [0, 90, 255])
def test_one_colour_has_no_ink(level, light_ink, copy):
    ink = flatten_light(np.full((120, 200), level, np.uint8), light_ink, copy)
    assert ink.shape == (120, 200) and ink.dtype == np.float32
    assert np.abs(ink).max() < 0.01


@pytest.mark.parametrize("copy", PAPERS)
@pytest.mark.parametrize("shape", ODD_SHAPES)
@pytest.mark.parametrize("light_ink", [False, True])
def test_pictures_of_a_pixel_or_a_row(shape, light_ink, copy):
    ink = flatten_light(np.random.default_rng(1).integers(0, 256, shape, np.uint8), light_ink, copy)
    assert ink.shape == shape and np.isfinite(ink).all() and ink.max() <= 1
    assert threshold(ink, copy).shape == shape


def test_ink_is_the_share_of_light_that_a_stroke_swallows():
    ink = flatten_light(page(paper=200, ink=50))
    assert ink[100, 150] == pytest.approx(0.75, abs=0.02)
    assert np.abs(ink[:60]).max() < 0.01


def test_light_ink_is_measured_against_itself():
    ink = flatten_light(page(paper=50, ink=200), light_ink=True)
    assert ink[100, 150] == pytest.approx(0.75, abs=0.02)
    assert np.abs(ink[:60]).max() < 0.01


def test_the_other_polarity_is_negative():
    assert flatten_light(page(paper=50, ink=200))[100, 150] < -0.5
    assert flatten_light(page(paper=200, ink=50), light_ink=True)[100, 150] < -0.5


@pytest.mark.parametrize("paper, ink", [(200, 50), (50, 200)])
def test_a_stroke_as_wide_as_a_quarter_of_the_picture_is_ink_on_the_smallest_copy_only(paper, ink):
    fine, _, coarse = (flatten_light(large(paper, ink), ink > paper, copy) for copy in PAPERS)
    assert coarse[100:300, 160:240] == pytest.approx(0.75, abs=0.03)
    assert coarse[:, :140].max() < 0.05 and coarse[:, 260:].max() < 0.05
    assert fine[200, 200] < 0.1
    assert np.array_equal(threshold(coarse, PAPERS[-1]) > 0, large() < 200)


@pytest.mark.parametrize(
    "copy, left, width", [(240, 200, 32), (80, 200, 96), (27, 100, 180), (80, 0, 96), (27, 0, 180), (27, 300, 180)]
)
def test_the_paper_under_a_stroke_is_found_and_on_smaller_copies_along_the_border_too(copy, left, width):
    """The picture is 480 pixels wide, so a pixel of the copies is 2, 6 and 18 of it."""
    picture = np.full((480, 480), 200, np.uint8)
    picture[:, left : left + width] = 40
    paper = estimate_paper(picture, False, copy)
    assert paper.shape == (copy, copy) and paper.dtype == np.uint8
    assert (paper == 200).all()


@pytest.mark.parametrize("paper, ink", [(220, 40), (220, 180), (60, 240), (60, 100)])
def test_light_on_dark_is_told_from_dark_on_light(paper, ink):
    assert has_light_ink(page(paper, ink)) == (ink > paper)
    assert has_light_ink(in_light(page(paper, ink), GRADIENT**0.2)) == (ink > paper)


def test_a_gradient_of_light_is_divided_out():
    flat = flatten_light(in_light(page(paper=240, ink=60), GRADIENT))
    assert flat[98:102, 110:190] == pytest.approx(0.75, abs=0.04)
    assert np.abs(np.r_[flat[:80], flat[120:]]).max() < 0.1


def test_a_soft_shadow_is_no_ink():
    light = np.ones((200, 300))
    light[:, 150:] = 0.5
    flat = flatten_light(in_light(np.full((200, 300), 230, np.uint8), cv2.GaussianBlur(light, (0, 0), 5)))
    assert flat.max() < 0.2


def test_the_edge_of_a_sheet_is_no_ink():
    desk = np.full((300, 400), 60, np.uint8)
    cv2.rectangle(desk, (80, 60), (330, 250), 220, -1)
    assert (flatten_light(desk) > 0.2).mean() < 0.01
    assert (flatten_light(desk, light_ink=True) > 0.2).mean() < 0.01


def test_threshold_of_a_blank_is_empty():
    mask = threshold(np.zeros((40, 60), np.float32))
    assert mask.shape == (40, 60) and mask.dtype == np.uint8 and not mask.any()


def test_threshold_ignores_noise():
    rng = np.random.default_rng(3)
    ink = rng.normal(0, 0.02, (200, 300)).astype(np.float32)
    ink[50:60, 50:250] += 0.6
    mask = threshold(ink)
    assert (mask[50:60, 50:250] == 255).all()
    mask[48:62, 48:252] = 0
    assert not mask.any()


def test_on_a_quiet_sheet_the_noise_around_it_hides_nothing():
    rng = np.random.default_rng(3)
    ink = rng.normal(0, 0.15, (600, 800)).astype(np.float32)
    ink[100:400, 200:600] = rng.normal(0, 0.01, (300, 400))
    ink[200:260, 300:305] = 0.3
    mask = threshold(ink)
    assert mask[200:260, 300:305].all()
    mask[200:260, 300:305] = 0
    assert not mask[150:350, 250:550].any()


def test_a_faint_stroke_beside_a_strong_one_stays():
    ink = np.zeros((100, 200), np.float32)
    ink[20:80, 40:46] = 0.9
    ink[20:80, 140:146] = 0.45
    assert set(np.unique(threshold(ink))) == {0, 255}
    assert np.array_equal(threshold(ink) > 0, ink > 0)


def test_a_pencil_on_a_sheet_is_not_measured_by_the_shadows_beside_it():
    grey = np.full((600, 800), 40, np.uint8)
    grey[100:500, 100:500] = 200
    ink = np.zeros(grey.shape, np.float32)
    ink[:, 520:720] = np.linspace(0.4, 0.9, 200)  # a shadow on the desk, far wider than any stroke
    ink[200:260, 200:205], ink[200:260, 225:230] = 0.9, 0.35
    assert not threshold(ink)[200:260, 225:230].any()
    mask = threshold(ink, PAPERS[0], find_sheet(grey, PAPERS[0]))
    assert mask[200:260, 225:230].all()
    assert cv2.countNonZero(mask[:, :500]) == 60 * 10


def test_a_sheet_is_found_only_where_there_is_a_step_in_brightness():
    even = np.tile(np.linspace(150, 230, 800, dtype=np.uint8), (600, 1))
    assert find_sheet(even, PAPERS[0]).all()
    desk = np.full((600, 800), 60, np.uint8)
    desk[150:450, 200:600] = 200
    sheet = find_sheet(desk, PAPERS[0])
    assert sheet.shape == (180, 240)
    assert sheet[60:120, 75:165].all()
    assert not sheet[:35].any() and not sheet[:, :50].any()


def test_a_faint_stroke_far_from_a_black_one_stays():
    ink = np.zeros((100, 200), np.float32)
    ink[20:80, 40:46] = 0.9
    ink[20:80, 140:146] = 0.1
    assert np.array_equal(threshold(ink) > 0, ink > 0)


def test_a_shade_beside_a_large_black_stroke_goes():
    """A coarse estimate of the paper does not follow uneven light; the shades that it leaves are no strokes."""
    ink = np.zeros((600, 800), np.float32)
    ink[100:500, 300:340] = 0.9
    ink[100:500, 600:640] = 0.1
    ink = cv2.GaussianBlur(ink, (0, 0), 1)
    for copy in PAPERS:
        mask = threshold(ink, copy)
        assert mask[100:500, 300:340].all() and mask[:, 500:].any() == (copy == PAPERS[0])


@pytest.mark.parametrize("black, is_ink", [(0.15, True), (0.04, False)])
def test_a_stroke_alone_may_be_faint_but_not_fainter_than_any_ink(black, is_ink):
    ink = np.zeros((100, 200), np.float32)
    ink[20:80, 140:146] = black
    assert np.array_equal(threshold(ink) > 0, (ink > 0) & is_ink)


def test_a_thin_faint_stroke_close_to_a_thick_black_one_stays():
    ink = np.zeros((100, 200), np.float32)
    ink[20:80, 40:50] = 0.9
    ink[20:80, 72:75] = 0.38
    mask = threshold(ink)
    assert mask[20:80, 40:50].all() and mask[20:80, 72:75].all()


def test_a_pale_cloud_is_no_stroke():
    """Paper a little darker than around it exceeds the noise, but has no pixel that clearly does."""
    ink = np.random.default_rng(3).normal(0, 0.005, (200, 300)).astype(np.float32)
    ink[150:170, 100:130] += 0.055
    ink[50:60, 50:250] += 0.12
    mask = threshold(ink)
    assert mask[50:60, 50:250].mean() > 250
    assert not mask[140:].any()


@pytest.mark.parametrize("crest", [0.9, 0.5])
def test_strokes_are_cut_at_their_own_half_height(crest):
    """A blurred edge reaches half of its crest where the stroke ends, however black the stroke is."""
    strong, ink = np.zeros((2, 100, 200), np.float32)
    strong[30:70, 30:50], ink[30:70, 130:150] = 0.9, crest
    ink = cv2.GaussianBlur(strong + ink, (0, 0), 2)
    assert cv2.boundingRect(threshold(ink)[:, 100:])[2:] == pytest.approx((20, 40), abs=2)


def sheet_on_desk(paper, desk):
    """A sheet (300 x 200 pixels at 200, 100), a little turned, with a thick stroke on it."""
    scene = np.full((500, 900), desk, np.uint8)
    cv2.fillPoly(scene, [np.array(SHEET)], paper)
    cv2.line(scene, (280, 150), (280, 240), desk, 10)
    return scene


SHEET = (200, 110), (490, 100), (500, 290), (210, 300)


@pytest.mark.parametrize(("paper", "desk"), [(220, 60), (40, 150), (220, 178)])
def test_a_sheet_on_a_desk_and_a_board_on_a_wall_are_outlined(paper, desk):
    scene = sheet_on_desk(paper, desk)
    found = [np.array(outline) for outline in find_sheets(scene)]
    assert len(found) == 1
    x, y, w, h = cv2.boundingRect(found[0])
    assert np.abs(np.array([x, y, x + w, y + h]) - (200, 100, 500, 300)).max() <= 12  # 3 pixels of the copy
    sheet = cut_sheet(scene, find_sheets(scene)[0])
    assert sheet.shape == (h, w)
    assert (sheet[[0, 0, -1, -1], [0, -1, 0, -1]] == paper).all()  # the desk in the corners is painted over
    assert (sheet == desk).sum() == (scene[120:280, 240:320] == desk).sum()  # the stroke is not
    assert (scene == sheet_on_desk(paper, desk)).all()


def test_a_pen_that_touches_a_sheet_is_not_of_it_and_where_it_was_the_paper_goes_on():
    scene = sheet_on_desk(220, 60)
    alone = find_sheets(scene)
    cv2.line(scene, (490, 200), (800, 120), 210, 20)
    beside = find_sheets(scene)
    boxes = [cv2.boundingRect(np.array(outline)) for (outline,) in (alone, beside)]
    assert np.abs(np.subtract(*boxes)).max() <= 20  # pixels: as wide as the pen
    sheet = cut_sheet(scene, beside[0])
    stroke = scene[120:280, 240:320] == 60
    assert (sheet < 200).sum() < 1.5 * stroke.sum()  # hardly any desk


def test_beyond_the_edges_of_a_sheet_its_paper_is_as_light_as_it_is_there():
    scene = np.tile(np.linspace(250, 120, 400).astype(np.uint8), (400, 1))
    corners = (200, 0), (399, 200), (200, 399), (0, 200)
    sheet = cut_sheet(scene, corners).astype(float)
    away = np.abs(sheet - scene)
    assert away[200].max() <= 2  # on the sheet
    assert sheet[5, 5] > sheet[5, 394] + 50 and np.abs(np.diff(sheet[5])).max() <= 8


@pytest.mark.parametrize("contrast", [0, 30])
def test_even_paper_and_dense_writing_are_no_sheets(contrast):
    paper = np.full((500, 900), 200, np.uint8)
    paper[:, 300:] -= np.uint8(contrast)  # a shadow
    for y in range(60, 500, 40):
        cv2.putText(paper, "375261809437526180943752", (50, y), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 20, 3)
    assert find_sheets(paper) == []
