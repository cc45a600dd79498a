"""hardening: rights that a server gives up, and secrets that it refuses to serve with."""
import os
import pathlib
import pwd
import random
import re
import socket
import stat

from client.scenario import scenario

SANITIZED = (b'__asan_init', b'__tsan_init')


def status_of(pid):
    """Of each thread: what /proc says about it."""
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        yield dict(line.split(':\t', 1) for line in (task / 'status').read_text().splitlines()
                   if ':\t' in line)


def has_sandbox(server):
    """Sanitizers need calls that a server does not, so such a build has none."""
    program = pathlib.Path(server.program).read_bytes()
    return not any(name in program for name in SANITIZED)


@scenario
async def all_threads_are_under_the_filter_unless_it_is_switched_off(world):
    server = await world.serve()
    mode = '2' if has_sandbox(server) else '0'
    modes = [one['Seccomp'].strip() for one in status_of(server.process.pid)]
    assert len(modes) > 3 and set(modes) == {mode}, modes
    free = await world.serve('--no-seccomp')
    assert all(one['Seccomp'].strip() == '0' for one in status_of(free.process.pid))


@scenario
async def secrets_that_others_may_read_are_refused(world):
    server = await world.serve()
    await server.stop()
    secret = server.data / 'secret'
    for mode in (0o644, 0o640, 0o604):
        secret.chmod(mode)
        code, output = await server.run(*server.arguments())
        assert code == 1 and str(secret) in output and 'chmod 600' in output, output
    secret.chmod(0o600)
    account = server.folder / 'account.json'
    account.write_text('{}')
    account.chmod(0o644)
    code, output = await server.run(*server.arguments(), '--fcm-service-account', account,
                                    within=60)
    assert code == 1 and str(account) in output and 'chmod' in output, output
    await server.start()


@scenario
async def what_a_server_writes_only_its_user_reads(world):
    server = await world.serve()
    await world.conversation('alice', 'bob')
    await server.stop()
    for path in [server.data, *server.data.rglob('*')]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & 0o077 == 0, (path, oct(mode))


async def listens_below_1024(world):
    server = world.unstarted('--user', 'nobody')
    port = next(one for one in random.sample(range(600, 1024), 400) if is_free(one))
    server.address = ('127.0.0.1', port)
    os.chmod(server.folder, 0o755)
    await server.start()
    nobody = pwd.getpwnam('nobody').pw_uid
    for thread in status_of(server.process.pid):
        assert thread['Uid'].split() == [str(nobody)] * 4, thread
        assert int(thread['CapEff'], 16) == int(thread['CapPrm'], 16) == 0, thread
        assert thread['NoNewPrivs'].strip() == '1', thread
    assert server.data.stat().st_uid == nobody
    assert (await server.call('GET', '/me')).status == 401
    world.server = server
    conversation = await world.conversation('alice', 'bob')
    alice = await world.device('alice')
    await alice.say(conversation, 'hello')
    await server.stop()
    await server.start()
    assert (await server.get(f'/conversation/{conversation}?open=0', 'bob'))['head_seq'] == 1


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(('127.0.0.1', port))
        except OSError:
            return False
        return True


@scenario
async def root_becomes_another_user_and_nobody_else_can(world):
    if os.geteuid() == 0:
        await listens_below_1024(world)
    server = world.unstarted()
    for name, word in (('no-such-user', 'no-such-user'), ('root', 'root')):
        code, output = await server.run(*server.arguments(), '--user', name)
        assert code == 1 and word in output, output
    assert not server.data.exists()


@scenario
async def files_of_another_user_are_named_with_what_to_do(world):
    if os.geteuid() != 0:
        return
    server = world.unstarted('--user', 'nobody')
    os.chmod(server.folder, 0o755)
    await server.start()
    await server.stop()
    nobody = pwd.getpwnam('nobody')
    journal = max((server.data / 'store/journal').glob('journal-*'))

    async def refused(*words):
        code, output = await server.run(*server.arguments())
        assert code == 1 and all(str(word) in output for word in words), (words, output)
        assert not any(word in output for word in ('restore', 'check the disk')), output
    for path in (server.data / 'store/index/CURRENT', journal, server.data / 'store.lock',
                 server.data / 'store/FORMAT', server.data / 'store/journal'):
        os.chown(path, 0, 0)
        await refused(path, 'belongs to root',
                      f'chown -R {nobody.pw_uid}:{nobody.pw_gid} {server.data}')
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    journal.chmod(0)
    await refused(journal, 'mode 000', f'chmod -R u+rwX {server.data}')
    journal.chmod(0o600)
    await server.start()
    await server.stop()
    os.chmod(server.data, 0o755)
    for path in (server.data, *server.data.rglob('*')):
        os.chown(path, 4321, 4321)
    await refused('belongs to user 4321', 'run it as user 4321')


@scenario
async def check_config_says_where_it_is_wrong_and_starts_nothing(world):
    server = world.unstarted()
    config = server.folder / 'twoticks.conf'

    async def check(text):
        config.write_text(text)
        return await server.run('serve', '--config', config, '--check-config')
    good = f'# good\n[server]\ndata = {server.data}\nheartbeat = 9s\n; also a comment\n'
    code, output = await check(good)
    assert code == 0 and 'good' in output, output
    assert not server.data.exists()
    for text, where in (
            (good + 'hearbeat = 9s\n', f'{config}:6'), (good + 'pong = many\n', f'{config}:6'),
            ('nodes = 65\n' + good, f'{config}:1'), (good + 'demo\n', f'{config}:6'),
            (good + 'log-level = loud\n', f'{config}:6'), (good + 'config = x\n', f'{config}:6'),
            (good + 'listen = nowhere\n', '--listen'), ('nodes = 1\n', '--data'),
            (good + '\0', 'no configuration file'),
            (good + '#' * 2**20, 'no configuration file'),  # it is too long
            (good + f'tls-cert = {config}\ntls-key = {config}\n', 'no certificate'),
            (good + 'user = no-such-user\n', 'no-such-user')):
        code, output = await check(text)
        assert code != 0 and where in output, (where, output)
    missing, empty, others = (server.folder / name for name in ('missing', 'empty', 'others'))
    empty.touch(0o600)
    others.mkdir()
    (others / 'holiday.jpg').touch()
    for name in ('jwt-key', 'jwks', 'vapid-key', 'fcm-service-account', 'push-ca'):
        for file in (missing, empty):
            code, output = await check(good + f'{name} = {file}\n')
            assert code == 1 and (str(file) in output or f'--{name}' in output), (name, output)
    for text, where in (
            (good + f'jwks = https://127.0.0.1:1/keys\njwks-ca = {missing}\n', '--jwks'),
            (good + 'jwks = http://id.example/keys\n', 'loopback'),
            (good + f'apns-key = {missing}\n', '--apns-topic'),
            (good + 'apns-topic = a\napns-key-id = b\napns-team = c\n', '--apns-key'),
            (good + 'vapid-subject = somebody@example.com\n', '--vapid-subject'),
            (good + 'fcm-host = nowhere\nfcm-service-account = x\n', '--fcm-host'),
            (good + 'store = dynamodb\n', ''), (f'data = {others}\n', 'holds other things'),
            (f'data = {empty}\n', 'a file of that name')):
        code, output = await check(text)
        assert code == 1 and where in output and 'is good' not in output, (text, output)
    code, output = await check(good + 'jwks = https://127.0.0.1:1/keys\n')
    assert code == 0 and 'good' in output, output
    assert os.listdir(others) == ['holiday.jpg']
    code, output = await server.run('serve', '--config', server.folder / 'nowhere',
                                    '--check-config')
    assert code == 2 and 'nowhere' in output, output
    assert not server.data.exists()


@scenario
async def every_option_of_serve_is_a_key_of_the_file(world):
    server = world.unstarted()
    _, text = await server.run('serve', '--help')
    rows = re.findall(r'^  --([a-z0-9-]+)(?: ([A-Z:|]+))? .*?(?:\(default (\S+)\))?(?: \[.*)?$',
                      text, re.M)
    assert len(rows) > 50, text
    config = server.folder / 'twoticks.conf'
    lines = [f'data = {server.data}'] + [
        f'{name} = {default or "false"}' for name, value, default in rows
        if (default or not value) and name not in ('data', 'config')]
    config.write_text('\n'.join(lines) + '\n')
    code, output = await server.run('serve', '--config', config, '--check-config')
    assert code == 0, output


@scenario
async def the_doctor_says_what_is_wrong_and_what_to_type(world):
    server = await world.serve()
    await server.stop()
    code, output = await server.run('doctor', '--data', server.data)
    assert code == 0 and '0 wrong' in output and 'files may be open' in output, output
    for path, mode in ((server.data / 'secret', 0o644), (server.data, 0o755)):
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        code, output = await server.run('doctor', '--data', server.data)
        assert code == 1 and 'WRONG' in output and f'chmod {before:o} {path}' in output, output
        path.chmod(before)
    config = server.folder / 'twoticks.conf'
    config.write_text(f'data = {server.data}\ndisk-low = 1024GiB\nlisten = 0.0.0.0:8080\n')
    code, output = await server.run('doctor', '--config', config)
    assert code == 1 and 'sends are refused' in output and 'TLS' in output, output
    config.write_text(f'data = {server.data}\nnodes = 1000\n')
    code, output = await server.run('doctor', '--config', config)
    assert code == 1 and f'{config}:2' in output, output
    code, output = await server.run('doctor', '--data', server.folder / 'later')
    assert code == 0 and 'not there yet' in output, output
    assert not [path for path in server.data.iterdir() if path.name.startswith('.doctor')]
