#!/usr/bin/python3
"""tls: DynamoDB and Redis behind certificates; who has the wrong one is not talked to.

usage: tls.py [--program build/release/twoticks]
"""
import asyncio
import contextlib
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import doubles  # noqa: E402  (found only now)
import run  # noqa: E402
from client import scenario  # noqa: E402
from client.device import Device  # noqa: E402


def certificate(folder, name):
    """A self-signed one for that name: (certificate, key)."""
    files = [str(pathlib.Path(folder) / f'{name}.{end}') for end in ('pem', 'key')]
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                    '-addext', f'subjectAltName=DNS:{name}', '-out', files[0], '-keyout', files[1]],
                   check=True, stderr=subprocess.DEVNULL)
    return files


async def tls_front(files, port):
    """A port that ends TLS and passes the bytes on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)

    async def copy(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader, writer):
        back = await asyncio.open_connection('127.0.0.1', port)
        await asyncio.gather(copy(reader, back[1]), copy(back[0], writer))

    return await asyncio.start_server(accept, '127.0.0.1', 0, ssl=context)


async def play(options, folder, tables, redis):
    good = certificate(folder, 'localhost')
    bad = certificate(folder, 'elsewhere.example')
    passed, failed = [], []
    shared = run.Shared(tables, redis)
    place, environ = await shared.place(options.program)
    for name, dynamodb_files, redis_files, fine in (
            ('certificates_that_are_right_are_taken', good, good, True),
            ('a_store_with_a_certificate_of_another_name_is_refused', bad, good, False),
            ('a_registry_with_a_certificate_of_another_name_is_refused', good, bad, False)):
        fronts = [await tls_front(dynamodb_files, tables), await tls_front(redis_files, redis.port)]
        ports = [front.sockets[0].getsockname()[1] for front in fronts]
        bundle = pathlib.Path(folder) / 'bundle.pem'
        bundle.write_text(''.join(pathlib.Path(files[0]).read_text() for files in (good, bad)))
        number = place[3].rsplit('/', 1)[1]
        server = run.ScaleServer(
            options.program, 1,
            ('--store', 'dynamodb', '--table-prefix', place[-1], '--registry',
             f'rediss://localhost:{ports[1]}/{number}'),
            environ={**environ, 'AWS_CA_BUNDLE': str(bundle),
                     'AWS_ENDPOINT_URL_DYNAMODB': f'https://localhost:{ports[0]}'})
        try:
            try:
                await server.start()
                stands = True
            except AssertionError:
                stands = False
            assert stands == fine, server.output
            if stands:
                await server.call('POST', '/conversation', 'alice', json={
                    'kind': 'direct', 'members': ['alice', 'bob'], 'conversation_id': 'c'})
                alice = Device(server, 'alice')
                await alice.connect()
                assert (await alice.say('c', 'x' * 60000))['seq'] == 1
                await alice.close()
            passed.append(name)
            print(f'ok      {name}')
        except Exception as error:
            failed.append(name)
            print(f'FAILED  {name}: {error}')
        await server.__aexit__(AssertionError, None, None)
        for front in fronts:
            front.close()
    return passed, failed


def main():
    options = scenario.arguments(__doc__.splitlines()[0]).parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix='twoticks-tls-'))
        os.chmod(folder, 0o700)
        tables = stack.enter_context(doubles.node('dynalite.mjs'))
        redis = stack.enter_context(doubles.redis('--databases', '4096'))
        return scenario.report(options.report,
                               *asyncio.run(play(options, folder, tables, redis)))


if __name__ == '__main__':
    sys.exit(main())
