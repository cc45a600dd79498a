#!/usr/bin/python3
"""describe: the man page and the shells' completions, from what the program says about itself.

usage: describe.py PROGRAM FOLDER
"""
import pathlib
import re
import subprocess
import sys

OPTION = re.compile(r'^  --([a-z0-9-]+)(?: ([A-Z][A-Z:]*))?(?:  +| )(\S.*)$')
COMMAND = re.compile(r'^  ([a-z-]+) +(\S.*)$')
CHOICES = re.compile(r'\[([a-z0-9|-]+)\]$')


class Option:
    def __init__(self, name, value, text):
        self.name = name
        self.value = value
        self.text = text
        found = CHOICES.search(text)
        self.choices = found[1].split('|') if found else []


class Command:
    def __init__(self, name, summary, text):
        self.name = name
        self.summary = summary
        self.text = text
        self.options = [Option(*match.groups()) for match in
                        map(OPTION.match, text.splitlines()) if match]


def say(program, *args):
    return subprocess.run([program, *args], check=True, capture_output=True, text=True).stdout


def read(program):
    text = say(program, '--help')
    listed = text.split('\nCommands:\n', 1)[1].split('\n\n', 1)[0].splitlines()
    found = [COMMAND.match(line).groups() for line in listed]
    return text, [Command(name, summary, say(program, name, '--help'))
                  for name, summary in found]


def troff(text):
    """A line that means nothing to troff but itself."""
    text = text.replace('\\', '\\e').replace('-', '\\-').replace("'", "\\(aq")
    return '\\&' + text if text.startswith(('.', "'")) else text


def verbatim(text):
    return ['.nf', *[troff(line) for line in text.rstrip('\n').splitlines()], '.fi']


def manual(version, text, commands):
    lines = [f'.TH TWOTICKS 1 "" "twoticks {version}" "User Commands"', '.SH NAME',
             'twoticks \\- a messaging server whose ticks are true', '.SH SYNOPSIS',
             '.B twoticks', '.I COMMAND', '[options]', '.SH DESCRIPTION', *verbatim(text)]
    for command in commands:
        lines += [f'.SH {command.name.upper()}', *verbatim(command.text)]
    lines += ['.SH EXIT STATUS',
              '0: it worked; 1: it did not; 2: it was asked wrongly; 74: the disk failed.',
              '.SH FILES', '.I /etc/twoticks/twoticks.conf', 'the configuration of the service',
              '.br', '.I /var/lib/twoticks', 'its data']
    return '\n'.join(lines) + '\n'


def words(option):
    return f"'{' '.join(option.choices)}'"


def bash(commands):
    lines = ['# bash completion of twoticks', '_twoticks()', '{',
             '    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}',
             '    local options= files=',
             '    if [ "$COMP_CWORD" -eq 1 ]; then',
             f'        COMPREPLY=($(compgen -W "{" ".join(one.name for one in commands)} help '
             '--help --version" -- "$word"))',
             '        return', '    fi', '    case "${COMP_WORDS[1]}:$before" in']
    for command in commands:
        for option in command.options:
            if option.choices:
                lines.append(f'    {command.name}:--{option.name}) COMPREPLY=($(compgen -W '
                             f'{words(option)} -- "$word")); return ;;')
            elif option.value in ('DIR', 'FILE'):
                kind = '-d' if option.value == 'DIR' else '-f'
                lines.append(f'    {command.name}:--{option.name}) COMPREPLY=($(compgen {kind} -- '
                             '"$word")); return ;;')
            elif option.value:
                lines.append(f'    {command.name}:--{option.name}) return ;;')
    lines += ['    esac', '    case "${COMP_WORDS[1]}" in']
    for command in commands:
        names = ' '.join(f'--{option.name}' for option in command.options)
        lines.append(f"    {command.name}) options='{names} --help' ;;")
    lines += ['    esac', '    COMPREPLY=($(compgen -W "$options" -- "$word"))', '}',
              'complete -o filenames -F _twoticks twoticks']
    return '\n'.join(lines) + '\n'


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_option(option):
    text = re.sub(r'[\[\]:]', ' ', option.text)
    rule = f'--{option.name}[{text}]'
    if option.choices:
        return f'{rule}:{option.value}:({" ".join(option.choices)})'
    if option.value in ('DIR', 'FILE'):
        return f'{rule}:{option.value}:_files' + (' -/' if option.value == 'DIR' else '')
    return f'{rule}:{option.value.lower()}:'.replace('host:port', 'address') \
        if option.value else rule


def zsh(commands):
    lines = ['#compdef twoticks', 'local -a commands', 'commands=(']
    lines += ['    ' + quoted(f'{one.name}:{one.summary.replace(":", " ")}') for one in commands]
    lines += [')', 'if (( CURRENT == 2 )); then', '    _describe command commands', '    return',
              'fi', 'local command=$words[2]', 'shift words', '(( CURRENT-- ))',
              'case $command in']
    for command in commands:
        rules = [zsh_option(option) for option in command.options] + ['--help[explain it]']
        lines.append(f'{command.name})')
        lines.append('    _arguments ' + ' \\\n        '.join(quoted(rule) for rule in rules))
        lines.append('    ;;')
    return '\n'.join([*lines, 'esac']) + '\n'


def fish(commands):
    names = ' '.join(one.name for one in commands)
    lines = ['# fish completion of twoticks', 'complete -c twoticks -f']
    for command in commands:
        lines.append(f'complete -c twoticks -n "not __fish_seen_subcommand_from {names}" '
                     f'-a {command.name} -d {quoted(command.summary)}')
        for option in command.options:
            rule = [f'complete -c twoticks -n "__fish_seen_subcommand_from {command.name}"',
                    f'-l {option.name}', f'-d {quoted(option.text)}']
            if option.value:
                rule.append('-r')
            if option.choices:
                rule.append(f'-a {words(option)}')
            elif option.value in ('DIR', 'FILE'):
                rule.append('-F')
            lines.append(' '.join(rule))
    return '\n'.join(lines) + '\n'


def main(program, folder):
    text, commands = read(program)
    version = say(program, 'version').split()[1]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (('twoticks.1', manual(version, text, commands)),
                          ('twoticks.bash', bash(commands)), ('_twoticks', zsh(commands)),
                          ('twoticks.fish', fish(commands))):
        (folder / name).write_text(content)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:3]))
