// Connecting to names with several addresses: happy eyeballs (RFC 8305), time-outs per address and in all, egress policy per address.
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { assert, forward, merge, reverse, scenario, zone, type DnsServer, type Kit } from '../kit/index.js';

const get = (host: string, port: number): string => `GET http://${host}:${port}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const through = (dns: DnsServer, over = {}): ReturnType<typeof forward> => forward({}, merge({ resolver: { servers: [dns.address] } }, over));

/** An address where the handshake never ends: the queue of the listening socket is full and nobody accepts. */
async function silent(kit: Kit, host: string, port: number): Promise<void> {
  const program = `
import socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=0)
fillers = []
for _ in range(4):
    filler = socket.socket()
    filler.setblocking(False)
    filler.connect_ex(listener.getsockname())
    fillers.append(filler)
print("ready", flush=True)
sys.stdin.read()
`;
  const child = spawn('python3', ['-c', program, host, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  kit.after(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
}

/** Counts who connects; says nothing. */
async function counting(kit: Kit, host: string, port: number): Promise<() => number> {
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen(port, host);
  await once(server, 'listening');
  assert.equal((server.address() as AddressInfo).port, port);
  kit.after(() => void server.close());
  return () => connections;
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; took: number }> {
  const since = Date.now();
  const result = await work;
  return { result, took: Date.now() - since };
}

scenario('a silent address costs 250 ms, not its time-out', async (kit) => {
  const server = await kit.origin();
  await silent(kit, '127.0.0.2', server.port);
  const dns = await kit.dns(zone({ 'two.example': ['127.0.0.2', '127.0.0.1'] }));
  const proxy = await kit.sluice({ config: { tenants: [through(dns)] } });
  const client = await kit.connect(proxy.address('proxy'));
  const { result, took } = await timed(client.ask(get('two.example', server.port)));
  assert.equal(result.status, 200);
  assert.ok(took >= 240 && took < 3000, `took ${took} ms`);
});

scenario('connect_timeout is of one address, connect_total_timeout of all', async (kit) => {
  const server = await kit.origin();
  const port = server.port;
  await server.close();
  const many = [2, 3, 4, 5, 6, 7, 8, 9].map((last) => `127.0.0.${last}`);
  for (const address of many) await silent(kit, address, port);
  const dns = await kit.dns(zone({ 'silent.example': many.slice(0, 2), 'many.example': many }));
  const each = through(dns, { name: 'each', forward: { connect_timeout: '600ms' } });
  const all = through(dns, { name: 'all', forward: { connect_timeout: '400ms', connect_total_timeout: '400ms' } });
  const proxy = await kit.sluice({ config: { tenants: [each, all] } });
  const one = await timed((await kit.connect(proxy.address('each/proxy'))).ask(get('silent.example', port)));
  assert.equal(one.result.status, 504);
  assert.ok(one.took >= 840 && one.took < 3000, `the second address had its own 600 ms: ${one.took} ms`);
  const total = await timed((await kit.connect(proxy.address('all/proxy'))).ask(get('many.example', port)));
  assert.equal(total.result.status, 504);
  assert.ok(total.took >= 390 && total.took < 2100, `the total is over before the last address's turn comes: ${total.took} ms`);
});

scenario('dialling begins with the family that is known; the other one joins', async (kit) => {
  const server = await kit.origin();
  const port = server.port;
  // nobody listens on [::1]: what AAAA says leads nowhere, and A comes late
  const names = zone({ 'late.example': ['::1', '127.0.0.1'], 'only4.example': ['127.0.0.1'] });
  const dns = await kit.dns((question) => {
    if (question.name === 'late.example' && question.type === 'A') return { ...names(question), delay: 400 };
    if (question.name === 'only4.example' && question.type === 'AAAA') return 'silent';
    return names(question);
  });
  const proxy = await kit.sluice({ config: { tenants: [through(dns, { resolver: { servers: [dns.address] } })] } });
  const client = await kit.connect(proxy.address('proxy'));
  const late = await timed(client.ask(get('late.example', port)));
  assert.equal(late.result.status, 200);
  assert.ok(late.took >= 390 && late.took < 4000, `took ${late.took} ms`);
  const four = await timed(client.ask(get('only4.example', port)));
  assert.equal(four.result.status, 200);
  assert.ok(four.took >= 45 && four.took < 4000, `the resolution delay is 50 ms, not the resolver's time-out: ${four.took} ms`);
});

scenario('the egress policy judges each address that would be connected to', async (kit) => {
  const server = await kit.origin();
  const visitors = await counting(kit, '127.0.0.2', server.port);
  const dns = await kit.dns(zone({ 'mixed.example': ['127.0.0.2', '127.0.0.1'], 'bad.example': ['127.0.0.2', '169.254.169.254', '10.0.0.1'] }));
  const proxy = await kit.sluice({ config: { tenants: [through(dns, { egress: { allow_private: false, allow: ['127.0.0.1/32'] } })] } });
  const client = await kit.connect(proxy.address('proxy'));
  assert.equal((await client.ask(get('mixed.example', server.port))).status, 200);
  const refused = await client.ask(get('bad.example', server.port));
  assert.equal(refused.status, 403);
  assert.match(refused.head.get('proxy-status') ?? '', /destination_ip_prohibited/);
  assert.equal(visitors(), 0, 'an address that is not allowed is not even tried');
});

scenario('an upstream whose name has a dead address is served by the living one', async (kit) => {
  const server = await kit.origin();
  const dns = await kit.dns(zone({ 'pair.example': ['127.0.0.9', '127.0.0.1'] }));
  const proxy = await kit.sluice({ config: { tenants: [reverse([`pair.example:${server.port}`], {}, { resolver: { servers: [dns.address] } })] } });
  const client = await kit.connect(proxy.address('web'));
  assert.equal((await client.ask('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')).status, 200);
});
