// The types of the API. Made by `npm run types` from /openapi.json.
export interface paths {
    "/api/v1/activity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened lately, newest first */
        get: operations["get_activity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/activity/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow what happens: a server-sent event for each record, from Last-Event-ID on */
        get: operations["get_activity_stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/activity/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened in a period, counted by integration and by steps of time */
        get: operations["get_activity_summary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/connectors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the vendors that are known */
        get: operations["get_connectors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/connectors/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what a connector asks for, and what can be done with it */
        get: operations["get_connectors_name"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Probe all integrations */
        get: operations["get_integrations_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List all integrations */
        get: operations["get_integrations_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Register an integration */
        post: operations["post_integrations_register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/try": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try a configuration before it is registered, step by step; nothing is stored */
        post: operations["post_integrations_try"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an integration, secrets masked, and what limits it now */
        get: operations["get_integrations_id"];
        /** Replace an integration; a masked secret keeps what is stored */
        put: operations["put_integrations_id"];
        post?: never;
        /** Remove an integration */
        delete: operations["delete_integrations_id"];
        options?: never;
        head?: never;
        /** Change some keys of an integration (RFC 7396) */
        patch: operations["patch_integrations_id"];
        trace?: never;
    };
    "/api/v1/integrations/{id}/actions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What can be done with an integration by name: the actions of its connector */
        get: operations["get_integrations_id_actions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/actions/{action}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Do something by name; the body is the action's input. With `pages=all` a list is read to its end */
        post: operations["post_integrations_id_actions_action"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/breaker/open": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Open the circuit until it is reset */
        post: operations["post_integrations_id_breaker_open"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/breaker/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Close the circuit */
        post: operations["post_integrations_id_breaker_reset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/cache": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Forget the replies that are kept for an integration */
        delete: operations["delete_integrations_id_cache"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/call": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Call an integration; the reply's body comes back unparsed
         * @description With an Idempotency-Key the call is made once, however often the request is repeated within 24 hours. A repetition gets the same answer, of whatever status, and nothing is sent; a call that was refused before anything was sent can be repeated. The call goes on to its end if its caller goes away. The key is not passed on: retry_config.idempotency_header says in which header the service takes one. Rows of a query are streamed as lines of JSON to clients that accept application/x-ndjson; such an answer is not kept, and takes no key.
         */
        post: operations["post_integrations_id_call"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the connections of an integration, by name */
        get: operations["get_integrations_id_connections"];
        put?: never;
        /** Add a connection: what one tenant has of its own */
        post: operations["post_integrations_id_connections"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/connections/{connection}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a connection, secrets masked, and what limits it now if it is open */
        get: operations["get_integrations_id_connections_connection"];
        /** Replace a connection; a masked secret keeps what is stored */
        put: operations["put_integrations_id_connections_connection"];
        post?: never;
        /** Remove a connection */
        delete: operations["delete_integrations_id_connections_connection"];
        options?: never;
        head?: never;
        /** Change some keys of a connection (RFC 7396) */
        patch: operations["patch_integrations_id_connections_connection"];
        trace?: never;
    };
    "/api/v1/integrations/{id}/connections/{connection}/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Probe a connection */
        get: operations["get_integrations_id_connections_connection_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/connections/{connection}/schema": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What can be asked for with a connection */
        get: operations["get_integrations_id_connections_connection_schema"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/connections/{connection}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try a request with a connection, or probe with an empty one */
        post: operations["post_integrations_id_connections_connection_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List webhooks that came, the newest first, and how far they are on their way */
        get: operations["get_integrations_id_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/events/{event}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a webhook that came */
        get: operations["get_integrations_id_events_event"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/events/{event}/redeliver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Forward a webhook once more: to what it has not reached, or to one entry that is named */
        post: operations["post_integrations_id_events_event_redeliver"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Probe an integration */
        get: operations["get_integrations_id_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/oauth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How the account that calls are made for stands */
        get: operations["get_integrations_id_oauth"];
        put?: never;
        post?: never;
        /** Forget the account, and tell the provider */
        delete: operations["delete_integrations_id_oauth"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/oauth/authorize": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Begin to connect an account: a link for a person's browser; a browser that asks for HTML is sent on at once */
        get: operations["get_integrations_id_oauth_authorize"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/oauth/device": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begin to connect an account on another device (RFC 8628) */
        post: operations["post_integrations_id_oauth_device"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/oauth/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take tokens that were issued elsewhere */
        post: operations["post_integrations_id_oauth_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/proxy/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Pass an HTTP request of any method on, with the credential added; an Idempotency-Key is the service's */
        get: operations["get_integrations_id_proxy_path"];
        /** Pass an HTTP request of any method on, with the credential added; an Idempotency-Key is the service's */
        put: operations["put_integrations_id_proxy_path"];
        /** Pass an HTTP request of any method on, with the credential added; an Idempotency-Key is the service's */
        post: operations["post_integrations_id_proxy_path"];
        /** Pass an HTTP request of any method on, with the credential added; an Idempotency-Key is the service's */
        delete: operations["delete_integrations_id_proxy_path"];
        /** Pass an HTTP request of any method on, with the credential added; an Idempotency-Key is the service's */
        options: operations["options_integrations_id_proxy_path"];
        /** Pass an HTTP request of any method on, with the credential added; an Idempotency-Key is the service's */
        head: operations["head_integrations_id_proxy_path"];
        /** Pass an HTTP request of any method on, with the credential added; an Idempotency-Key is the service's */
        patch: operations["patch_integrations_id_proxy_path"];
        trace?: never;
    };
    "/api/v1/integrations/{id}/schema": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What can be asked for: of a database its tables and columns */
        get: operations["get_integrations_id_schema"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Subscribe: what the service sends by itself, as server-sent events or over a WebSocket */
        get: operations["get_integrations_id_stream"];
        put?: never;
        /** Subscribe with a request in JSON */
        post: operations["post_integrations_id_stream"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/integrations/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try a request, or probe with an empty one */
        post: operations["post_integrations_id_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the master keys by their ids, and how many envelopes each seals */
        get: operations["get_keys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Put a new master key in front and move everything stored to it */
        post: operations["post_keys_rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/rotation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far everything stored has moved to the newest master key */
        get: operations["get_keys_rotation"];
        put?: never;
        post?: never;
        /** Stop the rotation that is under way: what is moved stays so, both keys are needed, and the next rotation or start goes on */
        delete: operations["delete_keys_rotation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove an older master key that nothing is sealed with any more */
        delete: operations["delete_keys_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oauth/callback/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where the provider sends the browser back to; asks for no token */
        get: operations["get_oauth_callback_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oauth/start/{ticket}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Open a link to connect an account, once; asks for no token */
        get: operations["get_oauth_start_ticket"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schemas": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What can be configured, as JSON Schemas: keys of all integrations, of each type, and of auth_config by auth_type */
        get: operations["get_schemas"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the API tokens that were made for programs; none is shown whole */
        get: operations["get_tokens"];
        put?: never;
        /** Make an API token, which is shown this once */
        post: operations["post_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke an API token: from now on it is refused */
        delete: operations["delete_tokens_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Which version runs, and for how long */
        get: operations["get_version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connector.schema.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The JSON Schema of manifests, for editors; asks for no token */
        get: operations["get_connector_schema_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process lives; asks for no token */
        get: operations["get_healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/hooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take a webhook: checked, stored, then forwarded; asks for a signature and no token */
        post: operations["post_hooks_id"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics in the format that Prometheus reads */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document; asks for no token */
        get: operations["get_openapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the server takes requests; asks for no token */
        get: operations["get_readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        ActivityList: {
            /** @description What was done by name: an action of a connector */
            action: string | null;
            at_ms: number;
            attempts: number;
            bytes_received: number;
            bytes_sent: number;
            cache: string;
            connection: string;
            integration: string;
            kind: string;
            millis: number;
            /** @description Grows from record to record; what before and Last-Event-ID take */
            number: number;
            operation: string;
            /** @description How many parts failed of an answer that is a success all the same */
            partial_errors: number;
            request_id: string;
            status: number | null;
            /** @description Its attempts, in their order */
            tries: {
                /** @description When it set off, after the call began */
                after_ms: number;
                kind: string;
                millis: number;
                status: number | null;
            }[];
        }[];
        ActivitySummary: {
            integrations: {
                [key: string]: {
                    attempts: number;
                    /** @description Answered by the cache, with or without asking whether it still may */
                    cache_hits: number;
                    calls: number;
                    errors: number;
                    p50_ms: number | null;
                    p95_ms: number | null;
                    p99_ms: number | null;
                    steps: {
                        /** @description When it begins */
                        at_ms: number;
                        attempts: number;
                        /** @description Answered by the cache, with or without asking whether it still may */
                        cache_hits: number;
                        calls: number;
                        errors: number;
                        p50_ms: number | null;
                        p95_ms: number | null;
                        p99_ms: number | null;
                    }[];
                };
            };
            since_ms: number;
            step_ms: number;
            until_ms: number;
        };
        Anything: unknown;
        /**
         * List
         * @description The tokens that there are.
         */
        ApiTokens: {
            /** @description Whether the server asks for a token at all, which it does where it was started with `TRUNKLINE_API_TOKEN`. */
            required: boolean;
            /** @description In the order in which they were made. */
            tokens: {
                /** Format: int64 */
                created_at_ms: number;
                /** @description Why what is stored cannot be read. Such a token lets nobody in. */
                error?: string | null;
                /**
                 * Format: int64
                 * @description From when on it is refused; unless there, it holds until it is revoked.
                 */
                expires_at_ms?: number | null;
                id: string;
                /**
                 * Format: int64
                 * @description When it was last used, to the minute; not there where it was not used since the server was started.
                 */
                last_used_at_ms?: number | null;
                /** @description Empty where what is stored cannot be read. */
                name: string;
                /** @description What it begins with. */
                prefix: string;
            }[];
        };
        Connected: {
            connection?: string;
            integration_id?: string;
            /** @description Where accounts were connected to what was removed: whether their providers were told */
            revoked?: boolean;
            status?: string;
            warnings?: string[];
        };
        Connection: {
            [key: string]: unknown;
        };
        ConnectionList: {
            connections?: {
                /** @enum {unknown} */
                account?: "not_connected" | "pending" | "connected" | "needs_reauth";
                connection?: string;
                description?: string;
                enabled?: boolean;
                error?: string;
                generation?: number;
                health?: components["schemas"]["Health"];
                updated_at_ms?: number;
            }[];
            /** @description What to give as after for those that follow, if there are more */
            next?: string;
        };
        ConnectionRead: {
            [key: string]: unknown;
        };
        /**
         * DeviceCode
         * @description What a person types in on another device (RFC 8628 section 3.2).
         */
        DeviceCode: {
            /**
             * Format: uint64
             * @description For how many seconds the code is good.
             */
            expires_in: number;
            /** @description What to type. */
            user_code: string;
            /** @description Where. */
            verification_uri: string;
            /** @description The same with the code in it, for a link or a QR code. */
            verification_uri_complete?: string | null;
        };
        /**
         * Disconnected
         * @description A consent that was given up.
         */
        Disconnected: {
            integration_id: string;
            /** @description Whether the provider was told, so that its tokens are of no use to anybody else either. */
            revoked: boolean;
            status: string;
        };
        /** @description Messages of the service are events without a name, or named text or binary (base64); others are reconnected, dropped, next and complete (GraphQL), and error, which is the last. With Upgrade: websocket the same as messages */
        Events: string;
        /**
         * Health
         * @description How an integration is, and how one knows.
         */
        Health: {
            /**
             * Format: uint64
             * @description When it ended, in milliseconds since 1970; the present if there was none.
             */
            checked_at_ms: number;
            /** @description What is wrong, in words. */
            detail?: string | null;
            /** @description What the state rests on; not there where it follows from the configuration, or nothing is known. */
            evidence?: ("probe" | "traffic") | null;
            /**
             * Format: double
             * @description How long the last probe took, in milliseconds; 0 if there was none.
             */
            latency_ms: number;
            /**
             * @description Why: `answered`, `reachable_only`, `auth_expired`, `not_connected`, `needs_reauth`, `circuit_open`,
             *     `circuit_half_open`, `forward_paused`, `disabled`, `connection_needed`, `not_checked`, `stale`, or the code of an error's kind, such
             *     as `rate_limited`.
             */
            reason_code: string;
            /** @description What the service said of itself when it was probed, such as its `version`. */
            service: {
                [key: string]: string;
            };
            /**
             * Format: uint64
             * @description When somebody who asked first heard this state with this reason, in milliseconds since 1970. A change of the
             *     configuration starts anew.
             */
            since_ms: number;
            /** @description The state. */
            state: "healthy" | "degraded" | "unhealthy" | "disabled" | "unknown";
            /** @description What calls have shown since the configuration last changed; not there before they show something. */
            traffic?: {
                /**
                 * Format: uint32
                 * @description Failures since the service last answered.
                 */
                consecutive_failures: number;
                /** @description The kind of that failure. */
                last_failure_kind?: string | null;
                /**
                 * Format: uint64
                 * @description When one last failed, in milliseconds since 1970. Mistakes of callers do not count.
                 */
                last_failure_ms?: number | null;
                /**
                 * Format: uint64
                 * @description When the last call that succeeded began, in milliseconds since 1970.
                 */
                last_success_ms?: number | null;
            } | null;
        };
        /** @description Whether each integration is up; with details=true its Health instead */
        HealthOfAll: {
            [key: string]: boolean | components["schemas"]["Health"];
        };
        Input: {
            [key: string]: unknown;
        };
        Integration: {
            [key: string]: unknown;
        };
        Keys: {
            envelopes: number;
            /** @description What is sealed with a key that is not given does not open */
            given: boolean;
            id: string;
            /** @description It seals what is written */
            primary: boolean;
        }[];
        /**
         * Link
         * @description A link for the person who is to agree.
         */
        Link: {
            /**
             * Format: uint64
             * @description For how many seconds it is good.
             */
            expires_in: number;
            /** @description The redirect URI that has to be registered at the provider. */
            redirect_uri?: string | null;
            /** @description To be opened once, in that person's browser. */
            url: string;
        };
        List: {
            /** @enum {unknown} */
            account?: "not_connected" | "pending" | "connected" | "needs_reauth";
            /** @description Not there where it has none, as is vendor */
            connector?: string;
            description?: string;
            enabled?: boolean;
            error?: string;
            integration_id?: string;
            name?: string;
            /** @enum {unknown} */
            source?: "store" | "file" | "demo";
            type?: string;
            updated_at_ms?: number;
            /** @description Whose service the connector is for, as people call it */
            vendor?: string;
        }[];
        /**
         * Made
         * @description A token that was made. Times are in milliseconds of Unix time.
         */
        MadeApiToken: {
            /** Format: int64 */
            expires_at_ms?: number | null;
            id: string;
            name: string;
            /** @description The token, which is shown this once. */
            token: string;
            /** @description What to know besides. */
            warnings: string[];
        };
        /**
         * New
         * @description What a token is to be.
         */
        NewApiToken: {
            /**
             * Format: int64
             * @description From when on it is refused, in milliseconds of Unix time; unless set, it holds until it is revoked.
             */
            expires_at_ms?: number | null;
            /** @description What uses it, such as `billing`: 1 to 100 characters, and no other token's. */
            name: string;
        };
        Page: string;
        Patch: {
            [key: string]: unknown;
        };
        /** @description RFC 9457 */
        Problem: {
            attempts?: number;
            connection?: string;
            /** @description What more is known, such as sqlstate, constraint, table and column of a database */
            context?: {
                [key: string]: string;
            };
            detail?: string;
            integration?: string;
            /**
             * @example invalid_config
             * @example unsupported
             * @example unknown_integration
             * @example unknown_connection
             * @example unknown_event
             * @example conflict
             * @example disabled
             * @example rejected
             * @example unroutable
             * @example unauthenticated
             * @example needs_reauth
             * @example forbidden
             * @example rate_limited
             * @example throttled
             * @example overloaded
             * @example contended
             * @example unavailable
             * @example unknown_host
             * @example failed
             * @example stopped
             * @example request_timeout
             * @example timeout
             * @example circuit_open
             * @example not_cached
             * @example blocked
             * @example protocol
             * @example store_unavailable
             * @example shutting_down
             * @example internal
             */
            kind?: string;
            /** @enum {unknown} */
            outcome?: "not_sent" | "rejected" | "applied" | "unknown";
            request_id?: string;
            retry_at?: string;
            /** @description Why it was not attempted again, though that would do no harm */
            retry_suppressed?: string;
            status?: number;
            title?: string;
            type?: string;
            upstream?: {
                body?: unknown;
                status?: number;
            };
        };
        Read: {
            [key: string]: unknown;
        };
        /**
         * Again
         * @description What becomes of an event that is forwarded once more.
         */
        Redelivered: {
            event: string;
            integration_id: string;
            /** @description Those that it may have been done by, and would be done twice by. Name one to have it forwarded there. */
            left_out: string[];
            /** @description `pending`. */
            status: string;
            /** @description The entries that it waits for, or is on its way to. */
            to: string[];
        };
        /**
         * Redelivery
         * @description Where an event is forwarded once more.
         */
        Redelivery: {
            /**
             * @description Under another idempotency key than before, though it may have been done under that: something new, which is done twice
             *     if it was done. For one that is named.
             * @default false
             */
            anew: boolean;
            /**
             * @description The name of one entry of `webhooks.to`: it goes there whatever became of it before. Unless set, it goes wherever it
             *     has not arrived, but not where it may have been done and would be done twice.
             * @default null
             */
            to: string | null;
        };
        Registered: {
            integration_id?: string;
            /** @description Where accounts were connected to what was removed: whether their providers were told */
            revoked?: boolean;
            status?: string;
            warnings?: string[];
        };
        Removed: {
            id?: string;
            status?: string;
        };
        Request: {
            [key: string]: unknown;
        };
        Rotated: {
            /** @description Envelopes that do not open */
            left: number;
            /** @description Can be removed once a rotation has come to its end; backups from before need them */
            older: string[];
            primary: string;
            rewrapped: number;
            /** @description It was stopped before its end: the older keys are needed until another rotation has come to its own */
            stopped: boolean;
        };
        Rotation: {
            /** @description Envelopes that are wrapped anew, while it is under way */
            moved?: number;
            /** @description Envelopes that were to be wrapped anew when it began */
            of?: number;
            /**
             * @description Of the move to the newest key. `unfinished`: the last rotation was stopped or failed; the next one, or the next start, goes on
             * @enum {unknown}
             */
            state: "done" | "running" | "stopping" | "unfinished";
        };
        Schemas: {
            auth_types: {
                [key: string]: Record<string, never>;
            };
            common: Record<string, never>;
            types: {
                [key: string]: Record<string, never>;
            };
        };
        /**
         * Shown
         * @description How a consent stands, and what to register at the provider.
         */
        Standing: {
            /**
             * Format: int64
             * @description When the present access token ends, in milliseconds since 1970, if that is known.
             */
            expires_at_ms?: number | null;
            /** @description How the last person who was sent to the provider came back, since the server was started. */
            last_attempt?: {
                /**
                 * Format: uint64
                 * @description When, in milliseconds since 1970.
                 */
                at_ms: number;
                /** @description What went wrong, as the page said it. */
                detail?: string | null;
                /** @description `ok`, or the code of an error's kind. */
                kind: string;
            } | null;
            /** @description Why, where somebody has to act. */
            reason?: string | null;
            /** @description The redirect URI to register at the provider; not there where `server.public_url` has to be set first. */
            redirect_uri?: string | null;
            /** @description Whether a new token can be had without anybody's help. */
            renewable: boolean;
            /** @description What was agreed to, as far as the server said so. */
            scope?: string | null;
            /** @description The state. */
            state: "not_connected" | "pending" | "connected" | "needs_reauth";
            /**
             * Format: int64
             * @description When the tokens last changed, in milliseconds since 1970.
             */
            updated_at_ms?: number | null;
        };
        /**
         * FlowState
         * @description What limits an integration now. What it does not use is not there.
         */
        State: {
            /** @enum {unknown} */
            account?: "not_connected" | "pending" | "connected" | "needs_reauth";
            /** @description Its circuit breaker. */
            breaker?: {
                /**
                 * Format: uint32
                 * @description Failures in a row.
                 */
                consecutive_failures: number;
                /**
                 * Format: double
                 * @description For how many seconds it has been so.
                 */
                for_seconds: number;
                /**
                 * Format: double
                 * @description In how many seconds the service is tried again.
                 */
                probe_in_seconds?: number | null;
                /** @description Why it is so, where there is a reason. */
                reason?: string | null;
                /** @description `closed`, `open`, `half_open`, or `forced_open` until somebody resets it. */
                state: string;
            } | null;
            /** @description The replies that are kept; where it is a connection, its own. */
            cache?: {
                /**
                 * Format: uint64
                 * @description Bytes that all integrations keep together.
                 */
                all_bytes: number;
                /**
                 * Format: uint64
                 * @description Bytes that are kept: bodies, headers, and what they are found by.
                 */
                bytes: number;
                /**
                 * Format: uint64
                 * @description How many targets something is kept of.
                 */
                entries: number;
                /**
                 * Format: uint64
                 * @description Bytes that they may keep together at most; beyond that what is used least makes room.
                 */
                max_bytes: number;
            } | null;
            /** @description What is under way. */
            concurrency?: {
                /**
                 * Format: uint32
                 * @description How many are.
                 */
                in_flight: number;
                /**
                 * Format: uint32
                 * @description How many may be under way.
                 */
                max: number;
                /**
                 * Format: uint32
                 * @description How many wait.
                 */
                waiting: number;
            } | null;
            /** @description The messages that it passes on to others. */
            forward: {
                /** @description The connection that it is called through, if one is named. */
                connection?: string | null;
                /**
                 * Format: uint64
                 * @description Calls that failed, so that the message came again or was put aside.
                 */
                failed: number;
                /**
                 * Format: uint64
                 * @description Messages that were passed on since the configuration last changed.
                 */
                forwarded: number;
                /**
                 * Format: int64
                 * @description Since when, in milliseconds since 1970.
                 */
                paused_since_ms?: number | null;
                /**
                 * Format: uint64
                 * @description Messages that were put aside: because repeating could not help, or because they came too often.
                 */
                put_aside: number;
                /** @description Where they come from. */
                queue: string;
                /** @description Why it is paused. */
                reason?: string | null;
                /** @description `forwarding`, `paused` while the queue or the other integration cannot be called, or `stopped`. */
                state: string;
                /** @description The integration that is called for each. */
                to: string;
            }[];
            /** @description Its pool of connections. */
            pool?: {
                /**
                 * Format: uint64
                 * @description Those that the broker said it has.
                 */
                confirmed?: number;
                /**
                 * Format: uint64
                 * @description Messages that somebody who listens missed, being too slow.
                 */
                dropped?: number;
                /**
                 * Format: uint32
                 * @description Connections that nobody uses.
                 */
                idle: number;
                /**
                 * Format: uint32
                 * @description Sent, and the broker has not said yet that it has them.
                 */
                in_flight?: number;
                /**
                 * @description How far each group is behind, the one that is farthest first, as was last found out; none where nobody has asked yet, or
                 *     the broker does not tell.
                 */
                lag?: {
                    /** @description Who reads it; `None` where a broker has no groups. */
                    group?: string | null;
                    /**
                     * Format: uint64
                     * @description Messages that have not been dealt with: those that wait, and, as far as the broker counts them along, those that somebody
                     *     has and has not acknowledged.
                     */
                    messages: number;
                    /** @description The queue, topic, subject or stream that is read. */
                    queue: string;
                }[];
                /**
                 * Format: uint64
                 * @description Replies that came after their callers had gone.
                 */
                late?: number;
                /**
                 * Format: uint32
                 * @description The most there may be.
                 */
                max: number;
                /**
                 * Format: uint64
                 * @description Connections that were made.
                 */
                opened: number;
                /**
                 * Format: uint64
                 * @description Those that were put aside.
                 */
                put_aside?: number;
                /**
                 * Format: uint64
                 * @description How often one could not be put aside: it is held then, and tried again.
                 */
                put_aside_failed?: number;
                /**
                 * Format: uint32
                 * @description Who listens now.
                 */
                readers?: number;
                /**
                 * Format: uint64
                 * @description Those that it refused, or that nobody would have got.
                 */
                returned?: number;
                /**
                 * Format: uint64
                 * @description Calls that gave up waiting.
                 */
                timeouts: number;
                /**
                 * Format: uint32
                 * @description Handed out, and nobody has said yet what has become of them.
                 */
                unacknowledged?: number;
                /**
                 * Format: uint32
                 * @description Connections that calls are under way with.
                 */
                used: number;
                /**
                 * Format: uint32
                 * @description Calls that wait for one.
                 */
                waiting: number;
            } | null;
            /** @description Its limits on the rate of calls, and what the service says of its own. */
            rate_limit?: {
                /** @description Who counts what is taken of the limits. */
                counted: "here" | "shared" | "local_share" | "open" | "closed";
                /** @description The limits that hold, those of the configuration first. */
                limits: {
                    /**
                     * Format: uint32
                     * @description How many could be made now.
                     */
                    available: number;
                    /**
                     * Format: uint32
                     * @description How many may come at once.
                     */
                    burst: number;
                    /** @description Whether it is the service's word (`RateLimit-Policy`) rather than the configuration's. */
                    learned: boolean;
                    /**
                     * Format: double
                     * @description … in this many seconds.
                     */
                    per_seconds: number;
                    /**
                     * Format: uint32
                     * @description This many attempts …
                     */
                    requests: number;
                }[];
                /**
                 * Format: double
                 * @description For how many seconds the service wants nothing sent, if it said so.
                 */
                paused_for_seconds?: number | null;
                /**
                 * Format: uint32
                 * @description Among how many servers the limits are shared, as was last known. Not there where this one counts for itself.
                 */
                servers?: number | null;
                /**
                 * Format: uint32
                 * @description How many calls wait for their turn.
                 */
                waiting: number;
            } | null;
        };
        Tested: {
            error?: string;
            problem?: components["schemas"]["Problem"];
            result?: unknown;
            service?: {
                [key: string]: string;
            };
            /** @enum {unknown} */
            status?: "success" | "error";
            steps?: {
                /** @description Whom it was about, or why it failed */
                detail?: string;
                /** @description Milliseconds that it took */
                ms?: number;
                ok: boolean;
                /** @description Those that it did not come to are missing */
                step: string;
            }[];
            warning?: string;
        };
        Text: string;
        /** @description As a token endpoint answers them (RFC 6749 section 5.1); at least one of the two tokens */
        Tokens: {
            access_token?: string;
            /** @description Seconds */
            expires_in?: number;
            refresh_token?: string;
            scope?: string;
            token_type?: string;
        };
        Trial: {
            integration: components["schemas"]["Integration"];
            /** @description What is asked of the service, as for a call; the probe unless given */
            request?: Record<string, never>;
        };
        Version: {
            /** @description Where browsers and services reach the server; not there where server.public_url has to be set first */
            public_url?: string;
            uptime_seconds: number;
            version: string;
        };
        /**
         * Event
         * @description An event that came as a webhook.
         */
        WebhookEvent: {
            /** @description Its body where that is none. */
            base64?: string | null;
            /** @description Its body where that is JSON, as it was written. */
            body?: unknown;
            /** @description How far it has come on its way to each target. */
            deliveries: {
                /**
                 * Format: uint32
                 * @description How often it was tried.
                 */
                attempts: number;
                /** @description Why the last attempt was in vain. */
                error?: string | null;
                /**
                 * Format: int64
                 * @description When it is tried next, in milliseconds since 1970.
                 */
                next_attempt_ms?: number | null;
                /** @description `pending`, `forwarded` or `put_aside`. */
                state: string;
                /** @description The target. */
                to: string;
                /** @description The latest attempts, the oldest first, where one event is asked for. */
                tries?: {
                    /**
                     * Format: int64
                     * @description When it began, in milliseconds since 1970.
                     */
                    at_ms: number;
                    /** @description Why it was in vain. */
                    error?: string | null;
                    /**
                     * Format: double
                     * @description How many milliseconds it took.
                     */
                    millis: number;
                    /** @description Its call, by which the activity is searched; none where it came to no call. */
                    request_id?: string | null;
                }[];
            }[];
            /** @description Its headers, the names in lower case. */
            headers?: {
                [key: string]: string;
            };
            /** @description What tells it from all others of the integration. */
            id: string;
            /**
             * Format: uint64
             * @description In the order in which they came: `before` of a list takes it.
             */
            number: number;
            /**
             * Format: int64
             * @description When it came, in milliseconds since 1970.
             */
            received_at_ms: number;
            /** @description `pending`, `forwarded`, `put_aside`, or `kept` where it goes nowhere. */
            state: string;
            /** @description Its body where that is another text. */
            text?: string | null;
            /** @description Its type, where that is known. */
            type?: string | null;
            /** @description How its signature was checked. */
            verified?: {
                /**
                 * Format: int64
                 * @description When it was signed, in milliseconds since 1970, where that is signed too.
                 */
                signed_at_ms?: number | null;
                /** @description The type of the check, as in the configuration. */
                type: string;
            } | null;
        };
        WebhookEvents: components["schemas"]["WebhookEvent"][];
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_activity: {
        parameters: {
            query?: {
                integration?: string;
                connection?: string;
                action?: string;
                kind?: string;
                status?: string;
                request_id?: string;
                since_ms?: string;
                until_ms?: string;
                before?: string;
                after?: string;
                limit?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActivityList"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_activity_stream: {
        parameters: {
            query?: {
                integration?: string;
                connection?: string;
                action?: string;
                kind?: string;
                status?: string;
                request_id?: string;
                since_ms?: string;
            };
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["Events"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_activity_summary: {
        parameters: {
            query?: {
                integration?: string;
                connection?: string;
                since_ms?: string;
                until_ms?: string;
                step_ms?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActivitySummary"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_connectors: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_connectors_name: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_health: {
        parameters: {
            query?: {
                details?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthOfAll"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["List"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Integration"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Registered"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_try: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Trial"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tested"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Read"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_integrations_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Integration"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Registered"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_integrations_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Registered"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patch_integrations_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Patch"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Registered"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_actions: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_actions_action: {
        parameters: {
            query?: {
                pages?: string;
                max_pages?: string;
                max_records?: string;
                max_time?: string;
                cursor?: string;
            };
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
                action: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Input"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_breaker_open: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["State"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_breaker_reset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["State"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_integrations_id_cache: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Registered"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_call: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
                /** @description Chosen by the client, new for each call: 1 to 255 visible ASCII characters */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Request"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description true where the answer was given before */
                    "Idempotency-Replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description Among others: the call with this key is under way (idempotency_in_progress, with Retry-After), was cut off (idempotency_unknown), or had an answer of more than 1 MiB (idempotency_not_kept) */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Among others: the key was used for another integration, another connection or another body (idempotency_mismatch) */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_connections: {
        parameters: {
            query?: {
                after?: string;
                limit?: string;
                accounts?: string;
                health?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionList"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_connections: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Connection"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connected"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_connections_connection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                connection: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionRead"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_integrations_id_connections_connection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                connection: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Connection"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connected"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_integrations_id_connections_connection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                connection: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connected"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patch_integrations_id_connections_connection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                connection: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Patch"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connected"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_connections_connection_health: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                connection: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_connections_connection_schema: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
                connection: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_connections_connection_test: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                connection: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Request"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tested"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_events: {
        parameters: {
            query?: {
                before?: string;
                limit?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEvents"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_events_event: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                event: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEvent"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_events_event_redeliver: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                event: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Redelivery"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Redelivered"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_health: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_oauth: {
        parameters: {
            query?: {
                connection?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Standing"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_integrations_id_oauth: {
        parameters: {
            query?: {
                connection?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Disconnected"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_oauth_authorize: {
        parameters: {
            query?: {
                connection?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Link"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_oauth_device: {
        parameters: {
            query?: {
                connection?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceCode"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_oauth_tokens: {
        parameters: {
            query?: {
                connection?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Tokens"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Standing"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_proxy_path: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_integrations_id_proxy_path: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "*/*": components["schemas"]["Anything"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_proxy_path: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "*/*": components["schemas"]["Anything"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_integrations_id_proxy_path: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "*/*": components["schemas"]["Anything"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    options_integrations_id_proxy_path: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    head_integrations_id_proxy_path: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patch_integrations_id_proxy_path: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "*/*": components["schemas"]["Anything"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_schema: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_integrations_id_stream: {
        parameters: {
            query?: {
                request?: string;
            };
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["Events"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_stream: {
        parameters: {
            query?: never;
            header?: {
                /** @description Whose credentials it uses: the name of a connection; `default` unless set */
                "Trunkline-Connection"?: string;
                /** @description How long the call may take with all its waits: `30`, `250ms` */
                "Trunkline-Timeout"?: string;
                /** @description How often it may be attempted: `1` for no retry */
                "Trunkline-Max-Attempts"?: string;
                /** @description How long it may wait for its turn at a limit: `0` for not at all */
                "Trunkline-Max-Wait"?: string;
                /** @description `bypass`: only the service itself may answer, and its answer is not kept */
                "Trunkline-Cache"?: string;
                /** @description Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call */
                "Trunkline-Pages"?: string;
                /** @description How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever */
                "Trunkline-Hops"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Request"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["Events"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_integrations_id_test: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Request"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tested"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Keys"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_keys_rotate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rotated"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_keys_rotation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rotation"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_keys_rotation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rotation"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_keys_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Removed"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_oauth_callback_id: {
        parameters: {
            query?: {
                state?: string;
                code?: string;
                iss?: string;
                error?: string;
                error_description?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": components["schemas"]["Page"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_oauth_start_ticket: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                ticket: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": components["schemas"]["Page"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_schemas: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Schemas"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiTokens"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewApiToken"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MadeApiToken"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_tokens_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Removed"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_version: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Version"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_connector_schema_json: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_healthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": components["schemas"]["Text"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_hooks_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Anything"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": components["schemas"]["Text"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_openapi_json: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": components["schemas"]["Anything"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": components["schemas"]["Text"];
                };
            };
            /** @description A problem; its kind says which */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
