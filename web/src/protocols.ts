// The types of integrations in words.

interface Protocol {
  title: string;
  description: string;
}

export const PROTOCOLS: Record<string, Protocol> = {
  rest: { title: 'REST', description: 'Any API over HTTP' },
  graphql: { title: 'GraphQL', description: 'Queries, mutations and subscriptions' },
  websocket: { title: 'WebSocket', description: 'Messages over a connection that stays' },
  postgres: { title: 'PostgreSQL', description: 'A database by its address' },
  mysql: { title: 'MySQL, MariaDB', description: 'A database by its address' },
  sqlite: { title: 'SQLite', description: 'A database in a file' },
  database: { title: 'Database', description: 'PostgreSQL, MySQL or SQLite, by the scheme of its address' },
  message_queue: {
    title: 'Message queue',
    description: 'RabbitMQ, Kafka, NATS, MQTT, Redis, by the scheme of its address',
  },
  custom: { title: 'Custom', description: 'A driver of your own, in any language' },
};
