"""cases: what the public WebSocket conformance suite tries (its sections 1 to 7, 9 and 10), written
anew from RFC 6455: what is sent, and what must come back.

A case is a list of steps, and the close code with which it must end. With `OURS` the tester closes
with 1000 when everything came, and must get exactly that back.
"""
import struct

from client.raw_socket import BINARY, CLOSE, PING, PONG, TEXT, frame

CONTINUATION = 0
OURS = None
NO_CODE = 'no code'


class Case:
    def __init__(self, number, steps, code=OURS):
        self.number = number
        self.steps = steps
        self.code = code


def send(data, chop=None):
    """Bytes, written in one piece or in pieces of `chop` bytes."""
    return ('send', data, chop)


def expect(opcode, payload):
    return ('expect', opcode, payload)


def rounds(opcode, payload, count):
    """So often there and back, one after the other."""
    return ('rounds', frame(opcode, payload), (opcode, payload), count)


def message(opcode, payload, chop=None):
    return [send(frame(opcode, payload), chop), expect(opcode, payload)]


def fragments(opcode, parts, final=True):
    """The frames of one message."""
    return [frame(opcode if number == 0 else CONTINUATION, part,
                  fin=final and number == len(parts) - 1)
            for number, part in enumerate(parts)]


def pieces(payload, size):
    return [payload[at:at + size] for at in range(0, len(payload), size)]


def close(code=1000, reason=b''):
    return frame(CLOSE, struct.pack('>H', code) + reason)


def framing():
    sizes = (0, 125, 126, 127, 128, 65535, 65536)
    for group, opcode, filler in ((1, TEXT, b'*'), (2, BINARY, b'\xfe')):
        for number, size in enumerate(sizes, 1):
            yield Case(f'1.{group}.{number}', message(opcode, filler * size))
        yield Case(f'1.{group}.8', message(opcode, filler * 65536, chop=997))


def pings():
    some = b'\x00\xff\xfe\xfd\xfc\xfb\x00\xff'
    for number, payload in enumerate((b'', b'Hello, world!', some, b'\xfe' * 125), 1):
        yield Case(f'2.{number}', [send(frame(PING, payload)), expect(PONG, payload)])
    yield Case('2.5', [send(frame(PING, b'\xfe' * 126))], 1002)
    yield Case('2.6', [send(frame(PING, b'\xfe' * 125), chop=1), expect(PONG, b'\xfe' * 125)])
    yield Case('2.7', [send(frame(PONG))])
    yield Case('2.8', [send(frame(PONG, b'unsolicited'))])
    yield Case('2.9', [send(frame(PONG, b'unsolicited')), send(frame(PING, b'asked')),
                       expect(PONG, b'asked')])
    ten = [b'payload-%d' % number for number in range(10)]
    for number, chop in ((10, None), (11, 1)):
        yield Case(f'2.{number}', [send(frame(PING, one), chop) for one in ten] +
                   [expect(PONG, one) for one in ten])


def reserved_bits():
    hello = b'Hello, world!'
    yield Case('3.1', [send(frame(TEXT, hello, rsv=1))], 1002)
    for number, chop in ((2, None), (3, 10000), (4, 1)):
        yield Case(f'3.{number}', message(TEXT, hello, chop) +
                   [send(frame(TEXT, hello, rsv=number) + frame(PING), chop)], 1002)
    yield Case('3.5', [send(frame(BINARY, b'\x00\xff\xfe', rsv=5))], 1002)
    yield Case('3.6', [send(frame(PING, hello, rsv=6))], 1002)
    yield Case('3.7', [send(frame(CLOSE, rsv=7))], 1002)


def opcodes():
    hello = b'Hello, world!'
    for group, first in ((1, 3), (2, 11)):
        yield Case(f'4.{group}.1', [send(frame(first))], 1002)
        yield Case(f'4.{group}.2', [send(frame(first + 1, b'reserved'))], 1002)
        for number, payload, chop in ((3, b'', None), (4, hello, None), (5, hello, 1)):
            yield Case(f'4.{group}.{number}', message(TEXT, hello, chop) +
                       [send(frame(first + number - 1, payload) + frame(PING), chop)], 1002)


def fragmentation():
    parts = [b'fragment1', b'fragment2']
    whole = b''.join(parts)
    for number, opcode in ((1, PING), (2, PONG)):
        yield Case(f'5.{number}', [send(b''.join(fragments(opcode, parts)))], 1002)
    first, last = fragments(TEXT, parts)
    for number, chop in ((3, None), (4, len(first)), (5, 1)):
        yield Case(f'5.{number}', [send(first + last, chop), expect(TEXT, whole)])
    for number, chop in ((6, None), (7, len(first)), (8, 1)):
        yield Case(f'5.{number}', [send(first + frame(PING, b'ping') + last, chop),
                                   expect(PONG, b'ping'), expect(TEXT, whole)])
    for number, fin in ((9, True), (12, False)):
        orphan = frame(CONTINUATION, b'non-continuation payload', fin=fin)
        for more, chop in enumerate((None, len(orphan), 1)):
            yield Case(f'5.{number + more}', [send(orphan + frame(TEXT, b'Hello'), chop)], 1002)
    orphan = frame(CONTINUATION, b'fragment3', fin=False)
    yield Case('5.15', [send(first + last + orphan + frame(TEXT, b'fragment4')),
                        expect(TEXT, whole)], 1002)
    for number, fin in ((16, False), (17, True)):
        pair = frame(CONTINUATION, b'fragment1', fin=fin) + frame(TEXT, b'fragment2')
        yield Case(f'5.{number}', [send(pair + pair)], 1002)
    yield Case('5.18', [send(frame(TEXT, b'fragment1', fin=False) + frame(TEXT, b'fragment2'))],
               1002)
    five = [b'fragment%d' % number for number in range(1, 6)]
    frames = fragments(TEXT, five)
    for number, chop in ((19, None), (20, 11)):
        yield Case(f'5.{number}', [
            send(frames[0] + frames[1] + frame(PING, b'pong me 1'), chop),
            expect(PONG, b'pong me 1'),
            send(frames[2] + frames[3] + frame(PING, b'pong me 2') + frames[4], chop),
            expect(PONG, b'pong me 2'), expect(TEXT, b''.join(five))])


KOSME = 'κ\u1f79σμε'.encode()

# Of Markus Kuhn's stress test for UTF-8 decoders: the group's number, then what is no UTF-8.
NO_UTF8 = {
    8: 'f888808080 fc8480808080',
    10: 'f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf',
    12: '80 bf 80bf 80bf80 80bf80bf 80bf80bf80 80bf80bf80bf ' + bytes(range(0x80, 0xbf)).hex(),
    13: ' '.join(b''.join(bytes([lead, 0x20]) for lead in range(*ends)).hex()
                 for ends in ((0xc0, 0xdf), (0xe0, 0xef), (0xf0, 0xf7), (0xf8, 0xfb),
                              (0xfc, 0xfd))),
    14: 'c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf',
    15: 'c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf',
    16: 'fe ff fefeffff',
    17: 'c0af e080af f08080af f8808080af fc80808080af',
    18: 'c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf',
    19: 'c080 e08080 f0808080 f880808080 fc8080808080',
    20: 'eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf',
    21: 'eda080edb080 eda080edbfbf edadbfedb080 edadbfedbfbf edae80edb080 edae80edbfbf '
        'edafbfedb080 edafbfedbfbf',
}


def non_characters():
    """Code points that are UTF-8 and yet stand for nothing, as the suite lists them."""
    found = [chr(0xfffe).encode(), chr(0xffff).encode()]
    for lead in range(0xf0, 0xf5):
        for second in (0x8f, 0x9f, 0xaf, 0xbf):
            for low in (0xbe, 0xbf):
                code = bytes([lead, second, 0xbf, low])
                try:
                    code.decode()
                except UnicodeDecodeError:
                    continue
                found.append(code)
    return found


def utf8_groups():
    """(group, text), in order."""
    signs = [f'hello{sign}world'.encode() for sign in ('$', '\u00a2', '\u20ac', '\U00024b62')]
    prefixes = [KOSME[:size] for size in range(1, len(KOSME) + 1)]
    groups = {
        5: signs + [KOSME],
        6: prefixes,
        7: [chr(code).encode() for code in (0, 0x80, 0x800, 0x10000)],
        9: [chr(code).encode() for code in (0x7f, 0x7ff, 0xffff, 0x10ffff)],
        11: [chr(code).encode() for code in (0xd7ff, 0xe000, 0xfffd, 0x10ffff)] +
            [bytes.fromhex('f4908080')],
        22: non_characters(),
        23: [chr(code).encode() for code in range(0xfff9, 0x10000)],
        **{group: [bytes.fromhex(text) for text in texts.split()]
           for group, texts in NO_UTF8.items()},
    }
    for group in sorted(groups):
        for text in groups[group]:
            yield group, text


def is_utf8(text):
    try:
        text.decode()
        return True
    except UnicodeDecodeError:
        return False


def utf8():
    yield Case('6.1.1', message(TEXT, b''))
    yield Case('6.1.2', [send(b''.join(fragments(TEXT, [b'', b'', b'']))), expect(TEXT, b'')])
    yield Case('6.1.3', [send(b''.join(fragments(TEXT, [b'', b'middle', b'']))),
                         expect(TEXT, b'middle')])
    text = 'Hello-µ@ßöäüàá-UTF-8!!'.encode()
    yield Case('6.2.1', message(TEXT, text))
    yield Case('6.2.2', [send(b''.join(fragments(TEXT, [text[:8], text[8:]]))),
                         expect(TEXT, text)])
    for number, one in ((3, text), (4, KOSME)):
        yield Case(f'6.2.{number}', [send(b''.join(fragments(TEXT, pieces(one, 1)))),
                                     expect(TEXT, one)])
    bad = KOSME + b'\xed\xa0\x80edited'
    yield Case('6.3.1', [send(frame(TEXT, bad))], 1007)
    yield Case('6.3.2', [send(b''.join(fragments(TEXT, pieces(bad, 1))))], 1007)
    # The first byte that makes it no UTF-8 ends it: what would follow is never sent.
    for number, cut in ((1, b'\xf4\x90\x80\x80'), (2, b'\xf4\x90')):
        yield Case(f'6.4.{number}', [
            send(frame(TEXT, KOSME, fin=False) + frame(PING, b'still there')),
            expect(PONG, b'still there'), send(frame(CONTINUATION, cut, fin=False))], 1007)
    for number, size in ((3, 4), (4, 2)):
        whole = frame(TEXT, KOSME + b'\xf4\x90\x80\x80edited')
        yield Case(f'6.4.{number}', [send(whole[:6 + len(KOSME)]),
                                     send(whole[6 + len(KOSME):6 + len(KOSME) + size])], 1007)
    numbers = {}
    for group, text in utf8_groups():
        numbers[group] = numbers.get(group, 0) + 1
        number = f'6.{group}.{numbers[group]}'
        if is_utf8(text):
            yield Case(number, message(TEXT, text))
        else:
            yield Case(number, [send(frame(TEXT, text))], 1007)


GOOD_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
BAD_CODES = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)


def closing():
    hello = b'Hello World!'
    big = b'BAsd7&jh23' * 26214
    yield Case('7.1.1', message(TEXT, hello) + [send(close())], 1000)
    yield Case('7.1.2', [send(close() + close())], 1000)
    yield Case('7.1.3', [send(close() + frame(PING))], 1000)
    yield Case('7.1.4', [send(close() + frame(TEXT, hello))], 1000)
    yield Case('7.1.5', [send(frame(TEXT, b'fragment1', fin=False) + close() +
                              frame(CONTINUATION, b'fragment2'))], 1000)
    yield Case('7.1.6', [send(frame(TEXT, big) + frame(TEXT, hello) + close() + frame(PING)),
                         expect(TEXT, big), expect(TEXT, hello)], 1000)
    yield Case('7.3.1', [send(frame(CLOSE))], NO_CODE)
    yield Case('7.3.2', [send(frame(CLOSE, b'a'))], 1002)
    yield Case('7.3.3', [send(close())], 1000)
    yield Case('7.3.4', [send(close(1000, hello))], 1000)
    yield Case('7.3.5', [send(close(1000, b'*' * 123))], 1000)
    yield Case('7.3.6', [send(close(1000, b'*' * 124))], 1002)
    yield Case('7.5.1', [send(close(1000, KOSME + b'\xed\xa0\x80edited'))], 1007)
    for number, code in enumerate(GOOD_CODES, 1):
        yield Case(f'7.7.{number}', [send(close(code))], code)
    for number, code in enumerate(BAD_CODES, 1):
        yield Case(f'7.9.{number}', [send(close(code))], 1002)
    for number, code in enumerate((5000, 65535), 1):
        yield Case(f'7.13.{number}', [send(close(code))], 1002)


KIB = 1024
MIB = 1024 * KIB


def limits():
    for group, opcode, filler in ((1, TEXT, b'*'), (2, BINARY, b'\xfe')):
        for number, size in enumerate((64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB), 1):
            yield Case(f'9.{group}.{number}', message(opcode, filler * size))
    for group, opcode, filler in ((3, TEXT, b'*'), (4, BINARY, b'\xfe')):
        payload = filler * (4 * MIB)
        for number in range(9):
            yield Case(f'9.{group}.{number + 1}', [
                send(b''.join(fragments(opcode, pieces(payload, 64 << 2 * number)))),
                expect(opcode, payload)])
    for group, opcode, filler in ((5, TEXT, b'*'), (6, BINARY, b'\xfe')):
        for number in range(6):
            yield Case(f'9.{group}.{number + 1}', message(opcode, filler * MIB, chop=64 << number))
    for group, opcode, filler in ((7, TEXT, b'*'), (8, BINARY, b'\xfe')):
        for number, size in enumerate((0, 16, 64, 256, 1024, 4096), 1):
            yield Case(f'9.{group}.{number}', [rounds(opcode, filler * size, 1000)])


def auto_fragmentation():
    payload = b'*' * 65536
    yield Case('10.1.1', [send(b''.join(fragments(TEXT, pieces(payload, 1300)))),
                          expect(TEXT, payload)])


def all_cases():
    """A generator: some of them are large."""
    for section in (framing, pings, reserved_bits, opcodes, fragmentation, utf8, closing, limits,
                    auto_fragmentation):
        yield from section()
