//! The `trunkline` command: runs the server, and talks to one.

mod client;
mod commands;
mod exit;
mod log;
mod output;
mod replay;

use clap::{Parser, Subcommand};

use crate::{client::Server, exit::Exit, output::Output};

/// A request makes two dozen small allocations that live as long as it does. With the allocator of the C library
/// they are a fifth of the time that a proxied request takes in user space.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One place and one pipeline for everything an application calls outside itself.
///
/// Exit codes: 0 done; 1 the call, the service or the server failed; 2 the input is not valid; 3 no
/// server answers; 65 the database is damaged.
#[derive(Debug, Parser)]
#[command(name = "trunkline", version, max_term_width = 100, after_long_help = BEGIN)]
struct Cli {
    /// Prints JSON, also on a terminal.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    command: Command,
}

/// How to begin.
const BEGIN: &str = "\
To begin:
  trunkline serve --demo                         a server, and samples to call
  trunkline list                                 which there are
  trunkline call demo-orders /orders -q page=2   a call, the credential added on the way
  trunkline register shop.json                   one of your own";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(commands::serve::Serve),
    Call(commands::call::Call),
    Query(commands::query::Query),
    Stream(commands::stream::Stream),
    Schema(commands::schema::Schema),
    List(commands::list::List),
    Register(commands::register::Register),
    Try(commands::r#try::Try),
    Connect(commands::connect::Connect),
    Disconnect(commands::disconnect::Disconnect),
    Connections(commands::connections::Connections),
    Connector(commands::connector::Connector),
    Events(commands::events::Events),
    Check(commands::check::Check),
    Health(commands::health::Health),
    Keys(commands::keys::Keys),
    Token(commands::token::Token),
    Backup(commands::backup::Backup),
    Restore(commands::restore::Restore),
}

fn main() -> std::process::ExitCode {
    no_snooping();
    let Cli { json, server, command } = Cli::parse();
    let output = Output::new(json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.fail(&Exit::failed(format!("cannot start: {error}"))),
    };
    let result = runtime.block_on(async {
        match command {
            Command::Serve(serve) => Box::pin(serve.run(&output)).await,
            Command::Call(call) => call.run(&server, &output).await,
            Command::Query(query) => query.run(&server, &output).await,
            Command::Stream(stream) => stream.run(&server, &output).await,
            Command::Schema(schema) => schema.run(&server, &output).await,
            Command::List(list) => list.run(&server, &output).await,
            Command::Register(register) => register.run(&server, &output).await,
            Command::Try(r#try) => r#try.run(&server, &output).await,
            Command::Connect(connect) => connect.run(&server, &output).await,
            Command::Disconnect(disconnect) => disconnect.run(&server, &output).await,
            Command::Connections(connections) => connections.run(&server, &output).await,
            Command::Connector(connector) => connector.run(&output).await,
            Command::Events(events) => events.run(&server, &output).await,
            Command::Check(check) => check.run(&output).await,
            Command::Health(health) => health.run(&server, &output).await,
            Command::Keys(keys) => keys.run(&server, &output).await,
            Command::Token(token) => token.run(&server, &output).await,
            Command::Backup(backup) => backup.run(&output).await,
            Command::Restore(restore) => restore.run(&output).await,
        }
    });
    // Nothing that is left over may hold the process up.
    runtime.shutdown_background();
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(exit) => output.fail(&exit),
    }
}

/// Other processes of the same user may neither trace this one nor read its memory, where keys and tokens are.
fn no_snooping() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
