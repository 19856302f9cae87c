// Which server of an upstream gets a request.
import { assert, eventually, reverse, scenario, type JsonObject, type Kit } from '../kit/index.js';
import type { ServerResponse } from 'node:http';

const get = (fields = ''): string => `GET / HTTP/1.1\r\nHost: web.test\r\n${fields}\r\n`;
const named = async (kit: Kit, names: readonly string[]): Promise<string[]> =>
  Promise.all(names.map(async (name) => (await kit.origin((_, response) => response.end(name))).address));
const tenant = (servers: readonly string[], upstream: JsonObject): JsonObject =>
  reverse([], {}, { upstreams: [{ name: 'origin', servers: [...servers], ...upstream }] });

scenario('weights share the requests out, and a drained server gets none', async (kit) => {
  const servers = await named(kit, ['a', 'b', 'c']);
  const proxy = await kit.sluice({
    config: { tenants: [tenant(servers, { server_options: { [servers[0]!]: { weight: 3 }, [servers[2]!]: { state: 'drain' } } })] },
  });
  const client = await kit.connect(proxy.address('web'));
  let answers = '';
  for (let i = 0; i < 8; i += 1) answers += (await client.ask(get())).text;
  assert.equal(answers, 'aabaaaba');
});

scenario('least_requests goes around a server that is stuck', async (kit) => {
  const stuck: ServerResponse[] = [];
  const slow = await kit.origin((_, response) => stuck.push(response));
  const [quick] = await named(kit, ['quick']);
  const proxy = await kit.sluice({ config: { tenants: [tenant([quick!, slow.address], { balance: 'least_requests' })] } });
  const waiting = await kit.connect(proxy.address('web'));
  const client = await kit.connect(proxy.address('web'));
  const held = waiting.ask(get());  // equals take turns, and the turn begins with the second
  await eventually('the slow one being asked', () => stuck.length === 1);
  for (let i = 0; i < 10; i += 1) assert.equal((await client.ask(get())).text, 'quick');
  stuck[0]!.end('slow');
  await held;
});

scenario('requests with the same header, cookie or source stay together', async (kit) => {
  const servers = await named(kit, ['a', 'b', 'c', 'd']);
  const upstream = (name: string, hash: JsonObject): JsonObject => ({ name, servers, balance: 'hash', hash });
  const proxy = await kit.sluice({
    config: {
      tenants: [reverse([], {
        routes: [{ hosts: ['header.test'], upstream: 'header' }, { hosts: ['cookie.test'], upstream: 'cookie' }, { hosts: ['source.test'], upstream: 'source' }],
      }, {
        upstreams: [upstream('header', { by: 'header', name: 'X-User' }), upstream('cookie', { by: 'cookie', name: 'user' }), upstream('source', {})],
      })],
    },
  });
  const ask = async (host: string, fields: string): Promise<string> => {
    const client = await kit.connect(proxy.address('web'));
    return (await client.ask(`GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`)).text;
  };
  const homes = new Set<string>();
  for (let user = 0; user < 24; user += 1) {
    const home = await ask('header.test', `X-User: user${user}\r\n`);
    homes.add(home);
    assert.equal(await ask('header.test', `X-User: user${user}\r\n`), home);
    assert.equal(await ask('cookie.test', `Cookie: a=b; user=user${user}\r\n`), home, 'the same value, wherever it stands');
  }
  assert.equal(homes.size, 4);
  const source = await ask('source.test', '');
  for (let i = 0; i < 4; i += 1) assert.equal(await ask('source.test', `X-Other: ${i}\r\n`), source);
});

scenario('what belongs to a server that cannot be reached is served by the next on the ring', async (kit) => {
  const gone = await kit.origin();
  const dead = gone.address;
  await gone.close();
  const alive = await named(kit, ['a', 'b']);
  const proxy = await kit.sluice({
    config: { tenants: [tenant([dead, ...alive], { balance: 'hash', hash: { by: 'header', name: 'X-User' } })] },
  });
  const client = await kit.connect(proxy.address('web'));
  for (let user = 0; user < 12; user += 1) {
    const first = await client.ask(get(`X-User: ${user}\r\n`));
    assert.equal(first.status, 200);
    assert.equal((await client.ask(get(`X-User: ${user}\r\n`))).text, first.text);
  }
});
