//! Databases as their callers meet them: one set of tests for every engine, and what each has of its own.

mod guard;
mod limits;
mod mysql;
mod pgbouncer;
mod postgres;
mod requests;
mod shop;
mod sqlite;
mod stream;
mod tenants;
mod trouble;
mod values;

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::{Answer, Begin, Server, until};

/// A database with the sample in it, and how its dialect says what the tests need.
pub(crate) trait Engine: Sized + 'static {
    /// What is spoken.
    const SYSTEM: &'static str;
    /// A statement that takes a minute, does nothing, and can be told from others by its text.
    const LONG: &'static str;
    /// Two columns of one name, `n`, from 1 to as many rows as are put in for `@`, with a text of ten letters.
    const MANY: &'static str;
    /// How many of them a build without optimisation passes on in a few seconds.
    const ROWS: usize = 2_000_000;
    /// A text of two hundred megabytes.
    const HUGE: &'static str;
    /// Yields some rows before it fails.
    const FAILS_LATE: &'static str;

    /// Starts it; none where it is not installed.
    async fn start() -> Option<Self>;
    /// Its connection string.
    fn url(&self) -> String;
    /// Its connection string as Python's SQLAlchemy has it.
    fn python(&self) -> String;
    /// Where it listens.
    fn address(&self) -> Option<SocketAddr> {
        None
    }
    /// Fills what was not filled at the start.
    async fn fill(_server: &Server, _url: &str) {}
    /// Ends it, in order or not.
    async fn end(&mut self, _in_order: bool) {}
    /// Starts it again.
    async fn again(&mut self) {}
    /// Holds it up.
    fn hold(&self) {}
    /// Lets it go on.
    fn go_on(&self) {}
    /// How many statements run at the server that have these words in them; none where there is no server.
    fn running(&self, _words: &str) -> Option<usize> {
        None
    }
}

/// A server of Trunkline, beside a database.
pub(crate) struct Shop<E> {
    pub(crate) server: Server,
    pub(crate) engine: E,
}

impl<E: Engine> Shop<E> {
    /// With the integration `db`, which has these settings beside its address, and `witness`, which has none.
    pub(crate) async fn open(settings: Value) -> Option<Self> {
        Self::open_at(Server::begin(), E::start().await?, settings).await.into()
    }

    pub(crate) async fn open_at(begin: Begin, engine: E, settings: Value) -> Self {
        let begin = match engine.address() {
            Some(address) => begin.allow_at(address),
            None => begin,
        };
        let shop = Self { server: begin.start().await, engine };
        shop.has("witness", json!({})).await;
        E::fill(&shop.server, &shop.engine.url()).await;
        shop.has("db", settings).await;
        shop
    }

    /// Registers one more integration to the same database.
    pub(crate) async fn has(&self, id: &str, settings: Value) {
        let mut config = json!({ "integration_id": id, "type": "database", "base_url": self.engine.url() });
        config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        self.server.has(&config).await;
    }

    /// What a request is answered with, which must succeed.
    pub(crate) async fn ask(&self, request: Value) -> Value {
        self.server.call("db", &request).await.is(200).json()
    }

    /// The answer to a statement without parameters.
    pub(crate) async fn query(&self, sql: &str) -> Answer {
        self.server.call("db", &json!({ "query": sql })).await
    }

    /// The rows of a statement, as arrays, by another integration: what is really in the database.
    pub(crate) async fn rows(&self, sql: &str) -> Value {
        let request = json!({ "query": sql, "rows": "arrays" });
        self.server.call("witness", &request).await.is(200).json()["rows"].take()
    }

    /// Whether a statement of `db` with these words runs.
    async fn runs(&self, words: &str) -> bool {
        let used = self.gauge("db_client_connection_count", "state=\"used\"").await.unwrap_or(0) > 0;
        self.engine.running(words).map_or(used, |running| running > 0)
    }

    /// Waits until no statement of `db` with these words runs.
    pub(crate) async fn still(&self, words: &str) {
        until("the statement to be gone", || async { (!self.runs(words).await).then_some(()) }).await;
    }

    /// Waits until a statement of `db` with these words runs.
    pub(crate) async fn busy(&self, words: &str) {
        until("the statement to run", || async { self.runs(words).await.then_some(()) }).await;
    }

    /// The answer to a statement of `db` that is sent while `witness` holds both connections that its user may have.
    pub(crate) async fn refused_for_want_of_connections(&self, sql: &str) -> Answer {
        let long = json!({ "query": E::LONG });
        let held =
            async { tokio::join!(self.server.call("witness", &long), self.server.call("witness", &long)) };
        let asked = async {
            until("both", || async { (self.engine.running(E::LONG) == Some(2)).then_some(()) }).await;
            let answer = self.query(sql).await;
            assert_eq!(self.engine.running(E::LONG), Some(2), "those that have one are left in peace");
            answer
        };
        tokio::select! {
            (one, two) = held => panic!("nothing was held: {one:?} {two:?}"),
            answer = asked => answer,
        }
    }

    /// What the pool of `db` says of itself in the metrics, such as `{state="used"}`.
    pub(crate) async fn gauge(&self, name: &str, label: &str) -> Option<u64> {
        let metrics = self.server.get("/metrics").await;
        let lines = metrics.text().lines().filter(|line| line.starts_with(name));
        let mut lines = lines.filter(|line| line.contains("integration=\"db\"") && line.contains(label));
        lines.next()?.rsplit_once(' ')?.1.parse().ok()
    }
}

/// Memory of the server, in MiB; 0 where the system does not tell.
pub(crate) fn memory(server: &Server) -> u64 {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", server.pid())) else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

/// The set of tests that every engine passes.
macro_rules! every {
    ($engine:ident) => {
        $crate::database::every! { $engine:
            requests {
                the_configuration_and_the_request_of_the_original_work_unchanged
                parameters_go_by_name_or_by_place
                text_of_a_caller_stays_data
                two_columns_of_one_name_are_both_there
                a_batch_is_done_as_a_whole_or_not_at_all
                a_transaction_is_done_as_a_whole_or_not_at_all
                several_statements_in_one_query_are_refused_unless_allowed
                what_would_outlive_the_call_is_refused
                rows_are_arrays_where_arrays_are_asked_for
            }
            guard {
                what_only_reads_is_told_by_the_database
                callers_of_only_queries_send_no_sql
                a_named_query_takes_parameters_and_is_known_when_it_is_registered
                errors_say_what_the_database_says
                replies_are_kept_where_that_is_asked_for
            }
            limits {
                caps_cut_and_say_so
                nothing_of_a_session_reaches_the_next_caller
                a_statement_out_of_time_is_stopped_and_the_next_one_works
                a_full_pool_says_so_in_time
                a_huge_row_is_cut
            }
            stream {
                many_rows_pass_with_little_memory
                a_reader_that_stops_holds_the_rows_up
                a_reader_that_goes_away_ends_the_statement
                an_error_in_the_middle_is_the_last_line
                a_stream_says_what_it_changed
            }
            shop {
                the_schema_health_and_gauges_are_shown
                the_command_line_asks_and_lists
                counters_that_collide_all_count
            }
        }
    };
    ($engine:ident: $($group:ident { $($test:ident)* })*) => {
        $(mod $group {
            $(#[tokio::test]
            async fn $test() {
                $crate::database::$group::$test::<super::$engine>().await;
            })*
        })*
    };
}

/// What is there to be tested only where the database is a process of its own.
macro_rules! servers {
    ($engine:ident) => {
        $crate::database::every! { $engine:
            trouble {
                a_login_of_any_characters_works_and_is_never_shown
                a_wrong_password_is_told_by_kind
                a_server_that_was_restarted_answers_the_next_call
                a_server_that_is_killed_within_a_transaction_keeps_nothing_of_it
                a_server_that_shuts_down_in_the_middle_is_unavailable
                a_server_that_is_down_is_told_and_nothing_was_sent
                a_server_that_holds_still_is_a_timeout
            }
        }
    };
}

pub(crate) use {every, servers};
