import { toHoldfastError } from '@holdfast/domain';
import { compose } from './compose.ts';
import { readConfig } from './config.ts';
import { stopOnSignals } from './stop.ts';

process.title = 'holdfast-api';
// Until there is something to close.
process.once('disconnect', () => process.exit(0));
try {
  const { listen, close, logger, broken } = await compose(readConfig());
  stopOnSignals(close, logger, broken);
  const url = await listen();
  process.send?.({ type: 'ready', url });
} catch (error) {
  const { code, kind, message, stack } = toHoldfastError(error);
  process.stderr.write(`${code}: ${code === 'INTERNAL' ? stack : message}\n`);
  const isForGood = (kind === 'fatal' && code !== 'INTERNAL') || kind === 'poison';
  // 2: starting it again would not help.
  process.exit(isForGood ? 2 : 1);
}
