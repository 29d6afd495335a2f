import {
  type ContentCommand,
  contentDecider,
  type ContentEvent,
  contentStream,
  type EventMetadata,
  prepareDocument,
  toHoldfastError,
} from '@holdfast/domain';
import type { Api } from '../api.ts';
import { requireRoomFor } from '../require-room-for.ts';
import { type BatchCommand, LineFailure, parseBatchLine } from './batch-line.ts';
import type { BatchResult } from './batch-result.ts';
import type { Line } from './line-splitter.ts';

export interface BatchContext {
  readonly api: Api;
  readonly metadata: EventMetadata;
  /** Say what would happen, compared with the documents as they are now. */
  readonly isDryRun: boolean;
}

/** One line of a batch from its bytes to its result; a failure is a result too. */
export async function runLine(context: BatchContext, line: Line, number: number): Promise<BatchResult> {
  try {
    const command = parseBatchLine(line, context.api.settings);
    try {
      return { line: number, ...(await runCommand(context, command)) };
    } catch (error) {
      throw new LineFailure(command.path, error);
    }
  } catch (failure) {
    const { path, error } = failure as LineFailure;
    const { code, message } = toHoldfastError(error);
    if (code === 'INTERNAL') context.api.logger.error({ err: error, path }, 'A line of a batch failed.');
    return { line: number, path, ok: false, code, detail: message };
  }
}

type Succeeded = Omit<Extract<BatchResult, { ok: true }>, 'line'>;

async function runCommand(context: BatchContext, command: BatchCommand): Promise<Succeeded> {
  const { api, metadata, isDryRun } = context;
  const contentCommand = toContentCommand(api, command);
  if (isDryRun) return foresee(api, contentCommand);
  const { path } = contentCommand;
  if (contentCommand.type === 'PublishContent') requireRoomFor(api, path, contentCommand.document);
  const handled = await api.commands.handle(contentStream(path), contentDecider, contentCommand, {
    metadata,
  });
  return {
    path,
    ok: true,
    action: handled.appended ? doneBy(contentCommand) : 'unchanged',
    version: handled.version,
    position: handled.position,
    ...factsOf(contentCommand),
  };
}

async function foresee(api: Api, command: ContentCommand): Promise<Succeeded> {
  const { path } = command;
  const last = (await api.store.readStream(contentStream(path), {
    direction: 'backwards',
    maxCount: 1,
  })) as ContentEvent[];
  const state = last.reduce((folded, event) => contentDecider.evolve(folded, event), contentDecider.initial);
  const events = contentDecider.decide(command, state);
  return {
    path,
    ok: true,
    action: events.length === 0 ? 'unchanged' : doneBy(command),
    version: last[0]?.version ?? null,
    position: last[0]?.position ?? null,
    ...factsOf(command),
  };
}

function toContentCommand(api: Api, command: BatchCommand): ContentCommand {
  const { path } = command;
  const precondition = { ifMatch: command.ifMatch, ifNoneMatch: false };
  if (command.type === 'delete') {
    return { type: 'DeleteContent', path, reason: command.reason, directory: null, precondition };
  }
  const document = prepareDocument({
    path,
    contentType: command.contentType,
    bytes: Buffer.from(command.text),
    checks: api.settings.kinds,
  });
  return { type: 'PublishContent', path, document, precondition };
}

const doneBy = (command: ContentCommand): 'published' | 'deleted' =>
  command.type === 'PublishContent' ? 'published' : 'deleted';

function factsOf(command: ContentCommand): Pick<Succeeded, 'sha256' | 'warnings'> {
  if (command.type === 'DeleteContent') return {};
  const { sha256, warnings } = command.document;
  return { sha256, ...(warnings.length === 0 ? {} : { warnings: [...warnings] }) };
}
