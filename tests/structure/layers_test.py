#!/usr/bin/python3
"""The rules for the structure of the source tree. Each rule is also shown a small tree that breaks it."""

import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_CLI = 2100
MOST_LINES_OF_README = 200

# Comments, and texts in quotation marks. A quotation mark after a digit separates digits.
COMMENT_OR_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\[^\n\']*|\\\'|[^\'\\\n])\'',
    re.DOTALL)
MPI = re.compile(r"\bP?MPI_[A-Z]\w*|\bboost::mpi\b|#\s*include\s*<(?:mpi\.h|boost/mpi[^>]*)>")
SIGNALS = re.compile(r"\bSIG[A-Z][A-Z0-9_]*\b|\b(?:std::)?signal\s*\(|\bsigaction\b|\bsigaltstack\b|\bpthread_sigmask\b|"
                     r"\bkill\s*\(|\braise\s*\(|#\s*include\s*<(?:csignal|signal\.h)>")
HDF5 = re.compile(r"\bH5[A-Z]\w*|\b(?:hid_t|hsize_t|hssize_t|herr_t|htri_t)\b|#\s*include\s*<hdf5[^>]*>")
# Put together here, so that this file does not hold the words. The first one names a document outside the repository.
UNFINISHED = re.compile(r"\b(?:%s)\b" % "|".join(["DES" + "IGN", "TO" + "DO", "FIX" + "ME", "[Ff]or" + " now"]))


def load_structure():
    """tools/structure as a module."""
    loader = importlib.machinery.SourceFileLoader("structure", os.path.join(ROOT, "tools", "structure"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("structure", loader))
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
structure = load_structure()


def code_of(text):
    """The text with comments and quoted texts left empty. Lines keep their numbers."""
    def blank(match):
        return "\n" * match.group().count("\n")
    return COMMENT_OR_TEXT.sub(blank, text)


def line_count(root, path):
    return structure.read(root, path).count("\n")


def tracked_files(root):
    """Paths of the files in git; without git, of all files but builds and caches."""
    if os.path.exists(os.path.join(root, ".git")) and shutil.which("git"):
        listed = subprocess.run(["git", "-c", f"safe.directory={root}", "-C", root, "ls-files", "-z"], check=True,
                                stdout=subprocess.PIPE).stdout.decode()
        return [path for path in listed.split("\0") if path and os.path.isfile(os.path.join(root, path))]
    found = []
    for directory, folders, names in os.walk(root):
        folders[:] = [folder for folder in folders if folder not in ("build", "__pycache__")]
        found += [os.path.relpath(os.path.join(directory, name), root) for name in names]
    return sorted(found)


def wrong_includes(root):
    """Includes that no file of that layer may have."""
    faults = []
    for i in structure.includes(root):
        where = f"{i.file}:{i.line}"
        if i.target is None:
            faults.append(f"{where}: there is no such header in include/ or src/")
        elif i.file.startswith(structure.PUBLIC) and not i.target.startswith(structure.PUBLIC):
            faults.append(f"{where}: a public header may not include the private header {i.target}")
        elif i.target_layer not in structure.LAYERS:
            faults.append(f"{where}: {i.target} is in no layer; the layers are {', '.join(structure.LAYERS)}")
        elif i.layer is not None and i.layer not in structure.LAYERS:
            faults.append(f"{where}: {i.file} is in no layer; the layers are {', '.join(structure.LAYERS)}")
        elif i.layer is not None and not structure.may_include(i.layer, i.target_layer):
            faults.append(f"{where}: {i.layer} may not include {i.target_layer}: only layers that stand before it")
        elif i.layer is not None and i.layer != i.target_layer and not i.public:
            faults.append(f"{where}: {i.target} is private to {i.target_layer}; include a public header")
    return faults


def names_outside(root, pattern, layer):
    """Where code of another layer than this one uses a name of the pattern."""
    faults = []
    for path in structure.source_files(root):
        if structure.layer_of(path) == layer:
            continue
        for number, line in enumerate(code_of(structure.read(root, path)).split("\n"), 1):
            faults += [f"{path}:{number}: only {layer} may use {name}" for name in pattern.findall(line)]
    return faults


def long_files(root):
    """Sources that are too long, and the command line as a whole."""
    sources = structure.source_files(root, ("src", "include", "tests"))
    faults = [f"{path}: {line_count(root, path)} lines; at most {MOST_LINES_OF_A_FILE}: take one concept out of it"
              for path in sources if line_count(root, path) > MOST_LINES_OF_A_FILE]
    cli = sum(line_count(root, path) for path in sources if structure.layer_of(path) == "cli")
    if cli > MOST_LINES_OF_CLI:
        faults.append(f"cli: {cli} lines; at most {MOST_LINES_OF_CLI}: commands parse, call and print")
    return faults


def unfinished_words(root):
    """Words that say that something is unfinished, or that name a document outside the repository."""
    faults = []
    for path in tracked_files(root):
        with open(os.path.join(root, path), "rb") as file:
            content = file.read()
        if b"\0" in content:
            continue  # No text.
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
            faults += [f"{path}:{number}: the word {word!r}" for word in UNFINISHED.findall(line)]
    return faults


def long_front_page(root):
    lines = line_count(root, "README.md")
    if lines > MOST_LINES_OF_README:
        return [f"README.md: {lines} lines; at most {MOST_LINES_OF_README}: move text to docs/"]
    return []


class Tree(unittest.TestCase):
    """This repository keeps every rule."""

    def none(self, faults):
        self.assertEqual(faults, [], "\n" + "\n".join(faults))

    def test_layers_include_only_layers_before_them(self):
        self.none(wrong_includes(ROOT))

    def test_only_parallel_talks_to_mpi(self):
        self.none(names_outside(ROOT, MPI, "parallel"))

    def test_only_parallel_handles_signals(self):
        self.none(names_outside(ROOT, SIGNALS, "parallel"))

    def test_only_store_names_hdf5(self):
        self.none(names_outside(ROOT, HDF5, "store"))

    def test_files_are_short(self):
        self.none(long_files(ROOT))

    def test_nothing_says_that_it_is_unfinished(self):
        self.none(unfinished_words(ROOT))

    def test_the_front_page_is_short(self):
        self.none(long_front_page(ROOT))


class MadeUpTree(unittest.TestCase):
    """A small tree in a folder of its own. It keeps every rule until a test adds a file."""

    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        self.write("README.md", "# A program\n")
        self.write("include/spikesweep/base/text.hpp", "#pragma once\n")
        self.write("include/spikesweep/parallel/ranks.hpp", "#pragma once\n#include <mpi.h>\n")
        self.write("include/spikesweep/network/state.hpp", "#pragma once\n#include <spikesweep/base/text.hpp>\n")
        self.write("include/spikesweep/store/file.hpp", "#pragma once\n#include <hdf5.h>\nhid_t id();\n")
        self.write("src/store/columns.hpp", "#include <spikesweep/network/state.hpp>\n")
        self.write("src/store/file.cpp", '#include "columns.hpp"\n#include <spikesweep/store/file.hpp>\n')
        self.write("src/main.cpp", "#include <spikesweep/store/file.hpp>\n")

    def write(self, path, text):
        os.makedirs(os.path.dirname(os.path.join(self.root, path)), exist_ok=True)
        with open(os.path.join(self.root, path), "w", encoding="utf-8") as file:
            file.write(text)

    def found(self, faults, *words):
        """There is one fault, and it holds all words."""
        self.assertEqual(len(faults), 1, faults)
        for word in words:
            self.assertIn(word, faults[0])


class EveryRule(MadeUpTree):
    def test_accepts_the_tree_as_it_is(self):
        self.assertEqual(wrong_includes(self.root) + names_outside(self.root, MPI, "parallel") +
                         names_outside(self.root, SIGNALS, "parallel") + names_outside(self.root, HDF5, "store") +
                         long_files(self.root) + unfinished_words(self.root) + long_front_page(self.root), [])


class Includes(MadeUpTree):
    def test_finds_a_layer_that_includes_a_later_one(self):
        self.write("src/network/state.cpp", "\n#include <spikesweep/store/file.hpp>\n")
        self.found(wrong_includes(self.root), "src/network/state.cpp:2", "network may not include store")

    def test_finds_parallel_and_network_that_know_each_other(self):
        self.write("src/network/a.cpp", "#include <spikesweep/parallel/ranks.hpp>\n")
        self.write("src/parallel/b.cpp", "#include <spikesweep/network/state.hpp>\n")
        faults = wrong_includes(self.root)
        self.assertEqual(len(faults), 2, faults)

    def test_finds_a_public_header_that_includes_a_private_one(self):
        self.write("include/spikesweep/store/open.hpp", '#include "store/columns.hpp"\n')
        self.found(wrong_includes(self.root), "include/spikesweep/store/open.hpp:1", "private")

    def test_finds_a_private_header_of_another_layer(self):
        self.write("src/sweep/task.cpp", '#include "store/columns.hpp"\n')
        self.found(wrong_includes(self.root), "private to store")

    def test_finds_a_header_that_does_not_exist(self):
        self.write("src/sweep/task.cpp", "#include <spikesweep/store/gone.hpp>\n")
        self.found(wrong_includes(self.root), "src/sweep/task.cpp:1", "no such header")

    def test_finds_a_folder_that_is_no_layer(self):
        self.write("src/helpers/task.cpp", "#include <spikesweep/base/text.hpp>\n")
        self.found(wrong_includes(self.root), "is in no layer")


class Names(MadeUpTree):
    def test_finds_mpi_outside_parallel(self):
        for number, code in enumerate(["MPI_Barrier(ranks);", "boost::mpi::broadcast(ranks, value, 0);",
                                       "#include <mpi.h>", "#include <boost/mpi/communicator.hpp>"]):
            with self.subTest(code):
                path = f"src/sweep/task{number}.cpp"
                self.write(path, f"\n{code}\n")
                self.found(names_outside(self.root, MPI, "parallel"), f"{path}:2")
                os.remove(os.path.join(self.root, path))

    def test_finds_signals_outside_parallel(self):
        for number, code in enumerate(["std::raise(number);", "kill(process, 9);", "signal(2, act);", "int s = SIGTERM;",
                                       "struct sigaction act;", "#include <csignal>"]):
            with self.subTest(code):
                path = f"src/sweep/task{number}.cpp"
                self.write(path, f"\n{code}\n")
                self.found(names_outside(self.root, SIGNALS, "parallel"), f"{path}:2")
                os.remove(os.path.join(self.root, path))

    def test_finds_hdf5_outside_store(self):
        for number, code in enumerate(["H5Fclose(file);", "hsize_t rows = 0;", "#include <hdf5.h>"]):
            with self.subTest(code):
                path = f"include/spikesweep/learning/task{number}.hpp"
                self.write(path, f"\n{code}\n")
                self.found(names_outside(self.root, HDF5, "store"), f"{path}:2")
                os.remove(os.path.join(self.root, path))

    def test_passes_over_comments_and_texts(self):
        self.write("src/sweep/task.cpp", "// MPI_Barrier and SIGTERM\n/* H5Fclose\n hid_t */\n"
                   'const char* text = "kill(1) \\" MPI_Send";\nconst char quote = \'"\'; int million = 1\'000\'000;\n'
                   'const char* raw = R"(SIGINT "H5Dread)";\n')
        for pattern, layer in ((MPI, "parallel"), (SIGNALS, "parallel"), (HDF5, "store")):
            self.assertEqual(names_outside(self.root, pattern, layer), [])

    def test_finds_what_follows_comments_and_texts(self):
        self.write("src/sweep/task.cpp", 'auto a = "\\\\"; /* one */ MPI_Barrier(x); // two\n')
        self.found(names_outside(self.root, MPI, "parallel"), "MPI_Barrier")


class Sizes(MadeUpTree):
    def test_finds_a_long_file(self):
        for path in ("src/sweep/task.cpp", "include/spikesweep/sweep/task.hpp", "tests/sweep/task_test.cpp"):
            with self.subTest(path):
                self.write(path, "\n" * MOST_LINES_OF_A_FILE)
                self.assertEqual(long_files(self.root), [])
                self.write(path, "\n" * (MOST_LINES_OF_A_FILE + 1))
                self.found(long_files(self.root), path)
                os.remove(os.path.join(self.root, path))

    def test_finds_a_long_command_line(self):
        for number in range(7):
            self.write(f"src/cli/command{number}.cpp", "\n" * 300)
        self.assertEqual(long_files(self.root), [])
        self.write("src/cli/one_more.hpp", "\n")
        self.found(long_files(self.root), "cli", "2101")

    def test_finds_a_long_front_page(self):
        self.write("README.md", "\n" * (MOST_LINES_OF_README + 1))
        self.found(long_front_page(self.root), "README.md", "201")


class Words(MadeUpTree):
    def test_finds_each_word(self):
        for word in ("DES" + "IGN", "TO" + "DO", "FIX" + "ME", "for" + " now", "For" + " now"):
            with self.subTest(word):
                self.write("tools/script", f"#!/bin/sh\n# {word}: mend this\n")
                self.found(unfinished_words(self.root), "tools/script:2", word)

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_looks_only_at_tracked_files_where_there_is_git(self):
        self.write("stray", "TO" + "DO\n")
        subprocess.run(["git", "init", "-q"], cwd=self.root, check=True)
        self.assertEqual(unfinished_words(self.root), [])
        subprocess.run(["git", "add", "stray"], cwd=self.root, check=True)
        self.found(unfinished_words(self.root), "stray:1")


class Picture(MadeUpTree):
    """What tools/structure prints."""

    def call(self, *arguments):
        return subprocess.run([sys.executable, os.path.join(ROOT, "tools", "structure"), *arguments, self.root],
                              capture_output=True, text=True, check=False)

    def test_counts_includes_between_layers(self):
        done = self.call()
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
        self.assertEqual(rows["includes"], ["base", "network", "store"])
        self.assertEqual(rows["network"], ["1", ".", "."])
        self.assertEqual(rows["store"], [".", "1", "."])

    def test_draws_an_arrow_for_each_pair(self):
        done = self.call("--dot")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("digraph layers {"))
        self.assertIn("network -> base [label = 1];", done.stdout)
        self.assertIn("store -> network [label = 1];", done.stdout)

    def test_fails_when_an_arrow_runs_backwards(self):
        self.write("src/base/text.cpp", "#include <spikesweep/store/file.hpp>\n")
        done = self.call()
        self.assertEqual(done.returncode, 1)
        self.assertIn("base may not include store", done.stderr)

    def test_refuses_what_it_does_not_know(self):
        self.assertEqual(self.call("--frobnicate").returncode, 2)


if __name__ == "__main__":
    unittest.main()
