"""Changes of bytes and of texts. Everything that is drawn comes from the random.Random of the case."""

WORDS = ["0", "-1", "1", "2", "-0.0", "0.5", "1e-320", "1e300", "-1e300", "1e400", "nan", "inf", "-inf", "+nan",
         "65536", "2147483648", "-2147483649", "9007199254740993", "9223372036854775807", "9223372036854775808",
         "0x10", "0b101", "1_000", "true", "false", '""', "''", '"a"', '"\\u0000"', '"\\uD800"', '"é"', '"""a\nb"""',
         "[]", "[[]]", "{}", "[1, 2, 3]", "[3, 2, 1]", '[1, "a"]', "[nan]", "[1e308, -1e308]", "{min = 1, max = 2}",
         "{min = 2, max = 1}", "{min = 1, max = 1}", "{min = 0, max = 1, steps = 5}", "{min = nan, max = inf}",
         "{min = 3.8, max = 4.2, steps = 1000000000}", "{min = 1, max = 2, steps = -1}", "{a = 1}", "{min = 1}",
         "[{S_EE = 4.0}]", "[{S_EE = 4.0, S_EI = 2.2}]", "[{S_EE = 1e9}]", "[{}]", "1979-05-27T07:32:00Z", "07:32:00",
         '"../../etc/passwd"', '"/dev/zero"', '"/dev/stdin"', '"."', '"x.csv; true"', '"$(true)"', "", "=", "]", "{"]
LINES = ["", "#", "\x00", "\ufeff", "[", "[[a]]", "[design]", "[network]", "[design.axes]", "[[design.test_at]]",
         "a", "a =", "= 1", "a.b.c = 1", '"" = 1', '"a.b" = 1', "seed = 1", "\r", "\t", "x" * 5000, "é = 1",
         "a = '''", 'a = """', "[design.axes", "S_EE = [4.0]", "S_EE = 4.0", "points = 3", "kind = 'grid'"]
BYTES = [b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\n", b"\r", b'"', b"'", b"[", b"{", b".", b"=", b",", b"#"]
DEEP = [lambda n: "a." * n + "b = 1", lambda n: "[" + "a." * n + "b]", lambda n: "a = " + "[" * n,
        lambda n: "a = " + "[" * n + "]" * n, lambda n: "a = " + "{a = " * n + "1" + "}" * n,
        lambda n: "[" * n + "a" + "]" * n, lambda n: "a = '" + "x" * n + "'", lambda n: "a" * n + " = 1",
        lambda n: "a = 1" + "0" * n, lambda n: "a = [" + "1," * n + "]", lambda n: "\n".join(f"a{i} = 1" for i in range(n // 4))]


def change_bytes(rng, data, begin=0):
    """One to four changes behind the first `begin` bytes."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        size = len(data)
        if size <= begin:
            data += rng.randbytes(8)
            continue
        at = rng.randrange(begin, size)
        how = rng.randrange(7)
        if how == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            data[at] = rng.choice([0, 1, 2, 0x7f, 0x80, 0xff, rng.randrange(256)])
        elif how == 2:
            run = min(rng.choice([2, 4, 8, 16, 64]), size - at)
            data[at:at + run] = bytes([rng.choice([0, 0xff])]) * run
        elif how == 3:
            del data[at:]
        elif how == 4:
            del data[at:at + rng.choice([1, 8, 100])]
        elif how == 5:
            data[at:at] = rng.choice(BYTES) * rng.choice([1, 1, 8, 300])
        else:
            other = rng.randrange(begin, size)
            run = rng.choice([4, 16, 256])
            data[at:at + run] = data[other:other + run]
    return bytes(data)


def overwrite_bytes(rng, data, begin=0):
    """The same without a change of the length."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(begin, len(data))
        run = min(rng.choice([1, 1, 2, 4, 8, 16]), len(data) - at)
        data[at:at + run] = rng.choice([bytes(run), b"\xff" * run, rng.randbytes(run)])
    return bytes(data)


def value(rng, keys):
    """A value that a key might get."""
    how = rng.randrange(6)
    if how < 3:
        return rng.choice(WORDS)
    if how == 3:
        return repr(rng.choice([10.0 ** rng.randrange(-12, 12), rng.uniform(-10, 10), float(rng.randrange(-5, 5000))]))
    if how == 4:
        return rng.choice(sorted({word for key in keys for word in key.words} or {"1"}))
    return str(rng.choice([2 ** rng.randrange(64), -(2 ** rng.randrange(64)), rng.randrange(100)]))


def name(rng, keys):
    """A key, or nearly one."""
    full = rng.choice(keys).name
    how = rng.randrange(8)
    if how == 0:
        return full.rpartition(".")[2]
    if how == 1:
        at = rng.randrange(len(full))
        return full[:at] + rng.choice("abz_.0- ") + full[at + 1:]
    if how == 2:
        return full + "." + full
    return full


def change_lines(rng, text, keys):
    """One to four changes of the lines of a config."""
    lines = text.split("\n")
    for _ in range(rng.choice([1, 1, 2, 3, 4])):
        at = rng.randrange(len(lines)) if lines else 0
        how = rng.randrange(10)
        if how == 0 and lines:
            del lines[at]
        elif how == 1 and lines:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        elif how == 2:
            lines.insert(at, rng.choice(LINES))
        elif how == 3:
            lines.insert(at, rng.choice(DEEP)(rng.choice([3, 17, 300, 32000])))
        elif how < 7:
            lines.insert(0, f"{name(rng, keys)} = {value(rng, keys)}")
        elif lines:
            key = lines[at].partition("=")[0].strip()
            lines[at] = f"{key} = {value(rng, keys)}"
    return "\n".join(lines)


def change_table(rng, text):
    """One to three changes of the cells of a CSV text."""
    rows = [line.split(",") for line in text.split("\n")]
    cells = ["", " ", "nan", "inf", "-1", "1e999", "abc", "\x00", '"', '"4.0"', '4.0"', "S_EE", "role", "test", "train",
             "\ufeff", "4,0", "#", "-0", "0x10", "4.0.0", "é", "9" * 400, "\r", "\t4.0", "S_EE\x00x", "1e-400"]
    for _ in range(rng.choice([1, 1, 2, 3])):
        row = rng.choice(rows)
        how = rng.randrange(6)
        if how < 3:
            row[rng.randrange(len(row))] = rng.choice(cells)
        elif how == 3:
            row.insert(rng.randrange(len(row) + 1), rng.choice(cells))
        elif how == 4 and len(row) > 1:
            del row[rng.randrange(len(row))]
        else:
            rows.insert(rng.randrange(len(rows) + 1), list(rng.choice(rows)) * rng.choice([1, 1, 500]))
    return "\n".join(",".join(row) for row in rows)
