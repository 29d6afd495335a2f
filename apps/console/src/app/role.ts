import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from '../api/queries.ts';

/** Whether who looks may switch, retry and repair; the API refuses it to others in any case. */
export function useMayOperate(): boolean {
  const { data } = useQuery(sessionQuery);
  // Where the API asks for no token, whoever reaches it may.
  return data === null || data === undefined || data.role === 'operator';
}
