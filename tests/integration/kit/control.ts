// The control socket: newline-delimited JSON. A request is one line; the answer is any number of items and then a result
// or an error.
import { connect } from './connection.js';
import type { JsonObject } from './log.js';

/** Longest silence within an answer: an upgrade says nothing while a worker that does not answer is waited for. */
const longestSilence = 30_000;

export interface Answer {
  readonly items: readonly JsonObject[];
  readonly result: JsonObject;
}

/** Sends one command and waits for its end; a refusal is an error that carries Sluice's own sentence. */
export async function control(path: string, command: string, parameters: JsonObject = {}): Promise<Answer> {
  const connection = await connect(`unix:${path}`);
  const items: JsonObject[] = [];
  try {
    await connection.send(`${JSON.stringify({ command, ...parameters })}\n`);
    for (;;) {
      const line = (await connection.reader.until('\n', `the answer to ${command}`, longestSilence)).toString('utf8');
      const reply = JSON.parse(line) as { item?: JsonObject; done?: boolean; result?: JsonObject; error?: { code: string; message: string } };
      if (reply.item !== undefined) items.push(reply.item);
      else if (reply.error !== undefined) throw new Error(`${command}: ${reply.error.code}: ${reply.error.message}`);
      else if (reply.done === true) return { items, result: reply.result ?? {} };
      else throw new Error(`not a reply: ${line}`);
    }
  } finally {
    connection.close();
  }
}
