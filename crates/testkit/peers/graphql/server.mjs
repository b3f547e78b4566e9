// A GraphQL service of npm `graphql-yoga`, with subscriptions by `graphql-ws` and by server-sent events, at /graphql.
//
// It takes the token `good-N`, where N is how often /expire was asked for, or any if nobody asked yet. Says on one line
// where it listens. Ends when its input does.
import { createServer } from 'node:http'
import { GraphQLError } from 'graphql'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { useAPQ } from '@graphql-yoga/plugin-apq'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'

const bus = createPubSub()
let made = []
let epoch = null
const seen = { requests: 0, subscriptions: 0 }

const isGood = (authorization) => epoch === null || authorization === `Bearer good-${epoch}`
const fail = (code, more = {}) => new GraphQLError(`${code} was asked for`, { extensions: { code, ...more } })

const schema = createSchema({
  typeDefs: /* GraphQL */ `
    scalar File
    type Thing { id: ID!, name: String!, mark: String!, next: Thing, broken: String, things(first: Int = 10): [Thing!]! }
    type Query {
      thing(id: ID!): Thing
      things(first: Int = 10): [Thing!]!
      fail(code: String!): String!
      throttled: String!
      token: String
    }
    type Mutation { make(name: String!): Thing!, upload(file: File!): String!, failing(name: String!): Thing! }
    type Subscription { count(to: Int!): Int!, made: Thing!, breaks: Int! }
  `,
  resolvers: {
    Thing: {
      mark: (thing) => `mark-${thing.id}-`,
      next: (thing) => ({ id: Number(thing.id) + 1, name: 'next' }),
      broken: () => { throw fail('BROKEN') },
      things: (_, { first }) => Array.from({ length: first }, (_, id) => ({ id, name: `thing ${id}` })),
    },
    Query: {
      thing: (_, { id }) => ({ id, name: `thing ${id}` }),
      things: (_, { first }) => Array.from({ length: first }, (_, id) => ({ id, name: `thing ${id}` })),
      fail: (_, { code }) => { throw fail(code) },
      throttled: () => {
        throw fail('THROTTLED', {
          cost: {
            requestedQueryCost: 100,
            throttleStatus: { maximumAvailable: 1000, currentlyAvailable: 50, restoreRate: 500 },
          },
        })
      },
      token: (_, __, { request }) => request?.headers.get('authorization') ?? null,
    },
    Mutation: {
      make: (_, { name }) => {
        const thing = { id: made.push(name), name }
        bus.publish('made', thing)
        return thing
      },
      upload: async (_, { file }) => `${file.name} ${file.type} ${await file.text()}`,
      failing: (_, { name }) => {
        made.push(name)
        throw fail('INTERNAL_SERVER_ERROR')
      },
    },
    Subscription: {
      count: {
        subscribe: async function* (_, { to }) {
          for (let n = 1; n <= to; n++) yield { count: n }
        },
      },
      made: { subscribe: () => bus.subscribe('made'), resolve: (thing) => thing },
      breaks: {
        subscribe: async function* () {
          yield { breaks: 1 }
          yield { breaks: 2 }
          throw fail('FORBIDDEN')
        },
      },
    },
  },
})

const yoga = createYoga({
  schema,
  logging: false,
  graphiql: false,
  maskedErrors: false,
  batching: { limit: 10 },
  plugins: [
    useAPQ(),
    {
      onExecute: () => { seen.requests += 1 },
      onSubscribe: () => { seen.subscriptions += 1 },
    },
  ],
})

const server = createServer((request, response) => {
  const answer = (status, value) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
  switch (request.url) {
    case '/expire':
      epoch = (epoch ?? 0) + 1
      // Those who are connected have to show the new one.
      for (const client of sockets.clients) client.close(4401, 'the token expired')
      return answer(200, { token: `good-${epoch}` })
    case '/lose':
      for (const client of sockets.clients) client.terminate()
      return answer(200, {})
    case '/made':
      return answer(200, made)
    case '/seen':
      return answer(200, seen)
  }
  if (!isGood(request.headers.authorization)) {
    return answer(200, { errors: [{ message: 'who is there?', extensions: { code: 'UNAUTHENTICATED' } }] })
  }
  return yoga(request, response)
})

const sockets = new WebSocketServer({ server, path: '/graphql' })
useServer({
  schema,
  onConnect: ({ connectionParams, extra }) => {
    return isGood(connectionParams?.Authorization ?? connectionParams?.authorization ?? extra.request.headers.authorization)
  },
  onSubscribe: () => { seen.subscriptions += 1 },
}, sockets)

server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
process.stdin.on('end', () => process.exit(0)).resume()
