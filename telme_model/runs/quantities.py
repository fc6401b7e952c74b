"""How quantities are written for people, in the window and in the terminal: one form of each in the whole program."""

MINUTE, HOUR, DAY = 60, 3600, 86400  # seconds


def duration(seconds: float | None) -> str:
    """A time that was measured, or that counts down: "22 s", "1 min 48 s", "3 h 05 min", "2 d 4 h"."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def estimate(seconds: float | None) -> str:
    """A time that is only expected, no finer than it can be known: "40 s", "4 min", "2 h 10 min", "3 d"."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / MINUTE)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours / 24:,.0f} d"


def clock(seconds: float, digits: int = 1) -> str:
    """A time within a film, as 0:07.2; never ahead of it."""
    parts = 10**digits
    whole = int(max(seconds, 0.0) * parts + 1e-6)  # 0.3 s is 2.999... tenths
    fraction = f".{whole % parts:0{digits}}" if digits else ""
    return f"{whole // parts // MINUTE}:{whole // parts % MINUTE:02}{fraction}"


def size(count: float) -> str:
    """Bytes: "126 MB", "1.4 GB"."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}" if count < 10 * unit else f"{count / unit:,.0f} {name}"
    return f"{count / 1e3:,.0f} kB"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 turn", "1,200 turns"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
