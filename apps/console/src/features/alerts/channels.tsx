import { Badge, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { healthQuery } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Records } from '../../app/records.tsx';
import { Time } from '../../app/time.tsx';

const words = messages.alerts;

/** Who hears of alerts, and whether what is sent arrives. */
export function Channels() {
  const { data, error, refetch } = useQuery(healthQuery);
  if (data === undefined) {
    if (error === null) return <Skeleton height={100} />;
    return <Failure error={error} what={words.channels} onRetry={() => void refetch()} />;
  }
  const channels = [
    ...data.alerts.notifiers.map((notifier) => ({ of: messages.actor(`api:${data.node}`), ...notifier })),
    ...data.nodes.flatMap(({ node, notifiers = [] }) =>
      notifiers.map((notifier) => ({ of: messages.actor(`projector:${node}`), ...notifier })),
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
        <Records
          label={words.channels}
          rows={channels}
          keyOf={({ of, name }) => `${of} ${name}`}
          columns={[
            {
              name: words.channel,
              cell: ({ of, name }) => (
                <>
                  <bdi>{name}</bdi>
                  <Text size="xs" c="dimmed">
                    {of}
                  </Text>
                </>
              ),
            },
            {
              name: words.channelState,
              cell: ({ error }) => (
                <Badge variant="outline" color={error === null ? 'teal' : 'red'}>
                  {error === null ? words.channelWorks : words.channelFails}
                </Badge>
              ),
            },
            {
              name: words.channelQueue,
              width: '55%',
              cell: ({ waiting, error, failingSince }) => (
                <>
                  {words.channelWaiting(waiting)}
                  {error !== null && (
                    <Text size="sm" dir="auto">
                      {failingSince !== null && <Time at={failingSince} />} {error.message}
                    </Text>
                  )}
                </>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
