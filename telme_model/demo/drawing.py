"""The picture of one character with one expression."""

import math

import cv2
import numpy as np

from telme_model.demo import wardrobe
from telme_model.demo.backdrops import backdrop
from telme_model.demo.canvas import Canvas, Image, Points, ellipse, mix, ribbon, smooth
from telme_model.demo.expressions import Expression
from telme_model.demo.looks import Beard, Colour, Hair, Look, Top

SUPERSAMPLING = 2
_EYE_LINE = 45.5
_PIVOT = np.array((0.0, 40.0))
_DUSK: Colour = (70, 24, 52)
_INK: Colour = (48, 30, 34)
_WHITE: Colour = (252, 250, 246)
_OUTLINE = wardrobe.mirrored(
    (
        (0, -33.5),
        (9.5, -32.2),
        (17.6, -27.4),
        (22.8, -18),
        (24.6, -5),
        (23.6, 9),
        (20, 20.5),
        (13.4, 28.8),
        (6.2, 33.2),
        (0, 34),
    )
)
_ARC = np.linspace(-1.0, 1.0, 15)
_BOW = 1 - _ARC**2


def _moved(points: Points, x: float, y: float) -> Points:
    moved: Points = points + np.array((x, y))
    return moved


class Portrait:
    """Draws one character; what stays the same from frame to frame is prepared once."""

    def __init__(self, look: Look, width: int, height: int) -> None:
        self.look = look
        self._size = (width, height)
        self._scale = height * SUPERSAMPLING / 100
        self._room = backdrop(look, width * SUPERSAMPLING, height * SUPERSAMPLING)
        self._middle = 50 * width / height
        self._stretch = np.array((look.width, 1.0))
        jaw = 1 + (look.jaw - 1) * np.clip((_OUTLINE[:, 1] - 5) / 15, 0, 1)
        self._outline = _OUTLINE * np.stack((jaw, np.ones_like(jaw)), 1)
        self._back = wardrobe.hair_back(look.hair_style)
        self._front = wardrobe.hair_front(look.hair_style)
        self._shine = wardrobe.hair_shine(look.hair_style)
        self._dark = mix(look.skin, _DUSK, 0.17)
        self._deep = mix(look.skin, _DUSK, 0.42)
        self._bright = mix(look.skin, (255, 240, 220), 0.28)
        self._red = mix(look.skin, (188, 48, 66), look.lips)
        red, green, blue = look.hair
        self._hair_dark = (round(0.76 * red), round(0.66 * green), round(0.6 * blue))

    def draw(self, face: Expression) -> Image:
        """One frame, uint8 [height, width, 3], RGB. The amplitudes of movement in `face` are not looked at."""
        self.canvas = Canvas(self._room.copy(), self._scale)
        self._pose(face)
        drop = 4.2 * face.mouth_open * np.clip((self._outline[:, 1] - 12) / 20, 0, 1)
        skull = smooth(self._outline + np.stack((np.zeros_like(drop), drop), 1))
        for shape in self._back:
            self._fill(shape, self._hair_dark, -9)
        self._body()
        self._ears()
        self._skin(skull, face)
        self._mouth(face)
        self._nose(face)
        for side in (-1, 1):
            self._eye(face, side)
        self._hair(skull)
        for side in (-1, 1):
            self._brow(face, side)
        self._worry(face)
        if self.look.glasses:
            self._glasses(self.look.glasses)
        return cv2.resize(self.canvas.image, self._size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    def _pose(self, face: Expression) -> None:
        turn, nod, roll = 0.42 * face.head_turn, 0.3 * face.head_nod, 0.2 * face.head_tilt
        self._turn, self._nod = (math.cos(turn), math.sin(turn)), (math.cos(nod), math.sin(nod))
        self._roll = np.array(((math.cos(roll), math.sin(roll)), (-math.sin(roll), math.cos(roll))))
        self._near = 1 + 0.07 * face.lean
        self._offset = np.array((self._middle + 1.2 * face.head_turn, _EYE_LINE + 1.2 * face.lean))

    def _place(self, points: Points, depth: float) -> Points:
        """Head units to picture units; `depth` is how far before the head's axis the points lie."""
        (cos_turn, sin_turn), (cos_nod, sin_nod) = self._turn, self._nod
        turned = points * self._stretch * (cos_turn, cos_nod) + (depth * sin_turn, depth * sin_nod)
        placed: Points = ((turned - _PIVOT) @ self._roll + _PIVOT) * self._near + self._offset
        return placed

    def _fill(self, shape: Points, colour: Colour, depth: float, alpha: float = 1.0) -> None:
        self.canvas.fill(self._place(shape, depth), colour, alpha)

    def _body_fill(self, shape: Points, colour: Colour) -> None:
        self.canvas.fill((shape - _PIVOT) * self._near + _PIVOT + self._offset, colour)

    def _body(self) -> None:
        look, cloth = self.look, self.look.cloth
        dark = mix(cloth, _DUSK, 0.28)
        if look.top is Top.HOODIE:
            self._body_fill(ellipse(0, 39, 21, 8.5), dark)
        self._body_fill(wardrobe.NECK, look.skin)
        self._body_fill(wardrobe.NECK_SHADOW, self._deep)
        chest = wardrobe.SHOULDERS
        if look.top is Top.TURTLENECK:
            self._body_fill(chest, cloth)
            self._body_fill(wardrobe.SHOULDER_SHADE, dark)
            self._body_fill(wardrobe.ROLL, dark)
            self._body_fill(wardrobe.ROLL_FRONT, cloth)
            return
        depth = {Top.CREW: 46.5, Top.VNECK: 58.0, Top.SHIRT: 60.0, Top.HOODIE: 49.0}[look.top]
        opening = np.array(
            ((-14.5, 38), (14.5, 38), (9, 38 + (depth - 38) * 0.62), (0, depth), (-9, 38 + (depth - 38) * 0.62))
        )
        if look.top in (Top.VNECK, Top.SHIRT):
            opening = np.array(((-14.5, 38), (14.5, 38), (0, depth)))
        throat = (chest - _PIVOT) * self._near + _PIVOT + self._offset
        with self.canvas.clipped(throat) as inner:
            outer, self.canvas = self.canvas, inner
            self._body_fill(chest, cloth)
            self._body_fill(wardrobe.SHOULDER_SHADE, dark)
            round_neck = smooth(opening) if look.top in (Top.CREW, Top.HOODIE) else opening
            self._body_fill(round_neck * (1.14, 1.03), dark)
            self._body_fill(round_neck, look.inner if look.top is Top.SHIRT else look.skin)
            self.canvas = outer
        if look.top is not Top.SHIRT:
            self._body_fill(wardrobe.NECK_SHADOW, self._deep)
        if look.top is Top.SHIRT:
            self._collar()
        elif look.top is Top.HOODIE:
            for side in (-1, 1):
                self._body_fill(ribbon(np.array(((8.5 * side, 45.5), (9.2 * side, 56))), 1.1), look.inner)

    def _collar(self) -> None:
        skin = np.array(((-10.5, 34), (10.5, 34), (6, 42), (0, 47.5), (-6, 42)))
        self._body_fill(skin, self._deep)
        for side in (-1, 1):
            wing = np.array(((11.8, 33.5), (14.5, 39), (10.5, 51), (0.6, 46.5), (6, 43), (10.4, 37))) * (side, 1)
            self._body_fill(_moved(wing, 0.3, 0.9), mix(self.look.inner, _DUSK, 0.35))
            self._body_fill(wing, self.look.inner)

    def _ears(self) -> None:
        for side in (-1, 1):
            self._fill(ellipse(24.6 * side, 3.5, 3.9, 6.2), self._dark if side > 0 else self.look.skin, -3)
            self._fill(ellipse(25 * side, 3.7, 2.0, 3.9), self._deep if side > 0 else self._dark, -3)
            if self.look.earrings and self.look.hair_style is not Hair.BOB:
                self._fill(ellipse(25.8 * side, 12.5, 1.7, 2.4), self.look.earrings, -3)

    def _skin(self, skull: Points, face: Expression) -> None:
        look = self.look
        self._fill(skull, look.skin, 2)
        # The side away from the light: between the outline and the same outline pushed inwards.
        edge = skull[8:50]
        inwards = np.sin(np.linspace(0, np.pi, len(edge)))[:, None] ** 0.8 * (-6.4, -2.6)
        self._fill(np.concatenate((edge, (edge + inwards)[::-1])), self._dark, 2)
        blush = 0.1 + 0.1 * max(face.mouth_curve, 0.0)
        for side in (-1, 1):
            for part in (1.0, 0.8, 0.6):
                cheek = ellipse(14.8 * side, 10.2 - 1.6 * face.squint, 6.2 * part, 4.2 * part)
                self._fill(cheek, mix(look.skin, (226, 70, 74), 0.6), 9, blush)
            if look.freckles:
                for x, y in ((11, 7), (14, 8.4), (17, 7), (12.6, 10.2), (16, 10.8)):
                    self._fill(ellipse(x * side, y - 1.2 * face.squint, 0.42, 0.42, 8), self._deep, 10)
        if look.beard in (Beard.FULL, Beard.STUBBLE):
            self._beard(skull, face)

    def _beard(self, skull: Points, face: Expression) -> None:
        full = self.look.beard is Beard.FULL
        jaw = skull[(skull[:, 1] > 2)]
        smile = 1.6 * face.mouth_curve
        line = wardrobe.mirrored(
            ((0, 14.2), (4.5, 13.4), (9.5, 15.6 - smile / 2), (16.5, 14.5 - smile), (20.6, 9), (22.5, 3))
        )
        inner = np.concatenate((line[6:], line[:6]))
        grown = jaw * ((1.035, 1.03) if full else (1.0, 1.0))
        shape = np.concatenate((grown, inner))
        if full:
            self._fill(shape, self.look.hair, 4)
        else:
            self._fill(shape, mix(self.look.hair, self.look.skin, 0.25), 2.4, 0.42)

    def _nose(self, face: Expression) -> None:
        look, lift = self.look, 1.5 * face.nose_wrinkle + 0.5 * face.lip_raise
        width = look.nose * (1 + 0.16 * face.nose_wrinkle + 0.06 * max(face.mouth_curve, 0))
        side = np.array(
            (
                (0.8, -1),
                (2.2, 5),
                (4.6 * width, 10.2 - lift),
                (2.6 * width, 12.5 - lift),
                (0.2, 12.9 - lift),
                (1.8, 9.5 - lift),
            )
        )
        self._fill(smooth(side), self._dark, 15)
        base = np.array(((-4.4, 10.6), (-3.2, 12.3), (-1, 12.5), (0, 13.1), (1, 12.5), (3.2, 12.3), (4.4, 10.6)))
        nostrils = ribbon(base * (width, 1) - (0, lift), 0.95 * np.sin(np.linspace(0.5, np.pi - 0.5, 7)))
        self._fill(nostrils, self._deep, 15)
        self._fill(ellipse(-1.3, 8.6 - lift, 0.9, 1.4, 12), self._bright, 17)
        if face.nose_wrinkle > 0.15:
            for y in (-1.5, 1.2, 3.9):
                crease = np.stack((_ARC * 3.0, y + 1.3 * _ARC**2), 1)
                self._fill(ribbon(crease, 1.1 * face.nose_wrinkle * _BOW), self._deep, 14)
        fold = max(0.75 * max(face.mouth_curve, 0), 0.9 * face.lip_raise, 0.9 * face.nose_wrinkle) - 0.22
        if fold > 0:
            for sign in (-1, 1):
                line = np.array(((5.4, 10.5 - lift), (7.4, 12), (9.8, 14.6), (11.6, 18))) * (sign, 1)
                self._fill(ribbon(line, 1.15 * min(fold, 0.8) * np.array((0.3, 1, 1, 0.2))), self._deep, 12)

    def _mouth(self, face: Expression) -> None:
        look = self.look
        half = 8.4 * (1 + 0.3 * face.mouth_width + 0.12 * max(face.mouth_curve, 0)) * (1 - 0.16 * face.mouth_open)
        bend = 5.4 * face.mouth_curve + 0.7
        rest = 21.3 - 0.8 * face.lip_raise + 0.35 * bend - bend * np.abs(_ARC) ** 1.7
        gap = 10.0 * face.mouth_open
        sneer = face.lip_raise * 3.2 * np.exp(-(((_ARC - 0.35) / 0.45) ** 2))
        upper = np.stack((_ARC * half, rest - (0.34 * gap * _BOW**0.7 + sneer * _BOW**0.4)), 1)
        lower = np.stack((_ARC * half, rest + 0.66 * gap * _BOW**0.62), 1)
        thin = (1 - 0.75 * face.lip_press) * (0.8 + 0.4 * look.lips)
        cupid = 1 - 0.35 * np.exp(-((_ARC / 0.16) ** 2))
        top = upper - (0, 1) * (2.0 * thin * _BOW**0.7 * cupid)[:, None]
        bottom = lower + (0, 1) * (2.7 * thin * _BOW**0.6)[:, None]
        if look.beard in (Beard.MOUSTACHE, Beard.FULL):
            self._moustache(face, bend)
        self._fill(np.concatenate((upper, bottom[::-1])), self._red, 12)
        self._fill(np.concatenate((top, lower[::-1])), mix(self._red, _DUSK, 0.2), 12)
        cavity = np.concatenate((upper, lower[::-1]))
        if np.max(lower[:, 1] - upper[:, 1]) > 0.9:
            teeth = upper + (0, 1) * (min(2.9, 0.6 + 0.5 * gap + 2 * face.lip_raise) * _BOW**0.3)[:, None]
            with self.canvas.clipped(self._place(cavity, 12)) as inner:
                outer, self.canvas = self.canvas, inner
                inner.image[:] = (88, 28, 36)
                self._fill(ellipse(0, float(lower[7, 1]), half * 0.62, 0.34 * gap), (206, 92, 96), 12)
                self._fill(np.concatenate((upper - (0, 1), teeth[::-1])), _WHITE, 12)
                self.canvas = outer
        else:
            self._fill(ribbon(upper, 0.25 + 0.75 * _BOW**0.5), mix(self._red, _DUSK, 0.75), 12)
        chin = np.stack((_ARC * 3.6, lower[7, 1] + 4.2 * thin + 2.4 - 0.5 * _ARC**2), 1)
        if look.beard is not Beard.FULL:
            self._fill(ribbon(chin, 0.9 * _BOW), self._dark, 10)
        corner = 0.4 + 0.3 * abs(face.mouth_curve)
        for end in (upper[0], upper[-1]):
            self._fill(ellipse(float(end[0]), float(end[1]), corner, corner, 10), self._deep, 12)

    def _moustache(self, face: Expression, bend: float) -> None:
        lift = 1.4 * face.lip_raise + 2.4 * face.mouth_open
        half = np.array(
            (
                (0.3, 14.4),
                (5, 14),
                (10.5, 16.6 - bend * 0.35),
                (14, 21 - bend * 0.7),
                (9, 20.6 - bend * 0.45),
                (4, 19.4),
                (0.3, 19.2),
            )
        ) - (0, lift)
        for side in (-1, 1):
            self._fill(smooth(half * (side, 1)), self.look.hair if side < 0 else mix(self.look.hair, _DUSK, 0.1), 13)

    def _eye(self, face: Expression, side: int) -> None:
        look = self.look
        opened = 1 + (0.5 if face.eye_open > 0 else 1.0) * face.eye_open
        base = 0.1 - 0.55 * _ARC
        low = (2.4 + 0.9 * max(face.eye_open, 0) - 2.1 * face.squint) * _BOW**0.7
        reach = 5.9 * opened * (1 + 0.3 * face.brow_angle * _ARC) * _BOW**0.75
        x = side * (10.6 + 5.5 * _ARC)
        lower = np.stack((x, base + low), 1)
        upper = np.stack((x, base + np.minimum(low, 2.4 * _BOW**0.7 - reach)), 1)
        crease = np.stack((x, base - 4.6 * (1 + 0.22 * max(face.eye_open, 0)) * _BOW**0.7 - 0.6), 1)
        self._fill(np.concatenate((crease[1:-1], upper[::-1])), mix(look.skin, self._dark, 0.8), 10.5)
        opening = np.concatenate((upper, lower[::-1]))
        if opened > 0.08:
            with self.canvas.clipped(self._place(opening, 11)) as inner:
                outer, self.canvas = self.canvas, inner
                inner.image[:] = _WHITE
                self._iris(side * 10.6 + 2.3 * face.gaze_x, -0.6 + 1.7 * face.gaze_y)
                self._fill(ribbon(_moved(upper, 0, 0.6), 1.5), mix(_WHITE, _DUSK, 0.32), 11, 0.55)
                self.canvas = outer
        lash = (0.5 + 0.65 * _BOW**0.5) * (1.15 if look.lashes else 1.0) + (0.3 * (_ARC + 1) if look.lashes else 0.0)
        self._fill(ribbon(upper, lash), _INK, 11)
        if look.lashes:
            corner = upper[-2]
            self._fill(corner + np.array(((0, 0), (side * 2.0, -1.5), (side * 0.2, 0.9))), _INK, 11)
        self._fill(ribbon(lower[2:-1], 0.5), self._deep, 11)
        if face.squint > 0.2:
            bag = _moved(lower[2:-2], 0, 1.9)
            self._fill(ribbon(bag, 0.9 * face.squint * _BOW[2:-2]), self._deep, 11)

    def _iris(self, x: float, y: float) -> None:
        eyes = self.look.eyes
        self._fill(ellipse(x, y, 3.25, 3.25), mix(eyes, _INK, 0.55), 11)
        self._fill(ellipse(x, y + 0.2, 2.7, 2.7), eyes, 11)
        self._fill(ellipse(x, y, 1.55, 1.55, 16), (22, 14, 18), 11)
        self._fill(ellipse(x - 1.2, y - 1.3, 0.95, 0.95, 12), (255, 255, 255), 11)

    def _brow(self, face: Expression, side: int) -> None:
        raised = 3.9 * face.brow_raise + 2.2 * face.brow_skew * side
        frown, worry = max(face.brow_angle, 0.0), max(-face.brow_angle, 0.0)
        inner = np.array((4.6 - 1.5 * frown, -7.6 + 3.3 * frown - 3.6 * worry))
        arch = np.array((11.4, -10.0 + 1.2 * frown + 0.4 * worry - 0.8 * max(face.brow_raise, 0)))
        outer = np.array((17.4, -7.6 - 0.9 * frown + 1.9 * worry))
        t = np.linspace(0, 1, 12)[:, None]
        control = 2 * arch - (inner + outer) / 2
        line = ((1 - t) ** 2 * inner + 2 * t * (1 - t) * control + t**2 * outer - (0, raised)) * (side, 1)
        thick = self.look.brow * 2.5 * (1 - 0.75 * t[:, 0] ** 1.6)
        # Light hair gets darker brows: they carry much of the expression.
        self._fill(ribbon(line, thick), mix(self.look.hair, _INK, 0.45), 13)

    def _worry(self, face: Expression) -> None:
        furrow = max(face.brow_angle, -0.6 * face.brow_angle) - 0.25
        if furrow > 0:
            for side in (-1, 1):
                line = np.array(((1.7, -10.5), (1.3, -7.5), (1.9, -4.6))) * (side, 1)
                self._fill(ribbon(line, 1.4 * furrow * np.array((0.3, 1, 0.3))), self._deep, 13)
        if face.brow_raise > 0.35 and self.look.hair_style is not Hair.BOB:
            for y in (-15.4, -18.0):
                line = np.stack((_ARC * 10, y - 1.8 * face.brow_raise + 0.9 * _ARC**2), 1)
                self._fill(ribbon(line, 1.0 * face.brow_raise * _BOW), self._dark, 11)

    def _hair(self, skull: Points) -> None:
        look = self.look
        if look.hair_style is Hair.BRAID:
            for number, strand in enumerate(wardrobe.braid()):
                self._fill(strand, mix(look.hair, (255, 220, 200), 0.1) if number % 2 else look.hair, 2)
        if look.hair_style is Hair.BALD:
            self._fill(ellipse(-10, -26, 5.5, 2.6), self._bright, 6, 0.6)
            return
        with self.canvas.clipped(self._place(skull, 2), 0.6) as inner:
            for shape in self._front:
                inner.fill(self._place(_moved(shape, 0.5, 1.5), 5), self._dark)
        for shape in self._front:
            self._fill(shape, look.hair, 5)
        for streak in self._shine:
            self._fill(streak, mix(look.hair, (255, 226, 196), 0.22), 6)

    def _glasses(self, frame: Colour) -> None:
        for side in (-1, 1):
            rim = wardrobe.RIM * (side, 1)
            closed = np.concatenate((rim, rim[:2]))
            self._fill(ribbon(closed, 1.15), frame, 14)
            self._fill(ribbon(np.array(((17.9, -2.5), (24, -1.5))) * (side, 1), 1.1), frame, 6)
            glint = np.array(((6.0, -3.6), (8.2, -3.9), (5.6, 2.6), (4.6, 1.2))) + ((-17, 0) if side < 0 else (0, 0))
            self._fill(glint, _WHITE, 14, 0.3)
        bridge = np.stack((_ARC * 3.5, -2.6 - 0.9 * _BOW), 1)
        self._fill(ribbon(bridge, 1.1), frame, 14)
