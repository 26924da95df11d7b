"""Posters of events without a picture: drawn from the event's number, always the same one."""

import math
import random

WIDTH, HEIGHT = 1200, 750
# ground, then three inks: each set is meant to be seen together.
PALETTES = [
    ("#0f3d33", "#d9f24b", "#f4efe4", "#2f8f6b"),
    ("#f2b544", "#1c2f2a", "#f7f1e3", "#d9542b"),
    ("#1d2745", "#f26b4e", "#f6e7d2", "#6c8ae4"),
    ("#e9dfcf", "#14463a", "#e8573f", "#f0b429"),
    ("#5a1f3d", "#f6a6a1", "#f9ead9", "#e4572e"),
    ("#bcd8d2", "#12352d", "#f8f4ea", "#ef7b45"),
    ("#23302c", "#9fd8c0", "#f3f0e6", "#d9f24b"),
    ("#f08a6b", "#2a1a33", "#fbe9d6", "#7b3b5e"),
]


def draw_poster(seed: int) -> str:
    """An SVG document of 1200 × 750, about 2 kB; the same seed draws the same poster, neighbors differ."""
    dice = random.Random(seed * 7919)  # noqa: S311, a picture is no secret
    ground, *inks = PALETTES[seed % len(PALETTES)]
    drawing = (_tiles, _waves, _rings, _columns)[(seed + seed // len(PALETTES)) % 4]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="xMidYMid slice"><rect width="{WIDTH}" height="{HEIGHT}" fill="{ground}"/>'
        f"{drawing(dice, ground, inks)}</svg>"
    )


def _tiles(dice: random.Random, ground: str, inks: list[str]) -> str:
    """Quarter circles and dots on a grid."""
    size, shapes = 150, []
    for row in range(HEIGHT // size):
        for column in range(WIDTH // size):
            x, y, ink = column * size, row * size, dice.choice(inks)
            match dice.randrange(6):
                case 0 | 1:
                    corner = dice.choice([(0, 0, 1, 1), (1, 0, -1, 1), (0, 1, 1, -1), (1, 1, -1, -1)])
                    cx, cy, dx, dy = (
                        x + corner[0] * size,
                        y + corner[1] * size,
                        corner[2] * size,
                        corner[3] * size,
                    )
                    sweep = 1 if dx * dy > 0 else 0
                    shapes.append(
                        f'<path fill="{ink}" d="M{cx} {cy}h{dx}A{size} {size} 0 0 {sweep} {cx} {cy + dy}Z"/>'
                    )
                case 2:
                    shapes.append(
                        f'<circle cx="{x + size // 2}" cy="{y + size // 2}" r="{size // 2}" fill="{ink}"/>'
                    )
                case 3:
                    shapes.append(f'<rect x="{x}" y="{y}" width="{size}" height="{size}" fill="{ink}"/>')
                    shapes.append(
                        f'<circle cx="{x + size // 2}" cy="{y + size // 2}" r="{size // 4}" fill="{ground}"/>'
                    )
                case 4:
                    shapes.append(
                        f'<path fill="{ink}" d="M{x} {y + size}a{size // 2} {size // 2} 0 0 1 {size} 0Z"/>'
                    )
    return "".join(shapes)


def _waves(dice: random.Random, ground: str, inks: list[str]) -> str:
    """A sun over water."""
    cx, cy, radius = dice.randrange(350, 900), dice.randrange(240, 330), dice.randrange(150, 210)
    shapes = [f'<circle cx="{cx}" cy="{cy}" r="{radius}" fill="{inks[0]}"/>']
    step, rows = WIDTH // 4, 6
    for row in range(rows):
        y, lift = 330 + row * 75, dice.randrange(30, 70)
        start = -dice.randrange(0, step)
        curve = "".join(f"q{step // 2} {-lift if i % 2 else lift} {step} 0" for i in range(6))
        ink = inks[1 + row % 2] if row % 3 else ground
        shapes.append(f'<path fill="{ink}" d="M{start} {y}{curve}V{HEIGHT}H{start}Z"/>')
    return "".join(shapes)


def _rings(dice: random.Random, ground: str, inks: list[str]) -> str:
    """Sound going out from two places."""
    shapes = []
    for cx, cy in ((dice.randrange(200, 500), HEIGHT), (dice.randrange(750, 1100), dice.randrange(0, 200))):
        turn = dice.randrange(3)
        for n, radius in enumerate(range(430, 40, -65)):
            ink = inks[(n + turn) % 3] if n % 2 == 0 else ground
            shapes.append(f'<circle cx="{cx}" cy="{cy}" r="{radius}" fill="{ink}"/>')
    return "".join(shapes)


def _columns(dice: random.Random, ground: str, inks: list[str]) -> str:
    """An equalizer: round-topped bars along a slow curve."""
    shapes, width, phase = [], 60, dice.random() * 6
    for n in range(WIDTH // 80):
        tall = int(250 + 190 * math.sin(phase + n * 0.55) + dice.randrange(0, 130))
        x, y = 10 + n * 80, (HEIGHT - tall) // 2
        ink = inks[0] if dice.random() < 0.55 else dice.choice(inks[1:])
        shapes.append(f'<rect x="{x}" y="{y}" width="{width}" height="{tall}" rx="30" fill="{ink}"/>')
    return "".join(shapes)
