#!/usr/bin/python3
"""The documentation holds what it says: links, anchors, commands, options, config keys and Python programs.

Usage: docs_test.py SPIKESWEEP
"""

import functools
import pathlib
import re
import shlex
import subprocess
import sys
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST_README_LINES = 200
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HIDDEN_OPTIONS = ["--config-reference", "--figure-reference"]  # Not in the help: for maintainers.
CTEST_ARGUMENTS = "tools/test"  # Takes any argument of ctest, and builds before it reads them.


def pages():
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "jobs/README.md",
            *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page):
    return str(page.relative_to(ROOT))


def without_code(text):
    """The text without code blocks and without inline code, in which brackets are no links."""
    return re.sub(r"`[^`]*`", "", BLOCK.sub("", text))


def blocks(language):
    """(page, text) of every code block in a language."""
    for page in pages():
        for found, text in BLOCK.findall(page.read_text()):
            if found == language:
                yield page, text


def anchors(page):
    """The anchors that GitHub makes of the headings of a page."""
    made = []
    for heading in re.findall(r"^#+ +(.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", LINK.sub(lambda m: m[0][1:m[0].index("]")], heading).lower())
        anchor = plain.strip().replace(" ", "-")
        made.append(anchor if anchor not in made else f"{anchor}-{made.count(anchor)}")
    return made


def local_links(page):
    """(target as written, file it names, anchor) of every link that does not leave the repository."""
    for target in LINK.findall(without_code(page.read_text())):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield target, (page.parent / path).resolve() if path else page, anchor


def shell_commands():
    """(page, words) of every command in sh blocks, without variables before it and without what launches the ranks."""
    for page, text in blocks("sh"):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            for stop in ("|", ">", "&&"):
                words = words[:words.index(stop)] if stop in words else words
            while words and re.match(r"\w+=", words[0]):
                words = words[1:]
            if words and words[0] in ("mpirun", "srun"):
                words = words[words.index("spikesweep"):]
            if words:
                yield page, words


def inline_commands():
    """The same for inline code that begins with the name of the program; words in capitals stand for something."""
    for page in pages():
        for code in re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text())):
            words = code.split()
            if words[0] in ("spikesweep", "mpirun") and "spikesweep" in words[:-1]:
                words = words[words.index("spikesweep"):]
                if not words[1].isupper():
                    yield page, words


@functools.cache
def printed(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout


@functools.cache
def options_of(*command):
    """The options that a command of spikesweep lists in its help."""
    lines = re.findall(r"^  (-\S+)", printed(sys.argv[1], *command, "--help"), re.MULTILINE)
    hidden = [option for option in HIDDEN_OPTIONS if not command and printed(sys.argv[1], option)]
    return {option for line in lines + hidden for option in line.split(",")}


@functools.cache
def commands():
    listed = printed(sys.argv[1], "--help").split("Subcommands:")[1]
    return re.findall(r"^  (\w+) ", listed, re.MULTILINE)


@functools.cache
def config_keys():
    """Every key of the reference, as section.key; and the network's parameters, which need no section in --set."""
    keys, section = set(), ""
    for line in (ROOT / "configs/README.md").read_text().splitlines():
        if heading := re.match(r"## (?:`\[(.*)\]`|Top level)", line):
            section = f"{heading[1]}." if heading[1] else ""
        elif key := re.match(r"\| `(\w+)` \|", line):
            keys.add(section + key[1])
    return keys | {key.removeprefix("network.") for key in keys if key.startswith("network.")}


def toml_keys(table, prefix=""):
    for key, value in table.items():
        if isinstance(value, dict) and prefix + key != "design.axes" and not prefix.startswith("design.axes"):
            yield from toml_keys(value, f"{prefix}{key}.")
        elif prefix + key == "design.axes":
            yield from (f"design.axes.{axis}" for axis in value)
        else:
            yield prefix + key


def wrong_options(words, known):
    """Options among the words that are not known, and settings of keys that there are not."""
    for word in words:
        if word == "--":
            return
        option = word.split("=")[0]
        if re.match(r"--?[A-Za-z]", word):
            if option not in known:
                yield word
        elif "--set" in words and re.fullmatch(r"[\w.]+=\S+", word) and option not in config_keys() | {"KEY", "AXIS"}:
            yield word


class Links(unittest.TestCase):
    def test_every_link_resolves(self):
        for page in pages():
            for target, path, _ in local_links(page):
                self.assertTrue(path.exists(), f"{name_of(page)} links to {target}, which does not exist")

    def test_every_anchor_is_a_heading(self):
        for page in pages():
            for target, path, anchor in local_links(page):
                if anchor and path.exists():
                    self.assertIn(anchor, anchors(path), f"{name_of(page)} links to {target}")

    def test_the_index_names_every_page(self):
        index = ROOT / "docs/README.md"
        listed = {path for _, path, _ in local_links(index)}
        for page in sorted((ROOT / "docs").rglob("*.md")):
            if page != index:
                self.assertIn(page, listed, f"docs/README.md does not link to {name_of(page)}")


class Tables(unittest.TestCase):
    def test_have_a_line_for_each_row(self):
        for page in pages():
            for line in BLOCK.sub("", page.read_text()).splitlines():
                if "|---" in line:
                    self.assertRegex(line.strip(), r"^\|[-:|]+\|$", f"{name_of(page)}: a table in one paragraph")


class FrontPage(unittest.TestCase):
    def test_is_short(self):
        self.assertLessEqual(len((ROOT / "README.md").read_text().splitlines()), MOST_README_LINES)


class Commands(unittest.TestCase):
    def check_spikesweep(self, page, words):
        command = () if words[0].startswith("-") else (words[0],)
        if command:
            self.assertIn(command[0], commands(), f"{name_of(page)} shows spikesweep {' '.join(words)}")
        wrong = list(wrong_options(words, options_of() | options_of(*command)))
        self.assertEqual(wrong, [], f"{name_of(page)} shows spikesweep {' '.join(words)}")

    def check_script(self, page, words):
        script = ROOT / words[0]
        self.assertTrue(script.is_file(), f"{name_of(page)} shows {words[0]}")
        if words[0] == CTEST_ARGUMENTS:
            return
        known = printed(script, "--help")
        if words[0] == "tools/bench" and len(words) > 1 and words[1] != "NAME":
            self.assertIn(words[1], re.split(r"[|\s]", known), f"{name_of(page)} shows {' '.join(words)}")
        names = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", known)) | {"-h", "--help"}
        self.assertEqual(list(wrong_options(words[1:], names)), [], f"{name_of(page)} shows {' '.join(words)}")

    def test_are_there_with_their_options(self):
        seen = set()
        for page, words in [*shell_commands(), *inline_commands()]:
            if words[0] == "sbatch":
                at = next(i for i, word in enumerate(words) if word.endswith(".sbatch"))
                script = ROOT / words[at]
                self.assertTrue(script.is_file(), f"{name_of(page)} shows {words[at]}")
                words = ["spikesweep", script.stem, *words[at + 1:]]
            if words[0] == "spikesweep":
                self.check_spikesweep(page, words[1:])
                seen.add(words[1])
            elif words[0].startswith(("tools/", "jobs/")):
                self.check_script(page, words)
        self.assertEqual(set(commands()) - seen, set(), "no page shows these commands")

    def test_are_listed_with_every_option(self):
        reference = (ROOT / "docs/reference/commands.md").read_text()
        sections = dict(re.findall(r"^## `?([\w ]+?)`?\n(.*?)(?=^## |\Z)", reference, re.MULTILINE | re.DOTALL))
        everywhere = sections["Options of every command"]
        for command in commands():
            self.assertIn(command, sections)
            for option in options_of(command):
                self.assertRegex(sections[command] + everywhere, rf"`{re.escape(option)}(?![\w-])",
                                 f"docs/reference/commands.md, {command}")


class Examples(unittest.TestCase):
    def test_configs_have_known_keys(self):
        for page, text in blocks("toml"):
            for key in toml_keys(tomllib.loads(re.sub("^ +", "", text, flags=re.MULTILINE))):
                self.assertIn(key, config_keys(), name_of(page))

    def test_python_programs_compile(self):
        for page, text in blocks("python"):
            compile(text, name_of(page), "exec")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
