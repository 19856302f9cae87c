// Forwarded and the X-Forwarded fields: whom the proxy believes and what it says.
import { assert, h2, reverse, scenario } from '../kit/index.js';

const ask = (more = ''): string => `GET / HTTP/1.1\r\nHost: web.test\r\n${more}\r\n`;
const spoofed = 'Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 6.6.6.6\r\n';

scenario('what an untrusted client says about itself is removed', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address])] } });
  const client = await connect(proxy.address('web'));
  await client.ask(ask(spoofed));
  const headers = server.seen[0]?.headers ?? {};
  assert.deepEqual(Object.keys(headers).sort(), ['host', 'via']);
});

scenario('what an untrusted client says about itself is replaced', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const emit = ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip'];
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { forwarded: { emit, parameters: ['for', 'by', 'proto'] } })] } });
  const client = await connect(proxy.address('web'));
  await client.ask(ask(spoofed));
  const headers = server.seen[0]?.headers ?? {};
  assert.equal(headers.forwarded, 'for=127.0.0.1;by=_web;proto=http');
  assert.equal(headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(headers['x-forwarded-proto'], 'http');
  assert.equal(headers['x-forwarded-host'], 'web.test');
  assert.equal(headers['x-real-ip'], '127.0.0.1');
});

scenario('a client without TLS cannot say that it has some', async ({ sluice, origin, connect, after }) => {
  const server = await origin();
  const proxy = await sluice({
    config: {
      tenants: [{
        ...reverse([server.address]),
        endpoints: [{
          name: 'web', listen: ['127.0.0.1:0'], forwarded: { emit: ['x-forwarded-proto'] },
          routes: [{ path: '/moved', redirect: { to: '${scheme}://new.test/' } }, { upstream: 'origin' }],
        }],
      }],
    },
  });
  const one = await connect(proxy.address('web'));
  await one.ask('GET https://web.test/ HTTP/1.1\r\nHost: web.test\r\n\r\n');
  const moved = await one.ask('GET https://web.test/moved HTTP/1.1\r\nHost: web.test\r\n\r\n');
  assert.equal(moved.head.get('location'), 'http://new.test/');
  const two = await h2.Http2Client.open(proxy.address('web'));
  after(() => two.close());
  assert.equal((await two.ask({ ':scheme': 'https' })).status, 200);
  assert.equal((await two.ask({ ':scheme': 'https', ':path': '/moved' })).headers.location, 'http://new.test/');
  assert.deepEqual(server.seen.map((seen) => seen.headers['x-forwarded-proto']), ['http', 'http']);
  const line = await proxy.log.waitFor('the line of the request', (entry) => entry.event === 'request');
  assert.equal(line.scheme, 'http');
});

scenario('what a trusted proxy says is appended to, and its client is the one in the log', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [reverse([server.address], { forwarded: { trust: ['127.0.0.0/8'] } })] } });
  const client = await connect(proxy.address('web'));
  await client.ask(ask('Forwarded: for="[2001:db8::7]:4711";proto=https\r\nX-Forwarded-Proto: https\r\n'));
  const headers = server.seen[0]?.headers ?? {};
  assert.equal(headers.forwarded, 'for="[2001:db8::7]:4711";proto=https, for=127.0.0.1;host=web.test;proto=http');
  assert.equal(headers['x-forwarded-proto'], 'https');
  const line = await proxy.log.waitFor('the line of the request', (entry) => entry.event === 'request');
  assert.equal(line.client, '2001:db8::7');
  assert.match(String(line.peer), /^127\.0\.0\.1:\d+$/);
});
