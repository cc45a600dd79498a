"""readme: what the README shows works as it is printed there."""
import asyncio
import pathlib
import re

from client import clock
from client.scenario import scenario

README = pathlib.Path(__file__).resolve().parent.parent.parent / 'README.md'


@scenario
async def the_tour_of_the_readme_works_as_printed(world):
    server = await world.serve()
    tour = README.read_text().split('## A tour of 60 seconds')[1].split('\n## ')[0]
    script = '\n'.join(re.findall(r'```sh\n(.*?)```', tour, re.S))
    for printed, real in (('127.0.0.1:8080', '%s:%d' % server.address),
                          ('build/release/twoticks', server.program),
                          ('--data data', f'--data {server.data}')):
        assert printed in script, printed
        script = script.replace(printed, real)
    process = await asyncio.create_subprocess_exec(
        '/bin/sh', '-eu', '-c', script, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT)
    output, _ = await clock.within(30, process.communicate(), 'the tour has ended')
    text = output.decode()
    assert process.returncode == 0, text
    one, blue = text.index('"tick":"one"'), text.index('"tick":"blue"')
    assert one < text.index('"read_sync"') < blue, text
    assert '"hey"' in text and '"bob_status"' in text and '"events"' in text, text
