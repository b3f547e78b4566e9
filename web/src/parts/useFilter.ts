// What a page looks for, in its address: a link to it shows the same.
import { useSearchParams } from 'react-router';

interface Filter {
  /** The value of a key; empty where it is not there. */
  value: (key: string) => string;
  /** Gives a key its value, or takes it away where that is empty. What is looked for is no page to go back to. */
  set: (key: string, to: string) => void;
  /** Looks for all. */
  clear: () => void;
}

export function useFilter(): Filter {
  const [search, setSearch] = useSearchParams();
  return {
    value: (key) => search.get(key) ?? '',
    set: (key, to) =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          after.set(key, to);
          if (to === '') {
            after.delete(key);
          }
          return after;
        },
        { replace: true },
      ),
    clear: () => setSearch({}, { replace: true }),
  };
}
