// Turns integrations on and off: shown at once, taken back where the server refuses, and undoable.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNotice } from '../parts/Notices';
import { api, value } from './client';
import { health, list } from './queries';

export interface Turn {
  id: string;
  name: string;
  enabled: boolean;
}

export function useSwitch(): (turn: Turn) => void {
  const queries = useQueryClient();
  const notice = useNotice();
  const show = ({ id, enabled }: Turn) =>
    queries.setQueryData(list.queryKey, (items) =>
      items?.map((item) => (item.integration_id === id ? { ...item, enabled } : item)),
    );
  const { mutate } = useMutation({
    mutationFn: ({ id, enabled }: Turn) =>
      value(api.PATCH('/api/v1/integrations/{id}', { params: { path: { id } }, body: { enabled } })),
    onMutate: async (turn) => {
      await queries.cancelQueries({ queryKey: list.queryKey });
      show(turn);
    },
    onError: (error, turn) => {
      show({ ...turn, enabled: !turn.enabled });
      notice({ about: turn.id, text: `${turn.name} stays ${turn.enabled ? 'off' : 'on'}: ${error.message}` });
    },
    onSuccess: (_, turn) => {
      const undo = () => mutate({ ...turn, enabled: !turn.enabled });
      notice({ about: turn.id, text: `${turn.name} is ${turn.enabled ? 'on' : 'off'}`, undo });
    },
    onSettled: (_data, _error, { id }) => {
      void queries.invalidateQueries({ queryKey: list.queryKey });
      void queries.invalidateQueries({ queryKey: health.queryKey });
      void queries.invalidateQueries({ queryKey: ['integration', id] });
    },
  });
  return mutate;
}
