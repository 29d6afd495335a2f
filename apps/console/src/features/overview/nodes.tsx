import type { HealthAnswer } from '@holdfast/api/types';
import { Badge, Group, Stack, Text } from '@mantine/core';
import { Empty } from '../../app/empty.tsx';
import { formatBytes } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Records } from '../../app/records.tsx';
import { Time } from '../../app/time.tsx';

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
        <Stack gap="lg">
          {health.nodes.map((node) => (
            <NodeState key={node.node} node={node} isThis={node.node === health.node} />
          ))}
        </Stack>
      )}
    </Panel>
  );
}

function NodeState({ node, isThis }: { node: Node; isThis: boolean }) {
  return (
    <div>
      <Group gap="xs" align="baseline" mb={4}>
        <Text fw={600}>
          <bdi>{node.node}</bdi>
        </Text>
        <Text size="sm" c="dimmed" component="div">
          {isThis && `${words.thisNode} · `}
          {formatBytes(node.memoryBytes)} · {words.heartbeat} <Time at={node.heardAt} ago />
        </Text>
      </Group>
      <Records
        label={node.node}
        rows={node.projectors}
        keyOf={({ name }) => name}
        columns={[
          { name: words.projector, width: '20%', cell: ({ name }) => name },
          {
            name: words.state,
            width: '40%',
            cell: ({ state, reason }) => (
              <>
                <Badge color={node.silent ? 'red' : COLOURS[state]} variant="outline">
                  {node.silent ? words.silent : words.states[state]}
                </Badge>
                {reason !== null && (
                  <Text size="xs" dir="auto" lineClamp={2} title={reason}>
                    {reason}
                  </Text>
                )}
              </>
            ),
          },
          {
            name: words.lag,
            cell: ({ lag }) => (lag === null ? messages.unknown : words.lagEvents(lag.events, lag.isAtLeast)),
          },
          { name: words.pending, cell: ({ pending }) => pending.toLocaleString() },
        ]}
      />
    </div>
  );
}
