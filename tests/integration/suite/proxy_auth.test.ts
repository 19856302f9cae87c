// Proxy-Authorization of forward endpoints.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { assert, binaries, connectThrough, forward, scenario, type Json } from '../kit/index.js';

const entry = (password: string): string => execFileSync(join(binaries, 'sluicectl'), ['password'], { input: `${password}\n` }).toString().trim();
const basic = (text: string): string => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;
const users = (): Json => ({ alice: entry('wonder land'), bob: entry('x') });

scenario('only users with their password are served', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [forward({ proxy_auth: { enabled: true, realm: 'test', users: users() } })] } });
  const client = await connect(proxy.address('proxy'));
  const get = (more = ''): string => `GET http://${server.address}/ HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
  for (const more of ['', basic('alice:wrong'), basic('nobody:x'), basic('bob:wonder land'), 'Proxy-Authorization: Basic ???\r\n', `${basic('bob:x')}${basic('bob:x')}`, basic('bob:x').replace('Proxy-', '')]) {
    const response = await client.ask(get(more));
    assert.equal(response.status, 407, more);
    assert.equal(response.head.get('proxy-authenticate'), 'Basic realm="test", charset="UTF-8"');
    assert.match(response.head.get('proxy-status') ?? '', /error=http_request_denied$/);
  }
  for (let i = 0; i < 3; i += 1) assert.equal((await client.ask(get(basic('alice:wonder land')))).status, 200);
  assert.equal(server.seen.length, 3);
  assert.equal(server.seen[0]?.headers['proxy-authorization'], undefined);
  const line = await proxy.log.waitFor('the line of a served request', (record) => record['event'] === 'request' && record['status'] === 200);
  assert.equal(line['user'], 'alice');
  assert.equal((await proxy.ctl('config')).stdout.includes('pbkdf2'), false);
});

scenario('CONNECT wants credentials too, and what follows a refused one is never read', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [forward({ proxy_auth: { enabled: true, users: users() }, connect: { ports: [] } })] } });
  const refused = await connect(proxy.address('proxy'));
  const head = `CONNECT ${server.address} HTTP/1.1\r\nHost: ${server.address}\r\n`;
  assert.equal((await refused.ask(`${head}\r\nGET http://${server.address}/ HTTP/1.1\r\nHost: a\r\n${basic('bob:x')}\r\n`)).status, 407);
  await refused.reader.closed();
  assert.equal(server.accepted, 0);
  const tunnel = await connect(proxy.address('proxy'));
  assert.equal((await connectThrough(tunnel, server.address, [basic('bob:x').trim()])).status, 200);
});
