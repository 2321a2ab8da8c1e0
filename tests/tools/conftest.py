"""Fixtures of the tests of `tools.create_labels`: the command, run in this process."""

import pytest

from tools.create_labels import main


@pytest.fixture
def run(capsys):
    """A function: arguments -> (exit code, stdout, stderr) of the command, run in this process."""

    def call(*arguments):
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def refused(run):
    """A function: arguments -> the sentence with which they are refused."""

    def call(*arguments):
        code, out, error = run(*arguments)
        assert code == 2 and out == ""
        return error.strip().splitlines()[-1]

    return call
