/** What server.js has. */
export function withServer(
  options: { args?: string[]; env?: Record<string, string> },
  work: (url: string) => Promise<void>,
): Promise<void>;
