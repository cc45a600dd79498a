"""servers: how each server is set up and started, in a folder of its own, on a port of 127.0.0.1.

Each class says which Debian packages it needs, what its load generator is, how many pairs it is
given, and what of a message is on the disk when its sender hears of it. README.md says why each is
set up like this.
"""
import contextlib
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
START_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def names(pairs):
    return [side + str(number) for number in range(pairs) for side in 'ab']


class Server:
    """Started by `start`, stopped by `stop`; `prefix` pins whatever is started."""

    packages = []
    label = ''
    pairs = 1000
    durable = ''
    protocol = ''

    def __init__(self, folder, build, prefix):
        self.folder = folder
        self.build = build
        self.prefix = prefix
        self.port = free_port()
        self.processes = []
        self.log = open(folder / 'log', 'wb')

    def start(self, pairs):
        raise NotImplementedError

    def command(self, pairs, seconds, size):
        return [self.build / 'bench/peers/load', self.protocol, '--port', str(self.port),
                '--pairs', str(pairs), '--seconds', str(seconds), '--bytes', str(size)]

    def spawn(self, command, **more):
        """Its standard output goes to the log unless something else is asked for."""
        more.setdefault('stdout', self.log)
        process = subprocess.Popen([*self.prefix, *map(str, command)], cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stderr=self.log, **more)
        self.processes.append(process)
        return process

    def run(self, command, **more):
        subprocess.run([str(word) for word in command], check=True, cwd=self.folder,
                       stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, **more)

    def pids(self):
        return [process.pid for process in self.processes]

    def await_port(self, port):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if any(process.poll() is not None for process in self.processes):
                raise RuntimeError('the server ended while it started')
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
                return
            except OSError:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.processes[-1].wait(0.1)
        raise RuntimeError(f'the server does not listen on port {port}')

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
        self.log.close()


class Twoticks(Server):
    """Is also the way to run what speaks its protocol."""

    label = 'Two Ticks'
    durable = 'both: synced'

    def serve(self):
        return [self.build / 'twoticks', 'serve', '--data', self.folder / 'data',
                '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--nodes', '1',
                '--log-level', 'error', '--sends-per-second', '0', '--frames-per-second', '0']

    def start(self, pairs):
        process = self.spawn(self.serve(), stdout=subprocess.PIPE)
        for line in process.stdout:
            if line.startswith(b'listening on '):
                self.url = line.split()[2].decode()
                return
        raise RuntimeError('the server ended while it started')

    def command(self, pairs, seconds, size):
        return ['stdbuf', '-oL', self.build / 'twoticks', 'bench', 'pairs', '--json',
                '--url', self.url, '--data', self.folder / 'data', '--pairs', str(pairs),
                '--seconds', str(seconds), '--bytes', str(size)]

    def stop(self):
        for process in self.processes:
            process.stdout.close()
        super().stop()


class Node(Twoticks):
    label = 'Node `ws` + SQLite, written by hand'
    durable = 'both: synced'

    def serve(self):
        data = self.folder / 'data'
        data.mkdir(mode=0o700)
        secret = data / 'secret'
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(48) + '\n')
        return [self.node(), '--disable-warning=ExperimentalWarning', self.install() / 'server.mjs',
                data]

    def node(self):
        self.run([ROOT / 'tool/node'])
        return ROOT / '.node/bin/node'

    def install(self):
        """A copy of the program with its one package, which is fetched once."""
        place = self.build / 'bench/peers/node'
        place.mkdir(parents=True, exist_ok=True)
        for name in ('server.mjs', 'package.json', 'package-lock.json'):
            shutil.copy(HERE / 'node' / name, place)
        if not (place / 'node_modules/ws').is_dir():
            self.run(['npm', 'ci', '--prefix', place, '--no-audit', '--no-fund'],
                     env={**os.environ, 'PATH': f'{ROOT}/.node/bin:{os.environ["PATH"]}'})
        return place


EJABBERD = """\
hosts: [localhost]
loglevel: warning
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144}}
  - port: {api}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers: {{/api: mod_http_api}}
auth_method: [internal]
auth_password_format: plain
api_permissions:
  "accounts": {{who: {{ip: "127.0.0.1/8"}}, what: [register]}}
acl:
  all_of_us: {{user_regexp: ""}}
access_rules:
  local: {{allow: all_of_us}}
modules:
  mod_http_api: {{}}
  mod_roster: {{}}
  mod_offline: {{access_max_user_messages: 1000000}}
  mod_mam: {{default: always, db_type: {archive}}}
"""

EJABBERD_SQL = """\
sql_type: pgsql
sql_server: "127.0.0.1"
sql_port: {port}
sql_database: chat
sql_username: chat
"""


class Ejabberd(Server):
    label = 'ejabberd, Mnesia'
    pairs = 200
    packages = ['ejabberd']
    durable = 'nothing: written, not synced'
    protocol = 'xmpp'
    archive = 'mnesia'

    def settings(self):
        return ''

    def start(self, pairs):
        api = free_port()
        config = self.folder / 'ejabberd.yml'
        text = EJABBERD.format(port=self.port, api=api, archive=self.archive)
        config.write_text(text + self.settings())
        # As ejabberdctl does, but without a node name: so neither epmd nor an open port is needed.
        environment = {**os.environ, 'EJABBERD_CONFIG_PATH': str(config),
                       'EJABBERD_LOG_PATH': str(self.folder / 'ejabberd.log'),
                       'ERL_LIBS': '/usr/lib/x86_64-linux-gnu', 'ERL_MAX_PORTS': '32000',
                       'HOME': str(self.folder),
                       'ERL_CRASH_DUMP': str(self.folder / 'crash.dump')}
        self.spawn(['erl', '+K', 'true', '+P', '250000', '-noinput',
                    '-mnesia', 'dir', f'"{self.folder}/mnesia"', '-s', 'ejabberd'],
                   env=environment)
        self.await_port(api)
        self.await_port(self.port)
        for name in names(pairs):
            self.register(api, name)

    def register(self, api, name):
        body = json.dumps({'user': name, 'host': 'localhost', 'password': 'secret'})
        request = urllib.request.Request(f'http://127.0.0.1:{api}/api/register', body.encode(),
                                         {'Content-Type': 'application/json'})
        with urllib.request.urlopen(request) as response:
            response.read()


class EjabberdPostgres(Ejabberd):
    label = 'ejabberd, PostgreSQL'
    pairs = 50
    packages = ['ejabberd', 'erlang-p1-pgsql', 'postgresql']
    durable = 'both, in either archive: synced'
    archive = 'sql'

    def settings(self):
        self.database_port = free_port()
        tools = sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin'))[-1]
        data = self.folder / 'postgresql'
        data.mkdir(mode=0o700)
        user = []
        if os.geteuid() == 0:  # it refuses to run as root
            shutil.chown(data, 'postgres', 'postgres')
            user = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups',
                    '--pdeathsig', 'TERM']
        self.run([*user, tools / 'initdb', '-D', data, '-A', 'trust', '-U', 'chat'])
        self.spawn([*user, tools / 'postgres', '-D', data, '-h', '127.0.0.1', '-k', '',
                    '-p', self.database_port])
        self.await_port(self.database_port)
        psql = [tools / 'psql', '-q', '-h', '127.0.0.1', '-p', self.database_port, '-U', 'chat']
        self.run([*psql, '-d', 'postgres', '-c', 'CREATE DATABASE chat'])
        self.run([*psql, '-d', 'chat', '-f', '/usr/share/ejabberd/sql/pg.sql'])
        return EJABBERD_SQL.format(port=self.database_port)


PROSODY = """\
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/prosody"
log = {{ warn = "{folder}/prosody.log" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{}}
s2s_ports = {{}}
http_ports = {{}}
https_ports = {{}}
interfaces = {{ "127.0.0.1" }}
modules_enabled = {{ "roster"; "saslauth"; "disco"; "mam"; "offline" }}
modules_disabled = {{ "s2s"; "tls" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
archive_expires_after = "never"
storage = {{ archive = "{archive}" }}
storage_archive_item_limit_cache_size = 10000
sql = {{ driver = "SQLite3", database = "prosody.sqlite" }}
VirtualHost "localhost"
"""


class Prosody(Server):
    label = 'prosody, internal storage'
    pairs = 50
    packages = ['prosody']
    durable = 'nothing: written, not synced'
    protocol = 'xmpp'
    archive = 'internal'

    def start(self, pairs):
        accounts = self.folder / 'prosody/localhost/accounts'
        accounts.mkdir(parents=True)
        for name in names(pairs):  # as prosodyctl register writes them, without starting it each
            (accounts / f'{name}.dat').write_text('return { ["password"] = "secret"; };\n')
        config = self.folder / 'prosody.cfg.lua'
        config.write_text(PROSODY.format(folder=self.folder, port=self.port,
                                         archive=self.archive))
        self.spawn(['prosody', '-F', '--config', config])
        self.await_port(self.port)


class ProsodySqlite(Prosody):
    label = 'prosody, SQLite'
    packages = ['prosody', 'lua-dbi-sqlite3']
    durable = 'both, in either archive: synced'
    archive = 'sql'


MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
user {user}
set_tcp_nodelay true
persistence true
persistence_location {folder}/
log_dest stderr
log_type error
"""


class Mosquitto(Server):
    label = 'Mosquitto, QoS 1'
    packages = ['mosquitto']
    durable = 'nothing: kept in memory'
    protocol = 'mqtt'

    def start(self, pairs):
        config = self.folder / 'mosquitto.conf'
        user = 'root' if os.geteuid() == 0 else 'mosquitto'
        config.write_text(MOSQUITTO.format(port=self.port, user=user, folder=self.folder))
        self.spawn(['/usr/sbin/mosquitto', '-c', config])
        self.await_port(self.port)


NATS = """\
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{folder}/jetstream" }}
"""


class Nats(Server):
    label = 'NATS JetStream, file storage'
    packages = ['nats-server']
    durable = 'nothing: written, and synced now and then'
    protocol = 'nats'

    def start(self, pairs):
        config = self.folder / 'nats.conf'
        config.write_text(NATS.format(port=self.port, folder=self.folder))
        self.spawn(['/usr/sbin/nats-server', '-c', config])
        self.await_port(self.port)


PEERS = {
    'node': Node,
    'ejabberd': Ejabberd,
    'ejabberd-postgresql': EjabberdPostgres,
    'prosody': Prosody,
    'prosody-sqlite': ProsodySqlite,
    'mosquitto': Mosquitto,
    'nats': Nats,
}
