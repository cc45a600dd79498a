// server: the DynamoDB API in memory, for what the program uses of it, and fast. It listens on a
// free port of 127.0.0.1, which is printed, and ends when its standard input does. Signatures are
// not looked at: sigv4_proxy.mjs does that. `GET /counts` tells what was asked so far.
import http from 'node:http';
import { crc32 } from 'node:zlib';
import { Operations } from './operations.mjs';
import { Refusal } from './refusal.mjs';

const TARGET = 'DynamoDB_20120810.';
const PREFIX = 'com.amazonaws.dynamodb.v20120810#';
const operations = new Operations();
const counts = { requests: {}, refusals: {} };

function count(what, name) {
  what[name] = (what[name] ?? 0) + 1;
}

function run(target, body) {
  const operation = target?.startsWith(TARGET) ? target.slice(TARGET.length) : '';
  try {
    count(counts.requests, operation);
    return [200, operations.run(operation, JSON.parse(body))];
  } catch (error) {
    const parsed = !(error instanceof SyntaxError);
    if (parsed && !(error instanceof Refusal)) throw error;
    const type = parsed ? error.type : 'SerializationException';
    count(counts.refusals, type);
    return [400, { __type: PREFIX + type, message: error.message }];
  }
}

function send(res, status, answer) {
  const text = Buffer.from(JSON.stringify(answer));
  res.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': text.length,
    'x-amz-crc32': crc32(text),
  });
  res.end(text);
}

const server = http.createServer((req, res) => {
  if (req.method === 'GET' && req.url === '/counts') {
    send(res, 200, counts);
    return;
  }
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    send(res, ...run(req.headers['x-amz-target'], body.toString()));
  });
});
server.keepAliveTimeout = 0; // the client decides
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  console.log(server.address().port),
);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
