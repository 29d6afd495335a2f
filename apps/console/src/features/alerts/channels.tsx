import { Badge, Skeleton, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { healthQuery } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Time } from '../../app/time.tsx';

const words = messages.alerts;

/** Who hears of alerts, and whether what is sent arrives. */
export function Channels() {
  const { data } = useQuery(healthQuery);
  if (data === undefined) return <Skeleton height={100} />;
  const channels = [
    ...data.alerts.notifiers.map((notifier) => ({ of: words.apiOf(data.node), ...notifier })),
    ...data.nodes.flatMap(({ node, notifiers = [] }) =>
      notifiers.map((notifier) => ({ of: words.projectorsOf(node), ...notifier })),
    ),
  ];
  return (
    <Panel title={words.channels}>
      {data.alerts.unkept !== null && (
        <Text mb="sm" dir="auto">
          {words.unkept} {data.alerts.unkept.message}
        </Text>
      )}
      {channels.length === 0 ? (
        <Empty title={words.channelsNoneTitle}>{words.channelsNone}</Empty>
      ) : (
        <Table>
          <Table.Tbody>
            {channels.map(({ of, name, waiting, failingSince, error }) => (
              <Table.Tr key={`${of} ${name}`}>
                <Table.Th scope="row">
                  <bdi>{name}</bdi>
                  <Text size="xs" c="dimmed">
                    {of}
                  </Text>
                </Table.Th>
                <Table.Td>
                  <Badge variant="outline" color={error === null ? 'teal' : 'red'}>
                    {error === null ? words.channelWorks : words.channelFails}
                  </Badge>
                </Table.Td>
                <Table.Td>
                  {waiting > 0 && words.channelWaiting(waiting)}
                  {error !== null && (
                    <Text size="sm" dir="auto">
                      {failingSince !== null && <Time at={failingSince} />} {error.message}
                    </Text>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  );
}
