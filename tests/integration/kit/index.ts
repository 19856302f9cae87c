// The kit's public face: what a test of an application built on Sluice imports.
//
//   import { scenario, reverse, assert } from 'sluice-kit';
//   scenario('ads are blocked', async ({ sluice, origin, connect }) => {
//     const web = await sluice({ application: 'http_firewall', config: { tenants: [reverse([(await origin()).address])] } });
//     const client = await connect(web.address('web'));
//     assert.equal((await client.ask('GET / HTTP/1.1\r\nHost: ads.example\r\n\r\n')).status, 403);
//   });
export { strict as assert } from 'node:assert';
export { forward, merge, reverse } from './config.js';
export { connect, Connection, type Address } from './connection.js';
export { control, type Answer } from './control.js';
export { DnsServer, encode as encodeDns, zone, type DnsScript, type Question, type Reply } from './dns.js';
export { Head, type Message, type Request, type Response } from './http.js';
export { Load } from './load.js';
export { Log, type Json, type JsonObject } from './log.js';
export { Metrics, type Sample } from './metrics.js';
export { Http2Origin, type SeenOverHttp2 } from './http2_origin.js';
export { HttpOrigin, ScriptedOrigin, type Script } from './origin.js';
export { descendants, descriptorCount, descriptorKinds, isAlive, noMoreDescriptors, residentBytes, type Process } from './processes.js';
export { ByteReader, ConnectionLost } from './reader.js';
export { scenario, type Kit, type ScenarioOptions } from './scenario.js';
export { binaries, runProgram, Sluice, type Outcome, type SluiceOptions } from './sluice.js';
export { Authority, connectTls, HttpsOrigin, KeyFiles, selfSigned, serveTls, type Identity, type SeenOverTls } from './tls.js';
export { connectThrough } from './tunnel.js';
export { eventually, patience, sleep, within } from './wait.js';
export * as websocket from './websocket.js';
export * as h2 from './http2.js';
