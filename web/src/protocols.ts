// The types of integrations in words, and a request to begin with for each.

interface Protocol {
  title: string;
  description: string;
  request: object;
}

const SQL = { query: 'SELECT 1 AS one', params: {} };

export const PROTOCOLS: Record<string, Protocol> = {
  rest: { title: 'REST', description: 'Any API over HTTP', request: { method: 'GET', endpoint: '/' } },
  graphql: { title: 'GraphQL', description: 'Queries, mutations and subscriptions', request: { query: '{ __typename }' } },
  websocket: { title: 'WebSocket', description: 'Messages over a connection that stays', request: { message: 'ping', wait_response: true } },
  postgres: { title: 'PostgreSQL', description: 'A database by its address', request: SQL },
  mysql: { title: 'MySQL, MariaDB', description: 'A database by its address', request: SQL },
  sqlite: { title: 'SQLite', description: 'A database in a file', request: SQL },
  database: { title: 'Database', description: 'PostgreSQL, MySQL or SQLite, by the scheme of its address', request: SQL },
  message_queue: {
    title: 'Message queue',
    description: 'RabbitMQ, Kafka, NATS, MQTT, Redis, by the scheme of its address',
    request: { queue: 'orders', message: { hello: 'world' } },
  },
  custom: { title: 'Custom', description: 'A driver of your own, in any language', request: {} },
};
