"""program: the commands, the admin address, starting and ending."""
import asyncio
import json
import os
import re
import socket
import stat

from client import calls, clock
from client.scenario import scenario


@scenario
async def serve_makes_its_folder_and_a_secret_of_its_own(world):
    first = await world.serve()
    second = await world.serve()
    mode = stat.S_IMODE(os.stat(first.data / 'secret').st_mode)
    assert mode == 0o600, oct(mode)
    assert len(first.secret()) >= 32 and first.secret() != second.secret()
    assert re.search(r'^admin on http://127\.0\.0\.1:\d+\n(.*\n)*'
                     r'listening on http://127\.0\.0\.1:\d+$', first.output, re.M), first.output


@scenario
async def sigterm_drains_with_1001_and_exits_0(world):
    conversation, alice, bob = await world.talk()
    await alice.say(conversation, 'hey')
    await world.server.stop()
    assert await alice.closed() == 1001 and await bob.closed() == 1001
    await world.server.verify()


@scenario
async def a_server_whose_streams_are_closed_serves_and_drains(world):
    server = await world.serve('--access-log')
    await server.stop()
    for closed in (0, 2), (1, 2), (0, 1, 2):
        redirections = ' '.join(f'{fd}>&-' for fd in closed)
        process = await asyncio.create_subprocess_exec(
            'sh', '-c', f'exec "$@" {redirections}', 'sh', server.program, *server.arguments(),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL)
        try:
            await clock.until(60, lambda: accepts(server.address), 'it listens')
            for fd in closed:
                assert os.readlink(f'/proc/{process.pid}/fd/{fd}') == '/dev/null', closed
            for _ in range(600):  # as many lines of the log
                assert (await server.call('GET', '/me')).status == 401
            process.terminate()
            code = await clock.within(60, process.wait(), 'it has ended')
            assert code == 0, (closed, code)
        finally:
            if process.returncode is None:
                process.kill()


async def accepts(address):
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


@scenario
async def everything_is_there_after_a_clean_restart(world):
    conversation, alice, _ = await world.talk()
    await alice.say_many(conversation, 10)
    token = await world.server.token('alice', 'phone')
    await world.server.stop()
    await world.server.start()
    chat = await world.server.call('GET', f'/conversation/{conversation}', token=token)
    assert chat.status == 200 and chat.json['head_seq'] == 10, chat


@scenario
async def restarts_leave_nothing_behind(world):
    conversation, alice, _ = await world.talk()
    index = world.server.data / 'store/index'
    for number in range(6):
        if number % 2:
            await world.server.restart()  # killed
        else:
            await world.server.stop()
            await world.server.start()
        assert len(list(index.glob('*.log'))) == 1, sorted(os.listdir(index))
    assert len(os.listdir(world.server.data / 'store/journal')) <= 3
    await world.server.stop()
    await world.server.verify()


@scenario
async def a_second_server_on_the_same_folder_is_refused(world):
    server = await world.serve()
    code, output = await server.run('serve', '--data', server.data, '--listen', '127.0.0.1:0',
                                    '--admin-listen', '127.0.0.1:0')
    assert code != 0 and str(server.data) in output, output
    assert (await server.call('GET', '/me', 'alice')).status == 200


@scenario
async def verify_refuses_a_folder_in_use(world):
    server = await world.serve()
    code, output = await server.run('verify', '--data', server.data)
    assert code != 0 and output.strip(), output


@scenario
async def a_foreign_folder_is_refused(world):
    server = world.unstarted()
    server.data.mkdir()
    (server.data / 'holiday.jpg').write_bytes(b'x' * 1000)
    code, output = await server.run(*server.arguments())
    assert code != 0 and str(server.data) in output, output
    assert sorted(os.listdir(server.data)) == ['holiday.jpg'], 'nothing was touched'


@scenario
async def a_store_that_is_none_or_newer_is_refused(world):
    server = await world.serve()
    await server.stop()
    form = server.data / 'store' / 'FORMAT'
    for text in (None, 'something else\n', form.read_text().replace('1', '2')):
        if text is None:
            form.rename(form.with_suffix('.away'))
        else:
            form.write_text(text)
        code, output = await server.run(*server.arguments())
        assert code != 0 and str(server.data) in output, output


@scenario
async def a_port_that_is_taken_is_told(world):
    server = await world.serve()
    other = world.unstarted()
    code, output = await server.run('serve', '--data', other.data, '--admin-listen',
                                    '127.0.0.1:0', '--listen', '%s:%d' % server.address)
    assert code != 0 and str(server.address[1]) in output, output


@scenario
async def the_admin_address_has_health_readiness_and_metrics(world):
    conversation, alice, _ = await world.talk()
    await alice.say(conversation, 'hey')
    server = world.server
    for path in ('/healthz', '/readyz'):
        assert (await calls.call(server.admin, 'GET', path)).status == 200, path
    metrics = (await calls.call(server.admin, 'GET', '/metrics')).text
    assert re.search(r'^twoticks_\w+(\{[^}]*\})? \d', metrics, re.M), metrics[:500]
    assert '# TYPE' in metrics
    assert (await server.call('GET', '/metrics', 'alice')).status == 404, 'not for everybody'


@scenario
async def every_command_has_a_help_that_teaches(world):
    server = world.unstarted()
    for command in ('serve', 'token', 'verify', 'drill', 'chat', 'timeline', 'why', 'bench',
                    'version'):
        code, output = await server.run(command, '--help')
        assert code == 0 and f'twoticks {command}' in output and len(output) > 40, output
    code, output = await server.run('--help')
    assert code == 0 and all(one in output for one in ('serve', 'token', 'verify')), output
    code, output = await server.run('version')
    assert code == 0 and re.search(r'\d+\.\d+\.\d+', output), output


@scenario
async def every_measurement_of_bench_measures(world):
    server = await world.serve('--sends-per-second', '0', '--frames-per-second', '0')
    url = 'http://%s:%d' % server.address
    for name, options, rate in (
            ('pairs', ['--pairs', 3, '--window', 4, '--seconds', 1], 'messages_per_second'),
            ('rate', ['--pairs', 3, '--rate', 200, '--seconds', 1], 'messages_per_second'),
            ('idle', ['--sockets', 20, '--seconds', 1, '--chat', 50], 'rounds'),
            ('storm', ['--sockets', 20, '--pending', 3, '--waves', 2], 'devices_per_second'),
            ('open', ['--sockets', 3, '--seconds', 1], 'answers_per_second'),
            ('fanout', ['--members', 10, '--seconds', 1], 'deliveries_per_second'),
            ('fill', ['--pairs', 3, '--window', 4, '--messages', 200], 'messages_per_second')):
        code, output = await server.run('bench', name, *options, '--json', '--url', url,
                                        '--data', server.data)
        assert code == 0, output
        results = [json.loads(line) for line in output.splitlines() if line.startswith('{')]
        assert len(results) == (2 if name == 'storm' else 1), output
        assert all(one['bench'] == name and one[rate] > 0 for one in results), output
    code, output = await server.run('bench', 'pairs', '--url', url)
    assert code == 1 and '--data' in output, output
    code, output = await server.run('bench', 'everything')
    assert code == 2 and 'storm' in output, output


@scenario
async def bench_idle_says_that_it_is_turned_away(world):
    server = await world.serve('--sockets-per-address', '1')
    code, output = await server.run('bench', 'idle', '--sockets', 300, '--seconds', 1, '--url',
                                    'http://%s:%d' % server.address, '--data', server.data)
    assert code == 1 and 'turns devices away' in output, output


@scenario
async def a_wrong_command_line_says_what_is_wrong(world):
    server = world.unstarted()
    for arguments in (['dance'], ['serve'], ['serve', '--data'], ['serve', '--dta', 'x'],
                      ['token'], ['serve', '--data', server.data, '--listen', 'nowhere'],
                      ['serve', '--data', server.data, '--nodes', 'many'],
                      ['token', 'a b', '--data', server.data],
                      ['verify', '--data', server.folder / 'nowhere']):
        code, output = await server.run(*arguments)
        assert code != 0 and output.strip(), (arguments, output)
    assert not server.data.exists() or not (server.data / 'secret').exists()


@scenario
async def a_folder_or_file_without_a_name_is_refused(world):
    server = await world.serve()
    await server.stop()
    for arguments, option in (
            (['verify', '--data', ''], '--data'), (['verify', '--data='], '--data'),
            (['serve', '--data', ''], '--data'), (['user', 'list', '--data', ''], '--data'),
            (['backup', '--data', server.data, '--to', ''], '--to'),
            (['restore', '--from', '', '--data', server.folder / 'new'], '--from'),
            (['serve', '--data', server.data, '--jwt-key', '', '--check-config'], '--jwt-key')):
        code, output = await server.run(*arguments)
        assert code == 2 and f'{option} is empty' in output, (arguments, output)


@scenario
async def options_come_from_flag_environment_and_file(world):
    for options, environ, seconds in (
            (['--heartbeat', '7s'], {'TWOTICKS_HEARTBEAT': '8s'}, 7),
            ([], {'TWOTICKS_HEARTBEAT': '8s'}, 8), ([], {}, 9)):
        server = world.unstarted(*options, environ=environ)
        config = server.folder / 'twoticks.conf'
        config.write_text('# a comment\nheartbeat = 9s\n')
        server.options += ['--config', str(config)]
        await server.start()
        device = world.absent('alice', server=server)
        hello = await device.connect()
        assert hello['heartbeat_seconds'] == seconds, (hello, seconds)


@scenario
async def logs_can_be_json(world):
    server = await world.serve('--log-format', 'json')
    await world.device('alice')
    await server.stop()
    lines = [line for line in server.output.splitlines() if not line.startswith(
        ('admin on', 'listening on'))]
    assert lines and all(isinstance(json.loads(line), dict) for line in lines), lines


@scenario
async def the_why_and_timeline_commands_answer_in_words(world):
    conversation, alice, _ = await world.talk()
    await alice.say(conversation, 'hey')
    url = 'http://%s:%d' % world.server.address
    for arguments in (['why', conversation, '1'], ['timeline', conversation]):
        code, output = await world.server.run(
            *arguments, '--as', 'alice', '--url', url, '--data', world.server.data)
        assert code == 0 and output.strip(), (arguments, output)


@scenario
async def the_chat_command_sends_each_line_and_tells_what_happens(world):
    conversation, alice, bob = await world.talk()
    url = 'http://%s:%d' % world.server.address
    code, output = await world.server.run(
        'chat', '--as', 'alice', '--with', 'bob', '--url', url, '--data', world.server.data,
        lines='hello\nare you there?\n')
    assert code == 0, output
    await bob.messages(conversation, 2)
    assert [one['content'] for one in bob.frames('message')] == ['hello', 'are you there?']
