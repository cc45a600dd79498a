#!/usr/bin/python3
"""hardened: whether a program was linked as one that strangers reach should be.

usage: hardened.py PROGRAM

Reads the ELF file with binutils' readelf and objdump.
"""
import re
import subprocess
import sys

CHECKED_CALLS_MIN = 5
LANDINGS_MIN = 100


def read(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def problems(program):
    header = read('readelf', '-hW', program)
    segments = read('readelf', '-lW', program)
    dynamic = read('readelf', '-dW', program)
    symbols = read('readelf', '--dyn-syms', '-W', program)
    if not re.search(r'Type:\s+DYN', header) or 'PIE' not in dynamic:
        yield 'it is not position-independent (PIE)'
    if 'GNU_RELRO' not in segments:
        yield 'its tables stay writable (no RELRO)'
    if not re.search(r'\(FLAGS(_1)?\).*\b(BIND_)?NOW\b', dynamic):
        yield 'its table of functions is filled in lazily, and stays writable (no full RELRO)'
    stack = re.search(r'GNU_STACK.*?(\w+)\s+0x\w+$', segments, re.M)
    if not stack or 'E' in stack[1]:
        yield 'its stack is executable'
    if re.search(r'^\s+LOAD.*RWE', segments, re.M):
        yield 'some of its memory is writable and executable'
    if re.search(r'\((RPATH|RUNPATH)\)', dynamic):
        yield 'it looks for libraries in folders of its own (RPATH)'
    if '__stack_chk_fail' not in symbols:
        yield 'it has no stack protector'
    if len(set(re.findall(r'\b__\w+_chk\b', symbols)) - {'__stack_chk_fail'}) < CHECKED_CALLS_MIN:
        yield 'it calls the unchecked functions of the C library (no FORTIFY)'
    if 'X86-64' in header:
        code = read('objdump', '-d', '--no-show-raw-insn', '-j', '.text', program)
        if code.count('endbr64') < LANDINGS_MIN:
            yield 'its functions do not mark where they may be entered (no -fcf-protection)'
        if not re.search(r'orq\s+\$0x0,\(%rsp\)|orq\s+\$0x0,0xff8\(%rsp\)', code):
            yield 'large frames do not touch each page of the stack (no stack clash protection)'


def main(program):
    found = list(problems(program))
    for one in found:
        print(f'{program}: {one}')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
