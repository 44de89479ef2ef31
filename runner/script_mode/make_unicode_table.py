"""Writes unicode_table.inc: what Python's str.upper() and str.isprintable() know. Run by Python 3.11 (Unicode 14)."""
import sys


def upper_rows():
    for code in range(0x80, sys.maxunicode + 1):
        if 0xD800 <= code <= 0xDFFF:
            continue
        upper = chr(code).upper()
        if upper != chr(code):
            points = [ord(c) for c in upper] + [0, 0]
            yield "{0x%x,{0x%x,0x%x,0x%x}}," % (code, *points[:3])


def unprintable_ranges():
    start = None
    for code in range(0x7F, sys.maxunicode + 2):
        bad = code <= sys.maxunicode and not chr(code).isprintable()
        if bad and start is None:
            start = code
        if not bad and start is not None:
            yield "{0x%x,0x%x}," % (start, code - 1)
            start = None


def block(rows, columns):
    rows = list(rows)
    return "\n".join("".join(rows[i : i + columns]) for i in range(0, len(rows), columns))


print("// Made by make_unicode_table.py with Python %d.%d; never edited." % sys.version_info[:2])
print("constexpr UpperRow kUpper[] = {\n%s\n};" % block(upper_rows(), 4))
print("constexpr Range kUnprintable[] = {\n%s\n};" % block(unprintable_ranges(), 6))
