// sigv4_proxy: lets through what AWS's own signer signs the same way, and says 403 to all else.
//
// usage: sigv4_proxy.mjs TARGET_PORT ACCESS_KEY SECRET REGION [SESSION_TOKEN]; prints its port.
import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';

// The signer's own hash in JavaScript takes longer than all the rest of the proxy.
class Sha256 {
  constructor(key) {
    this.hash = key ? createHmac('sha256', key) : createHash('sha256');
  }
  update(bytes) {
    this.hash.update(bytes);
  }
  async digest() {
    return new Uint8Array(this.hash.digest());
  }
}

const [target, accessKeyId, secretAccessKey, region, sessionToken] = process.argv.slice(2);
const SKEW_MS = 5 * 60 * 1000;
const signer = new SignatureV4({
  credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
  region,
  service: 'dynamodb',
  sha256: Sha256,
  applyChecksum: false,
});

function refuse(res, why) {
  console.error(`refused: ${why}`);
  res.writeHead(403, { 'content-type': 'application/x-amz-json-1.0' });
  const __type = 'com.amazon.coral.service#InvalidSignatureException';
  res.end(JSON.stringify({ __type, message: why }));
}

function parse(line) {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const match = form.exec(line ?? '');
  return match && { credential: match[1], signed: match[2].split(';'), signature: match[3] };
}

async function problem(req, body) {
  const given = parse(req.headers.authorization);
  if (!given) return 'no authorization header of the right form';
  const date = req.headers['x-amz-date'];
  const at = Date.parse(
    (date ?? '').replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  );
  if (!(Math.abs(at - Date.now()) < SKEW_MS)) return `x-amz-date is off: ${date}`;
  const names = req.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  for (const name of names) {
    if (name.startsWith('x-amz-') && !given.signed.includes(name)) return `${name} is not signed`;
    if (names.filter((other) => other === name).length > 1) return `${name} is there twice`;
  }
  if (!given.signed.includes('host')) return 'host is not signed';
  const headers = {};
  for (const name of given.signed) {
    if (!(name in req.headers)) return `${name} is signed and not sent`;
    headers[name] = req.headers[name];
  }
  delete headers['x-amz-security-token'];
  const { method, url: path } = req;
  const expected = await signer.sign(
    { method, protocol: 'http:', hostname: 'unused', path, query: {}, headers, body },
    { signingDate: new Date(at) },
  );
  const wanted = parse(expected.headers.authorization);
  if (wanted.signature !== given.signature) return 'the signature is another one';
  if (wanted.credential !== given.credential) return `the scope is ${given.credential}`;
  return null;
}

const agent = new http.Agent({ keepAlive: true });
const server = http.createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', async () => {
    const body = Buffer.concat(chunks);
    const why = await problem(req, body);
    if (why) return refuse(res, why);
    const { method, url: path, headers } = req;
    const on = http.request(
      { port: target, host: '127.0.0.1', method, path, headers, agent },
      (answer) => {
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
      },
    );
    on.on('error', () => res.destroy());
    on.end(body);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
