"""packaging: what comes with the program says what the program says."""
import json
import pathlib
import re
import socket
import subprocess

from client import calls
from client.certificates import Pair
from client.scenario import scenario

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
METRIC = re.compile(r'\b(?:twoticks|process)_\w+')


async def described(world):
    """The man page and the completions, in a folder."""
    server = world.unstarted()
    subprocess.run([ROOT / 'tool/describe.py', server.program, server.folder], check=True)
    return server, server.folder


async def options_of(server):
    """Of each command: its options, as the help names them."""
    _, text = await server.run('--help')
    commands = re.findall(r'^  ([a-z]+) +\S', text.split('Commands:')[1].split('\n\n')[0], re.M)
    assert len(commands) > 10 and 'serve' in commands, text
    found = {}
    for command in commands:
        _, text = await server.run(command, '--help')
        found[command] = re.findall(r'^  --([a-z0-9-]+)', text, re.M)
    assert len(found['serve']) > 60, found
    return found


@scenario
async def the_completions_of_each_shell_list_every_option(world):
    server, folder = await described(world)
    options = await options_of(server)
    shell = (folder / 'twoticks.bash').read_text()
    zsh = (folder / '_twoticks').read_text()
    fish = (folder / 'twoticks.fish').read_text().splitlines()
    for command, names in options.items():
        listed = re.search(rf"^    {command}\) options='(.*)' ;;$", shell, re.M)[1].split()
        assert listed == [f'--{name}' for name in names] + ['--help'], (command, listed)
        part = zsh.split(f'\n{command})\n', 1)[1].split('\n    ;;', 1)[0]
        assert re.findall(r"'--([a-z0-9-]+)\[", part) == [*names, 'help'], (command, part)
        seen = [line for line in fish if f'seen_subcommand_from {command}"' in line]
        assert [re.search(r' -l (\S+)', line)[1] for line in seen] == names, seen


@scenario
async def bash_completes_commands_options_and_values(world):
    _, folder = await described(world)

    def complete(*words):
        script = f'source {folder}/twoticks.bash; COMP_WORDS=({" ".join(words)}); ' \
            f'COMP_CWORD={len(words) - 1}; _twoticks; echo "${{COMPREPLY[@]}}"'
        return subprocess.run(['bash', '-c', script], check=True, capture_output=True,
                              text=True).stdout.split()
    assert complete('twoticks', 'res') == ['restore']
    assert complete('twoticks', 'serve', '--log-f') == ['--log-format']
    assert complete('twoticks', 'serve', '--log-format', 'j') == ['json']
    assert complete('twoticks', 'verify', '--d') == ['--data']
    assert str(folder) in complete('twoticks', 'serve', '--data', str(folder)[:-1])
    assert complete('twoticks', 'serve', '--nodes', '') == []


@scenario
async def the_man_page_explains_every_option(world):
    server, folder = await described(world)
    page = (folder / 'twoticks.1').read_text()
    assert page.startswith('.TH TWOTICKS 1 '), page[:100]
    plain = page.replace('\\-', '-')
    for command, names in (await options_of(server)).items():
        part = plain.split(f'\n.SH {command.upper()}\n', 1)[1].split('\n.SH ', 1)[0]
        assert all(f'\n  --{name} ' in part or f'\n  --{name}\n' in part for name in names), part
    for line in page.splitlines():
        assert not line.startswith("'") and (not line.startswith('.') or re.match(
            r'\.(TH|SH|B|I|nf|fi|br)\b', line)), line


@scenario
async def dashboard_and_alerts_name_metrics_that_exist(world):
    server = world.unstarted()
    server.options += Pair(server.folder).options()
    await server.start()
    metrics = (await calls.call(server.admin, 'GET', '/metrics')).text
    there = set(re.findall(r'^(\w+)[ {]', metrics, re.M))
    dashboard = json.loads((ROOT / 'packaging/grafana.json').read_text())
    wanted = [target['expr'] for panel in dashboard['panels']
              for target in panel.get('targets', [])]
    assert len(wanted) > 30
    alerts = (ROOT / 'packaging/alerts.yml').read_text()
    wanted += re.findall(r'^        expr: (?:>-\n)?((?:.*\n)+?)        \w+: ', alerts, re.M)
    assert len(wanted) > 40, wanted
    for expression in wanted:
        named = set(METRIC.findall(re.sub(r'"[^"]*"', '', expression)))
        assert named - there == set(), (expression, named - there)
    assert all(METRIC.search(one) or 'up{' in one for one in wanted), wanted


@scenario
async def the_unit_and_its_configuration_fit_the_program(world):
    unit = (ROOT / 'packaging/twoticks.service').read_text()
    settings = dict(re.findall(r'^(\w+)=(.*)$', unit, re.M))
    assert settings['User'] == 'twoticks' and settings['NoNewPrivileges'] == 'yes'
    server = world.unstarted()
    code, output = await server.run('serve', '--config', ROOT / 'packaging/twoticks.conf',
                                    '--check-config')
    assert code == 0, output
    for line in (settings['ExecStart'], settings['ExecStartPre']):
        words = line.split()
        assert words[:2] == ['/usr/bin/twoticks', 'serve'], line
        _, text = await server.run('serve', '--help')
        assert all(f'  {word} ' in text for word in words[2:] if word.startswith('--')), line


@scenario
async def who_started_it_is_told_when_it_is_ready(world):
    """As systemd's Type=notify wants it."""
    server = world.unstarted()
    path = str(server.folder / 'notify')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(path)
        told.setblocking(False)
        server.environ['NOTIFY_SOCKET'] = path
        code, text = await server.run('serve', '--data', '/proc/none', '--listen', '127.0.0.1:0')
        assert code == 1, text
        try:
            raise AssertionError(told.recv(100))  # of one that did not start
        except BlockingIOError:
            pass
        await server.start()
        told.setblocking(True)
        told.settimeout(10)
        assert told.recv(100) == b'READY=1'
        await server.stop()
    server.environ['NOTIFY_SOCKET'] = path  # nobody is there any more
    await server.start()
    await server.stop()
