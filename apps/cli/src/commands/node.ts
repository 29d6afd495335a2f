import type { RetiredNode } from '@holdfast/api/types';
import type { AddCommand } from '../command.ts';
import { EXIT } from '../exit-code.ts';

export const addNode: AddCommand = (program, attach) => {
  const node = program.command('node').description('the machines that Holdfast runs on');
  const retire = node
    .command('retire')
    .description('say that a node is gone for good, so that nobody misses it')
    .argument('<name>', 'its HOLDFAST_NODE, as "holdfast status" shows it')
    .option('--reason <text>', 'for the audit', '');
  attach<{ reason: string }>(retire, async ({ client, output }, [name = ''], { reason }) => {
    const retired = await client.send<RetiredNode>('POST', `/v1/nodes/${encodeURIComponent(name)}/retire`, {
      reason,
    });
    output.json(retired);
    output.line(`The node ${retired.node} is retired. Should it report again, it is back.`);
    return EXIT.done;
  });
};
