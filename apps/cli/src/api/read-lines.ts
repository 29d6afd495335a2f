import type { Readable } from 'node:stream';

/** The lines of an answer as they arrive, without empty ones; throws when the answer breaks off. */
export async function* readLines(answer: Readable): AsyncGenerator<string> {
  let rest = '';
  answer.setEncoding('utf8');
  for await (const chunk of answer as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
  if (rest !== '') yield rest;
}
