// fault_proxy: passes requests on, and does to them what a network and a busy service do.
//
// usage: fault_proxy.mjs TARGET_PORT; prints its port. A line on stdin sets the fault for what
// comes from then on: "none", or NAME SHARE with a share of 0 to 1:
//   throttle  400 ThrottlingException, nothing done     fail   500, nothing done
//   lose      done, and the connection is cut instead of an answer
//   reset     nothing done, and the connection is cut   stall  answered 4 s late
//   mixed     each of them in turn
import http from 'node:http';
import readline from 'node:readline';

const target = process.argv[2];
const FAULTS = ['throttle', 'fail', 'lose', 'reset', 'stall'];
const STALL_MS = 4000;
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

const agent = new http.Agent({ keepAlive: true });
const server = http.createServer((req, res) => {
  const chunks = [];
  const what = draw();
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    if (what === 'throttle') return answer(res, 400, 'ThrottlingException');
    if (what === 'fail') return answer(res, 500, 'InternalServerError');
    if (what === 'reset') return res.socket.resetAndDestroy();
    const { method, url: path, headers } = req;
    const on = http.request(
      { port: target, host: '127.0.0.1', method, path, headers, agent },
      (back) => {
        const parts = [];
        back.on('data', (part) => parts.push(part));
        back.on('end', () => {
          if (what === 'lose') return res.socket?.resetAndDestroy();
          const send = () => {
            res.writeHead(back.statusCode, back.headers);
            res.end(Buffer.concat(parts));
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
