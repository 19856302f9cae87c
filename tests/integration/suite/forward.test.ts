// Forward proxying and the egress policy, which judges the address that would really be connected to.
import { assert, connectThrough, forward, merge, scenario } from '../kit/index.js';

const absolute = (target: string, host = 'ignored.test', more = ''): string => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const hosts = { resolver: { hosts: { 'origin.example': ['127.0.0.1'], 'meta.example': ['169.254.169.254'] } } };
/** The same tenant without the permission to reach private networks. */
const strict = (more = {}): ReturnType<typeof forward> => forward({}, merge({ egress: { allow_private: false }, ...hosts }, more));

scenario('an absolute-form request reaches the origin in origin-form', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [forward()] } });
  const client = await connect(proxy.address('proxy'));
  const response = await client.ask(absolute(`http://${server.address}/x?y=1`, 'other.test', 'Proxy-Connection: keep-alive\r\n'));
  assert.equal(response.text, 'origin');
  assert.equal(server.seen[0]?.target, '/x?y=1');
  // RFC 9112 3.2.2: the Host field is replaced by the authority of the target
  assert.equal(server.seen[0]?.headers.host, server.address);
  assert.equal(server.seen[0]?.headers['proxy-connection'], undefined);
});

scenario('one client connection may ask for many origins', async ({ sluice, origin, connect }) => {
  const a = await origin((_, response) => response.end('a'));
  const b = await origin((_, response) => response.end('b'));
  const proxy = await sluice({ config: { tenants: [forward()] } });
  const client = await connect(proxy.address('proxy'));
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await client.ask(absolute(`http://${a.address}/`))).text, 'a');
    assert.equal((await client.ask(absolute(`http://${b.address}/`))).text, 'b');
  }
  assert.equal(a.accepted + b.accepted, 2);
});

scenario('a request that names no origin is refused', async ({ sluice, connect }) => {
  const proxy = await sluice({ config: { tenants: [forward()] } });
  for (const target of ['/', 'https://a.test/', 'ftp://a.test/', 'http:///', 'http://user@:0/']) {
    const client = await connect(proxy.address('proxy'));
    const { status } = await client.ask(absolute(target));
    const expected = target.startsWith('https:') ? status === 501 : status >= 400 && status < 500;
    assert.ok(expected, `${target} was answered with ${status}`);
  }
});

scenario('private addresses are refused unless they are allowed', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [strict()] } });
  const targets = [server.address, `localhost:${server.port}`, `origin.example:${server.port}`, `[::1]:${server.port}`, `[::ffff:127.0.0.1]:${server.port}`,
    `127.1:${server.port}`, `2130706433:${server.port}`, '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', 'meta.example', '224.0.0.1', '0.0.0.0',
    '[fe80::1]', '[fd00::1]', '[ff02::1]', '[::]', '255.255.255.255', '100.64.0.1'];
  for (const target of targets) {
    const client = await connect(proxy.address('proxy'));
    const { status } = await client.ask(absolute(`http://${target}/`));
    assert.ok(status === 403 || (status === 400 || status === 502) && /^(127\.1|2130706433|localhost):/.test(target), `${target} was answered with ${status}`);
    const tunnel = await connect(proxy.address('proxy'));
    const connected = await connectThrough(tunnel, /:\d+$/.test(target) ? target : `${target}:443`);
    assert.ok(connected.status >= 400, `CONNECT ${target} was answered with ${connected.status}`);
  }
  assert.equal(server.accepted, 0);
});

scenario('an allow-list opens exactly what it names', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [strict({ egress: { allow_private: false, allow: ['127.0.0.1/32'] } })] } });
  const client = await connect(proxy.address('proxy'));
  assert.equal((await client.ask(absolute(`http://origin.example:${server.port}/`))).status, 200);
  assert.equal((await client.ask(absolute(`http://127.0.0.2:${server.port}/`))).status, 403);
});

scenario('a deny-list wins over everything', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const proxy = await sluice({ config: { tenants: [forward({}, { ...hosts, egress: { allow_private: true, deny: ['127.0.0.0/8'] } })] } });
  const client = await connect(proxy.address('proxy'));
  assert.equal((await client.ask(absolute(`http://origin.example:${server.port}/`))).status, 403);
  assert.equal(server.accepted, 0);
});

scenario('CONNECT is for the ports that the endpoint lists', async ({ sluice, origin, connect }) => {
  const server = await origin();
  const other = await origin();
  const proxy = await sluice({ config: { tenants: [forward({ connect: { ports: [server.port] } })] } });
  const client = await connect(proxy.address('proxy'));
  assert.equal((await connectThrough(client, server.address)).status, 200);
  const refused = await connect(proxy.address('proxy'));
  assert.equal((await connectThrough(refused, other.address)).status, 403);
  assert.equal(other.accepted, 0);
});

scenario('a name that does not exist gives 502', async ({ sluice, connect }) => {
  // nobody listens on the server's port: the answer must come from the refusal, not from waiting
  const proxy = await sluice({ config: { tenants: [forward({}, { resolver: { servers: ['127.0.0.1:9'] } })] } });
  const client = await connect(proxy.address('proxy'));
  const { status } = await client.ask(absolute('http://nobody.example/'));
  assert.ok(status === 502 || status === 504, `answered ${status}`);
});
