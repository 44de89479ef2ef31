"""Keys that a client, a proxy or a server that takes them for paths would change."""

HOSTILE = [
    "plain.txt", "a b+c d.txt", "100% %2F %20 %zz.txt", "ünïcödé/日本語/🚀.bin", "e\u0301", "\u00e9", "a//b", "/a", "//",
    "./a/./b", "dir/", "dir", "dir/file", "folder/../up.txt", "dots...", "dir./x. ", "?query=1&x=y", "#fragment", "a&b=c;d,e",
    "quote'\"<>&", "back\\slash", "~!*()$@:=|`^{}[]", ".", "a/..", "\u202eright-to-left", "x" * 1024, "ü" * 512, "🚀" * 256,
]
# XML has no way to write most of these: lists of them are asked for URL-encoded.
CONTROL = ["tab\there", "line\nbreak", "return\rhere", "\x01first", "bell\x07", "delete\x7f", "next\u0085line", "\ufffe", "a\x1f/b"]
