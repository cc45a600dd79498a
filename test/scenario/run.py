#!/usr/bin/python3
"""run: plays every scenario against a server of its own, over real sockets.

usage: run.py [--program build/release/twoticks] [--nodes N] [NAME...]
"""
import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from client import scenario  # noqa: E402  (found only now)

for file in sorted(HERE.glob('*.py')):
    if file.stem != 'run':
        importlib.import_module(file.stem)

sys.exit(scenario.main(__doc__.splitlines()[0]))
