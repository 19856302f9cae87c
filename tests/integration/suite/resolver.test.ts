// Names through real questions: several servers, time-outs, truncation, the caches, and servers that lie.
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { assert, encodeDns, forward, merge, scenario, sleep, zone, type Question, type Reply } from '../kit/index.js';

const get = (host: string, port: number): string => `GET http://${host}:${port}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const asking = (servers: readonly string[], resolver = {}, over = {}): ReturnType<typeof forward> =>
  forward({}, merge({ resolver: merge({ servers: [...servers], timeout: '300ms', attempts: 1 }, resolver) }, over));
const here = zone({ 'www.example': ['127.0.0.1'] });
const error = (response: { head: { get(name: string): string | undefined } }): string => response.head.get('proxy-status') ?? '';

/** A port where nobody listens, on UDP or TCP. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return `127.0.0.1:${port}`;
}

scenario('a name is asked for once, for both families, however many requests want it', async ({ sluice, origin, connect, dns }) => {
  const server = await origin();
  const names = await dns((question) => ({ ...here(question), delay: 100 }));
  const proxy = await sluice({ config: { tenants: [asking([names.address])] } });
  const clients = await Promise.all(Array.from({ length: 30 }, () => connect(proxy.address('proxy'))));
  const answers = await Promise.all(clients.map((client) => client.ask(get('www.example', server.port))));
  assert.ok(answers.every((answer) => answer.status === 200));
  assert.equal(names.asked('www.example', 'A').length, 1);
  assert.equal(names.asked('www.example', 'AAAA').length, 1);
  await (await connect(proxy.address('proxy'))).ask(get('WWW.Example', server.port));
  assert.equal(names.seen.length, 2, 'the second time the cache answers');
});

scenario('a server that is silent, fails, refuses or is not there is followed by the next', async ({ sluice, origin, connect, dns }) => {
  const server = await origin();
  const good = await dns(here);
  const silent = await dns(() => 'silent');
  const failing = await dns(() => ({ code: 2 }));
  const refusing = await dns(() => ({ code: 5 }));
  const bad = { silent: silent.address, failing: failing.address, refusing: refusing.address, absent: await freePort() };
  const tenants = Object.entries(bad).map(
    ([name, address]) => asking([address, good.address], name === 'silent' ? {} : { timeout: '3s' }, { name }));
  const proxy = await sluice({ config: { tenants } });
  for (const name of Object.keys(bad)) {
    const client = await connect(proxy.address(`${name}/proxy`));
    const since = Date.now();
    assert.equal((await client.ask(get('www.example', server.port))).status, 200, name);
    const took = Date.now() - since;
    if (name === 'silent') assert.ok(took >= 290, `the first server has its time: ${took} ms`);
    else assert.ok(took < 3000, `${name}: the next one is asked at once: ${took} ms`);
  }
  assert.equal(silent.seen.length, 2);
});

scenario('servers that are all silent give 504, servers that all fail 502, and neither is remembered', async ({ sluice, origin, connect, dns }) => {
  const server = await origin();
  let well = false;
  const silent = await dns((question) => (well ? here(question) : 'silent'));
  const failing = await dns((question) => (well ? here(question) : { code: 2 }));
  const proxy = await sluice({ config: { tenants: [asking([silent.address], {}, { name: 'silent' }), asking([failing.address], {}, { name: 'failing' })] } });
  const one = await connect(proxy.address('silent/proxy'));
  const late = await one.ask(get('www.example', server.port));
  assert.equal(late.status, 504);
  assert.match(error(late), /dns_timeout/);
  const two = await connect(proxy.address('failing/proxy'));
  const failed = await two.ask(get('www.example', server.port));
  assert.equal(failed.status, 502);
  assert.match(error(failed), /dns_error/);
  well = true;
  assert.equal((await one.ask(get('www.example', server.port))).status, 200);
  assert.equal((await two.ask(get('www.example', server.port))).status, 200);
});

scenario('questions go to the servers in turn when they are told to rotate', async ({ sluice, origin, connect, dns }) => {
  const server = await origin();
  const names = zone(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`n${i}.example`, ['127.0.0.1']])));
  const first = await dns(names);
  const second = await dns(names);
  const proxy = await sluice({ config: { tenants: [asking([first.address, second.address], { rotate: true })] } });
  const client = await connect(proxy.address('proxy'));
  for (let i = 0; i < 8; i += 1) assert.equal((await client.ask(get(`n${i}.example`, server.port))).status, 200);
  assert.equal(first.seen.length, 8);
  assert.equal(second.seen.length, 8);
});

scenario('a truncated answer is fetched over TCP; one that is cut there too is a failure', async ({ sluice, origin, connect, dns }) => {
  const server = await origin();
  const names = await dns((question) => {
    if (question.transport === 'udp') return { truncated: true };
    if (question.name === 'cut.example') return encodeDns(question, { records: [{ type: 'A', value: '127.0.0.1' }] }).subarray(0, 30);
    return zone({ 'big.example': [...Array.from({ length: 200 }, (_, i) => `127.1.0.${i}`), '127.0.0.1'].reverse() })(question);
  });
  const proxy = await sluice({ config: { tenants: [asking([names.address])] } });
  const client = await connect(proxy.address('proxy'));
  assert.equal((await client.ask(get('big.example', server.port))).status, 200);
  assert.ok(names.asked('big.example', 'A').some((q) => q.transport === 'tcp'));
  assert.equal((await client.ask(get('cut.example', server.port))).status, 502);
});

scenario('that a name does not exist is remembered as long as its zone says, and no longer than the setting', async ({ sluice, connect, dns }) => {
  const ttls: Record<string, number | undefined> = { 'long.example': 3600, 'zero.example': 0, 'unstated.example': undefined };
  const names = await dns((question) => {
    const negativeTtl = ttls[question.name];
    return { code: 3, ...(negativeTtl === undefined ? {} : { negativeTtl }) };
  });
  const proxy = await sluice({ config: { tenants: [asking([names.address], { negative_ttl: '700ms' })] } });
  const client = await connect(proxy.address('proxy'));
  const ask = async (name: string): Promise<void> => {
    const response = await client.ask(get(name, 80));
    assert.equal(response.status, 502);
    assert.match(error(response), /dns_error/);
  };
  for (const name of Object.keys(ttls)) {
    await ask(name);
    await ask(name);
  }
  assert.equal(names.asked('long.example', 'A').length, 1);
  assert.equal(names.asked('zero.example', 'A').length, 2);
  assert.equal(names.asked('unstated.example', 'A').length, 1);
  await sleep(750);
  await ask('long.example');
  assert.equal(names.asked('long.example', 'A').length, 2, 'an hour is clamped to the setting');
});

scenario('a TTL is obeyed within its bounds', async ({ sluice, origin, connect, dns }) => {
  // it closes after each answer, so that every request has to look the name up
  const closing = await origin((_, response) => response.setHeader('connection', 'close').end());
  const ttls: Record<string, number> = { 'huge.example': 0x7fffffff, 'negative.example': 0xffffffff, 'zero.example': 0 };
  const names = await dns((question) => ({ records: question.type === 'A' ? [{ type: 'A', value: '127.0.0.1', ttl: ttls[question.name] ?? 0 }] : [] }));
  const proxy = await sluice({ config: { tenants: [asking([names.address], { max_ttl: '700ms' })] } });
  const lookUp = async (name: string): Promise<void> => {
    const client = await connect(proxy.address('proxy'));
    assert.equal((await client.ask(get(name, closing.port))).status, 200);
  };
  for (const name of Object.keys(ttls)) {
    await lookUp(name);
    await lookUp(name);
  }
  assert.equal(names.asked('huge.example', 'A').length, 1);
  assert.equal(names.asked('negative.example', 'A').length, 2, 'RFC 2181 section 8: that is 0');
  assert.equal(names.asked('zero.example', 'A').length, 2);
  await sleep(750);
  await lookUp('huge.example');
  assert.equal(names.asked('huge.example', 'A').length, 2);
});

scenario('lies are not believed: the right answer is waited for', async ({ sluice, origin, connect, dns }) => {
  const server = await origin();
  const evil = { records: [{ type: 'A', value: '127.6.6.6' }] } as const;
  const lies: Record<string, (question: Question) => readonly (Buffer | Reply)[]> = {
    'id.example': (q) => [{ ...evil, question: { id: q.id ^ 1 } }, { ...evil, question: { id: (q.id + 1) & 0xffff } }],
    'question.example': () => [{ ...evil, question: { name: 'other.example' } }, { ...evil, question: { type: '16' } }],
    'noise.example': () => [Buffer.alloc(0), Buffer.from([1]), Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
  };
  const names = await dns((question) => ({
    before: lies[question.name]?.(question) ?? [],
    records: question.type === 'A' ? [{ type: 'A', value: '127.0.0.1' }] : [],
  }));
  const proxy = await sluice({ config: { tenants: [asking([names.address])] } });
  const client = await connect(proxy.address('proxy'));
  for (const name of Object.keys(lies)) assert.equal((await client.ask(get(name, server.port))).status, 200, name);
});

scenario('answers that lead astray end in 502, and records of other names are not taken', async ({ sluice, origin, connect, dns }) => {
  const server = await origin();
  const replies: Record<string, Reply> = {
    'self.example': { records: [{ type: 'CNAME', value: 'self.example' }] },
    'loop.example': { records: [{ type: 'CNAME', value: 'b.example' }, { type: 'CNAME', owner: 'b.example', value: 'loop.example' }] },
    'chain.example': {
      records: [{ type: 'CNAME', value: 'c0.example' }, ...Array.from({ length: 40 }, (_, i) => ({ type: 'CNAME', owner: `c${i}.example`, value: `c${i + 1}.example` }) as const),
        { type: 'A', owner: 'c40.example', value: '127.0.0.1' }],
    },
    'other.example': { records: [{ type: 'A', owner: 'www.bank.example', value: '127.0.0.1' }] },
    'alias.example': { records: [{ type: 'CNAME', value: 'real.example' }, { type: 'A', owner: 'real.example', value: '127.0.0.1' }] },
  };
  const names = await dns((question) => (question.type === 'A' || replies[question.name]?.records?.[0]?.type === 'CNAME' ? replies[question.name] ?? { code: 3 } : {}));
  const proxy = await sluice({ config: { tenants: [asking([names.address])] } });
  const client = await connect(proxy.address('proxy'));
  for (const name of ['self.example', 'loop.example', 'chain.example', 'other.example']) {
    assert.equal((await client.ask(get(name, server.port))).status, 502, name);
  }
  assert.equal((await client.ask(get('alias.example', server.port))).status, 200);
  assert.equal((await client.ask(get('www.bank.example', server.port))).status, 502, 'nothing was remembered for a name that nobody asked for');
});

scenario('a name that points inside is judged by where it points', async ({ sluice, connect, dns }) => {
  const inside = { 'meta.example': '169.254.169.254', 'lan.example': '10.0.0.1', 'self.example': '127.0.0.1', 'any.example': '0.0.0.0', 'mapped.example': '::ffff:7f00:1' };
  const names = await dns(zone(Object.fromEntries(Object.entries(inside).map(([name, address]) => [name, [address]]))));
  const proxy = await sluice({ config: { tenants: [asking([names.address], {}, { egress: { allow_private: false } })] } });
  const client = await connect(proxy.address('proxy'));
  for (const name of Object.keys(inside)) {
    const response = await client.ask(get(name, 80));
    assert.equal(response.status, 403, name);
    assert.match(error(response), /destination_ip_prohibited/);
  }
});

scenario('the cache keeps to its bound under a spray of names', async ({ sluice, origin, connect, dns }) => {
  const server = await origin((_, response) => response.setHeader('connection', 'close').end());
  const names = await dns((question) => ({ records: question.type === 'A' ? [{ type: 'A', value: '127.0.0.1', ttl: 600 }] : [] }));
  const proxy = await sluice({ config: { tenants: [asking([names.address], { cache_entries: 20 })] } });
  const client = await connect(proxy.address('proxy'));
  for (let i = 0; i < 60; i += 1) assert.equal((await client.ask(get(`n${i}.example`, server.port))).status, 200);
  await client.ask(get('n59.example', server.port));
  assert.equal(names.asked('n59.example', 'A').length, 1);
  await client.ask(get('n0.example', server.port));
  assert.equal(names.asked('n0.example', 'A').length, 2, 'the oldest had to go');
});
