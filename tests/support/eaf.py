"""ELAN files as other programs and people make them, in a few words."""

from collections.abc import Mapping


def eaf(slots: Mapping[str, int | None], *tiers: str) -> str:
    """A document as ELAN 6 writes it, with these time slots in milliseconds."""
    times = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="{name}"' + (f' TIME_VALUE="{time}"' if time is not None else "") + "/>"
        for name, time in slots.items()
    )
    kinds = "".join(
        f'<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="{name}" TIME_ALIGNABLE="{aligned}"{rule}/>'
        for name, aligned, rule in (
            ("default-lt", "true", ""),
            ("sub", "true", ' CONSTRAINTS="Time_Subdivision"'),
            ("assoc", "false", ' CONSTRAINTS="Symbolic_Association"'),
            ("parts", "false", ' CONSTRAINTS="Symbolic_Subdivision"'),
        )
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" '
        'FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">'
        f'<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/><TIME_ORDER>{times}</TIME_ORDER>{"".join(tiers)}'
        f"{kinds}</ANNOTATION_DOCUMENT>"
    )


def aligned(name: str, *annotations: tuple[str, str, str], kind: str = "default-lt", **attributes: str) -> str:
    """A tier of (first slot, last slot, text); its annotations are called `{name}a0` and so on."""
    inner = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}a{number}" TIME_SLOT_REF1="{start}" '
        f'TIME_SLOT_REF2="{end}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
        for number, (start, end, text) in enumerate(annotations)
    )
    return _tier(name, kind, attributes, inner)


def hanging(name: str, *annotations: tuple[str, str], kind: str = "assoc", **attributes: str) -> str:
    """A tier of (annotation that it refers to, text)."""
    former: dict[str, str] = {}
    inner = ""
    for number, (over, text) in enumerate(annotations):
        previous = f' PREVIOUS_ANNOTATION="{former[over]}"' if kind == "parts" and over in former else ""
        former[over] = f"{name}r{number}"
        inner += (
            f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{name}r{number}" ANNOTATION_REF="{over}"{previous}>'
            f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
        )
    return _tier(name, kind, attributes, inner)


def _tier(name: str, kind: str, attributes: Mapping[str, str], inner: str) -> str:
    more = "".join(f' {key.upper()}="{value}"' for key, value in attributes.items())
    return f'<TIER LINGUISTIC_TYPE_REF="{kind}" TIER_ID="{name}"{more}>{inner}</TIER>'
