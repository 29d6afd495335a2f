import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { printable } from '@holdfast/domain';
import { printableJson } from './printable-json.ts';
import { type Progress, barProgress, lineProgress, noProgress } from './progress.ts';
import { type Cell, layOutTable } from './table.ts';

export type TerminalStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Where a command says what it found: for a person, or as JSON for a program. Failures go to standard error. */
export class Output {
  readonly isJson: boolean;
  readonly #stdout: TerminalStream;
  readonly #stderr: TerminalStream;
  readonly #useColours: boolean;

  constructor(options: {
    stdout: TerminalStream;
    stderr: TerminalStream;
    isJson: boolean;
    noColour: boolean;
  }) {
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.isJson = options.isJson;
    this.#useColours = options.stdout.isTTY === true && !options.noColour;
  }

  /** The one JSON document of a command; says nothing where a person reads. */
  json(document: unknown): void {
    if (this.isJson) this.#stdout.write(`${printableJson(document, 2)}\n`);
  }

  /** One of many JSON documents, each on its line; says nothing where a person reads. */
  jsonLine(document: unknown): void {
    if (this.isJson) this.#stdout.write(`${printableJson(document)}\n`);
  }

  /** A line for a person. */
  line(text = ''): void {
    if (!this.isJson) this.#stdout.write(`${printable(text)}\n`);
  }

  /**
   * A table for a person, not wider than the terminal where text can be wrapped; nothing where there are no rows.
   * @param below  a text under each row, or null
   */
  table(
    headings: readonly string[],
    rows: readonly (readonly Cell[])[],
    below?: readonly (string | null)[],
  ): void {
    if (this.isJson || rows.length === 0) return;
    // Terminals that do not know say 0.
    const { columns = 0 } = this.#stdout;
    const [first = '', ...lines] = layOutTable(headings, rows, {
      ...(columns === 0 ? {} : { width: columns }),
      ...(below === undefined ? {} : { below }),
    });
    this.#stdout.write(
      `${[this.#useColours ? styleText('dim', first, { validateStream: false }) : first, ...lines].join('\n')}\n`,
    );
  }

  /** A sentence beside the result, for a person: on standard error, also with `--json`. */
  note(text: string): void {
    this.#stderr.write(`${text.split('\n').map(printable).join('\n')}\n`);
  }

  /** Resolves when there is room for more output; for who prints without end. */
  async drained(): Promise<void> {
    if (this.#stdout.writableNeedDrain) await once(this.#stdout, 'drain');
  }

  /** A bar in a terminal, a line now and then elsewhere, nothing with `--json`. */
  progress(): Progress {
    if (this.isJson) return noProgress;
    return this.#stderr.isTTY === true ? barProgress(this.#stderr) : lineProgress((text) => this.note(text));
  }
}
