import { toHoldfastError } from '@holdfast/domain';
import { compose } from './compose.ts';
import { readConfig } from './config.ts';
import { stopOnSignals } from './stop.ts';

process.title = 'holdfast-projector';
// Until there is something to close.
process.once('disconnect', () => process.exit(0));
try {
  let stop: (exitCode: number) => void = (exitCode) => process.exit(exitCode);
  const projector = await compose(readConfig(), { onFatal: () => stop(1) });
  stop = stopOnSignals(projector.close, projector.logger);
  await projector.start();
  process.send?.({ type: 'ready' });
} catch (error) {
  const { code, kind, message, stack } = toHoldfastError(error);
  process.stderr.write(`${code}: ${code === 'INTERNAL' ? stack : message}\n`);
  // 2: starting it again would not help.
  process.exit(kind === 'fatal' && code !== 'INTERNAL' ? 2 : 1);
}
