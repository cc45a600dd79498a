// fault_proxy: passes requests on, and does to them what a network and a busy service do.
//
// usage: fault_proxy.mjs TARGET_PORT; prints its port. A line on stdin sets the fault for what
// comes from then on: "none", or NAME SHARE with a share of 0 to 1:
//   throttle  400 ThrottlingException, nothing done     fail   500, nothing done
//   lose      done, and the connection is cut instead of an answer
//   reset     nothing done, and the connection is cut   stall  answered 4 s late
//   half      done, and the connection is cut in the middle of the answer
//   garble    done, and a byte of the answer is another one
//   skew      403 as if signed at another time; the Date is two hours on, until a request is, too
//   mixed     each of them in turn
import http from 'node:http';
import readline from 'node:readline';

const target = process.argv[2];
const FAULTS = ['throttle', 'fail', 'lose', 'reset', 'stall', 'half', 'garble'];
const STALL_MS = 4000;
const SKEW_MS = 2 * 3600 * 1000;
let fault = 'none';
let share = 0;
let count = 0;

function draw() {
  if (fault === 'none' || Math.random() >= share) return 'none';
  return fault === 'mixed' ? FAULTS[count++ % FAULTS.length] : fault;
}

function answer(res, status, name) {
  res.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  const __type = `com.amazonaws.dynamodb.v20120810#${name}`;
  res.end(JSON.stringify({ __type, message: 'a test' }));
}

function cut(res, back, body) {
  res.writeHead(back.statusCode, back.headers);
  res.write(body.subarray(0, body.length / 2));
  setImmediate(() => res.socket?.resetAndDestroy());
}

// A digit becomes another one: it is still JSON, and only the checksum tells.
function garbled(body) {
  const at = body.findIndex((byte) => byte >= 0x30 && byte <= 0x39);
  if (at >= 0) body[at] ^= 1;
  return body;
}

// What AWS says to a request that was signed at another time than its own.
function skewed(req, res) {
  const signed = req.headers['x-amz-date'].replace(
    /^(....)(..)(..)T(..)(..)(..)Z$/,
    '$1-$2-$3T$4:$5:$6Z',
  );
  const now = Date.now() + SKEW_MS;
  if (Math.abs(Date.parse(signed) - now) < 300_000) return false;
  res.setHeader('date', new Date(now).toUTCString());
  answer(res, 403, 'InvalidSignatureException');
  return true;
}

const agent = new http.Agent({ keepAlive: true });
const server = http.createServer((req, res) => {
  const chunks = [];
  const what = draw();
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    if (what === 'throttle') return answer(res, 400, 'ThrottlingException');
    if (what === 'fail') return answer(res, 500, 'InternalServerError');
    if (what === 'skew' && skewed(req, res)) return undefined;
    if (what === 'reset') return res.socket.resetAndDestroy();
    const { method, url: path, headers } = req;
    const on = http.request(
      { port: target, host: '127.0.0.1', method, path, headers, agent },
      (back) => {
        const parts = [];
        back.on('data', (part) => parts.push(part));
        back.on('end', () => {
          if (what === 'half') return cut(res, back, Buffer.concat(parts));
          if (what === 'lose') return res.socket?.resetAndDestroy();
          const send = () => {
            res.writeHead(back.statusCode, back.headers);
            res.end(what === 'garble' ? garbled(Buffer.concat(parts)) : Buffer.concat(parts));
          };
          if (what === 'stall') setTimeout(send, STALL_MS);
          else send();
        });
      },
    );
    on.on('error', () => res.destroy());
    on.end(Buffer.concat(chunks));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const [name, part] = line.trim().split(' ');
  fault = name;
  share = Number(part ?? 0);
});
lines.on('close', () => process.exit(0)); // whoever started it has gone
