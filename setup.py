"""Builds the package `seq2seq_ocr` out of the checkout's folders; everything else is in pyproject.toml.

In the checkout the folders are imported by their own names (`utils`, `models`, ...), which are too common to be
installed beside other people's code. The wheel has them within one package, with the imports rewritten.
"""

import ast
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel
from setuptools.errors import SetupError

PACKAGE = "seq2seq_ocr"
FOLDERS = find_packages(exclude=["tests*", "benchmarks*", "build*"])
OUR_NAMES = {"main", *(name.split(".")[0] for name in FOLDERS)}
INIT = f'''"""Handwriting recognition: `load(FOLDER).read(IMAGE)`, and the command `seq2seq-ocr`."""

from {PACKAGE}.predictors import load

__all__ = ["load"]
'''


def within_package(source: str, name: str) -> str:
    """Python source whose imports of our modules are those of the package."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(_is_ours(alias.name) for alias in node.names):
            raise SetupError(f"{name}:{node.lineno}: write `from ... import ...` for our own modules")
        if isinstance(node, ast.ImportFrom) and not node.level and _is_ours(node.module):
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line.replace(f"from {node.module}", f"from {PACKAGE}.{node.module}", 1)
    return "".join(lines)


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in OUR_NAMES


class BuildPackage(build_py):
    """Copies modules with their imports rewritten, and adds the package's `__init__.py`."""

    def find_package_modules(self, package, package_dir):
        modules = super().find_package_modules(package, package_dir)
        # This file lies beside main.py.
        return [module for module in modules if package != PACKAGE or module[1] == "main"]

    def build_module(self, module, module_file, package):
        result = super().build_module(module, module_file, package)
        target = Path(self.get_module_outfile(self.build_lib, package.split("."), module))
        target.write_text(within_package(target.read_text(encoding="utf-8"), module_file), encoding="utf-8")
        return result

    def run(self):
        super().run()
        Path(self.build_lib, PACKAGE, "__init__.py").write_text(INIT, encoding="utf-8")


class NoEditable(editable_wheel):
    """Refuses an editable install, which would import the folders by names that they don't have in it."""

    def run(self):
        raise SetupError("In a checkout run `python main.py`; install with `pip install .`, without -e.")


setup(
    packages=[PACKAGE, *(f"{PACKAGE}.{name}" for name in FOLDERS)],
    package_dir={PACKAGE: "."},
    cmdclass={"build_py": BuildPackage, "editable_wheel": NoEditable},
)
