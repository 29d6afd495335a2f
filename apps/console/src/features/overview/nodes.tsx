import type { HealthAnswer } from '@holdfast/api/types';
import { Badge, Table, Text } from '@mantine/core';
import { Empty } from '../../app/empty.tsx';
import { formatBytes } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Time } from '../../app/time.tsx';
import classes from './overview.module.css';

const words = messages.overview;
type Node = HealthAnswer['nodes'][number];

const COLOURS: Readonly<Record<Node['projectors'][number]['state'], string>> = {
  starting: 'gray',
  'standing-by': 'gray',
  running: 'teal',
  paused: 'yellow',
  waiting: 'yellow',
  stopped: 'red',
};

export function Nodes({ health }: { health: HealthAnswer }) {
  return (
    <Panel title={words.nodes}>
      {health.nodes.length === 0 ? (
        <Empty title={words.noNodes} />
      ) : (
        <Table.ScrollContainer minWidth={560} type="native">
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">{words.node}</Table.Th>
                <Table.Th scope="col">{words.projector}</Table.Th>
                <Table.Th scope="col">{words.state}</Table.Th>
                <Table.Th scope="col">{words.lag}</Table.Th>
                <Table.Th scope="col">{words.pending}</Table.Th>
                <Table.Th scope="col">{words.heartbeat}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {health.nodes.flatMap((node) =>
                node.projectors.map((projector, index) => (
                  <Table.Tr key={`${node.node} ${projector.name}`}>
                    {index === 0 && (
                      <Table.Th scope="rowgroup" rowSpan={node.projectors.length} fw={600}>
                        <bdi>{node.node}</bdi>
                        <Text size="xs" c="dimmed">
                          {node.node === health.node && `${words.thisNode} · `}
                          {formatBytes(node.memoryBytes)}
                        </Text>
                      </Table.Th>
                    )}
                    <Table.Td>{projector.name}</Table.Td>
                    <Table.Td>
                      <Badge color={node.silent ? 'red' : COLOURS[projector.state]} variant="outline">
                        {node.silent ? words.silent : words.states[projector.state]}
                      </Badge>
                      {projector.reason !== null && (
                        <Text size="xs" dir="auto" lineClamp={2} title={projector.reason} maw={420}>
                          {projector.reason}
                        </Text>
                      )}
                    </Table.Td>
                    <Table.Td className={classes.fit}>
                      {words.lagEvents(projector.lag.events, projector.lag.isAtLeast)}
                    </Table.Td>
                    <Table.Td>{projector.pending.toLocaleString()}</Table.Td>
                    <Table.Td>
                      <Time at={node.reportedAt} ago />
                    </Table.Td>
                  </Table.Tr>
                )),
              )}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  );
}
