//! The command line: what a person asks for, and one line where it makes no sense.

use std::ffi::OsString;
#[cfg(unix)]
use std::io::IsTerminal as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::app::App;
use crate::config::{self, Config, Layers};
use crate::dev::{self, DevOptions};
use crate::limits::DRAIN_WITHIN;
use crate::load::LoadOptions;
use crate::logs;
use crate::new::{self, NewOptions};
use crate::paths::{self, PathsOptions};
use crate::registry::Definition;
use crate::running::Running;
use crate::send::{self, SendOptions};
use crate::types::{self, TypesOptions};
use crate::vectors::VectorsOptions;

/// A mistake of the person at the keyboard.
const EXIT_MISTAKE: u8 = 2;
/// What a shell reports of a program that Ctrl-C ended.
const EXIT_INTERRUPTED: i32 = 130;

/// A server of online worlds.
#[derive(clap::Parser)]
#[command(
    name = "downbeat",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Line {
    #[command(flatten)]
    serve: ServeOptions,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Serves the games (also without a command)
    Serve(ServeOptions),
    /// Plays with many bots at once, and measures what they see
    Load(LoadOptions),
    /// Writes the games' types for clients, in TypeScript
    Types(TypesOptions),
    /// Writes golden steps of a game's rules, for clients that predict them
    Vectors(VectorsOptions),
    /// Says something to players, rooms or programs, over a running server's layer
    Send(SendOptions),
    /// Finds paths on a map, and checks and times the problems of a benchmark
    Paths(PathsOptions),
    /// Makes a new game project
    New(NewOptions),
    /// Builds and serves the game in this folder anew after each change
    Dev(DevOptions),
}

#[derive(clap::Args)]
struct ServeOptions {
    /// Where players connect [default: 127.0.0.1:7777]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where operators connect, or off [default: 127.0.0.1:7778]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// The configuration [default: downbeat.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where files are kept; made if missing [default: none, nothing is stored]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Threads that serve sockets [default: one per core]
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// Started by `dev`: pages reload, and the server ends with its standard input
    #[arg(long, hide = true)]
    dev: bool,
}

impl ServeOptions {
    fn layers(self) -> Layers {
        let flags = [
            ("listen", self.listen),
            ("admin", self.admin),
            ("data_dir", self.data_dir),
            ("workers", self.workers),
        ];
        let text = |text: OsString| text.to_string_lossy().into_owned();
        Layers {
            file: self.config,
            variables: std::env::vars_os()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            flags: flags
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
                .collect(),
        }
    }
}

/// Does what the command line of this process asks for.
pub(crate) fn run(mut app: App) -> ExitCode {
    let line = Line::command().after_long_help(config::help());
    let parsed = line
        .try_get_matches()
        .and_then(|matches| Line::from_arg_matches(&matches));
    let line = match parsed {
        Ok(line) => line,
        Err(error) => return explain(&error),
    };
    match line.command.unwrap_or(Command::Serve(line.serve)) {
        Command::Serve(options) => {
            if options.dev {
                app.reload_pages();
            }
            serve(&app, options)
        }
        Command::Load(options) => load(&app, &options),
        Command::Types(options) => write_types(&app, &options),
        Command::Vectors(options) => write_vectors(&app, &options),
        Command::Send(options) => match send::run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => mistake(&error.to_string()),
        },
        Command::Paths(options) => match paths::run(&options) {
            Ok(code) => code,
            Err(error) => mistake(&error.to_string()),
        },
        Command::New(options) => match new::create(Path::new("."), &options) {
            Ok(folder) => tell_next_steps(&folder),
            Err(error) => mistake(&error.to_string()),
        },
        Command::Dev(options) => match dev::run(&options) {
            Ok(never) => match never {},
            Err(error) => mistake(&error.to_string()),
        },
    }
}

fn load(app: &App, options: &LoadOptions) -> ExitCode {
    let game = match find_game(app, &options.game) {
        Ok(game) => game,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failure(&format!("cannot start threads: {error}")),
    };
    match runtime.block_on(game.load(options)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

/// The game of that name, or a word to the person who asked for it.
fn find_game<'a>(app: &'a App, name: &str) -> Result<&'a dyn Definition, ExitCode> {
    let found = app.games().iter().find(|game| game.name() == name);
    found.map(|game| &**game).ok_or_else(|| {
        mistake(&format!(
            "--game {name}: no such game; there is {}",
            app.game_names().join(", ")
        ))
    })
}

#[expect(clippy::print_stdout, reason = "what a person asked for")]
fn write_types(app: &App, options: &TypesOptions) -> ExitCode {
    let games: Vec<_> = match &options.game {
        Some(name) => match find_game(app, name) {
            Ok(game) => vec![game],
            Err(code) => return code,
        },
        None => app.games().iter().map(|game| &**game).collect(),
    };
    let written = match types::write(games.into_iter(), &options.out) {
        Ok(done) => done,
        Err(error) => return mistake(&error.to_string()),
    };
    for path in written.files {
        println!("{}", path.display());
    }
    let mut code = ExitCode::SUCCESS;
    for (game, error) in written.refused {
        code = mistake(&format!("no types for {game}: {error}"));
    }
    code
}

fn write_vectors(app: &App, options: &VectorsOptions) -> ExitCode {
    let game = match find_game(app, &options.game) {
        Ok(game) => game,
        Err(code) => return code,
    };
    let mut file = Vec::new();
    if let Err(error) = game.vectors(options, &mut file) {
        return mistake(&format!("no golden steps of {}: {error}", options.game));
    }
    match std::fs::write(&options.out, file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => mistake(&format!("cannot write {}: {error}", options.out.display())),
    }
}

/// clap's errors have several lines with blank ones between; one has it all.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // An error means that nobody reads.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim);
    let lines = lines.take_while(|line| !line.starts_with("Usage:"));
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("For more"));
    let lines = lines.map(|line| {
        let line = line.strip_prefix("error: ").unwrap_or(line);
        line.strip_prefix("tip: ").unwrap_or(line)
    });
    mistake(&lines.collect::<Vec<_>>().join("; ").replace(":;", ":"))
}

fn serve(app: &App, options: ServeOptions) -> ExitCode {
    let dev = options.dev;
    let config = match options.layers().load(&app.game_names()) {
        Ok(config) => config,
        Err(error) => return mistake(&error.to_string()),
    };
    logs::start(&config);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().thread_name("downbeat-net");
    if let Some(workers) = config.workers {
        runtime.worker_threads(workers);
    }
    let runtime = match runtime.build() {
        Ok(runtime) => runtime,
        Err(error) => return failure(&format!("cannot start threads: {error}")),
    };
    let code = runtime.block_on(serve_until_told(app, config, dev));
    // A thread that hangs must not keep the process.
    runtime.shutdown_background();
    code
}

async fn serve_until_told(app: &App, config: Config, dev: bool) -> ExitCode {
    // Before anybody can be told that it runs.
    #[cfg(unix)]
    outlive_hangups(config.gate.tls.cert.is_some());
    let running = match app.start(config).await {
        Ok(running) => running,
        Err(error) => return mistake(&error.to_string()),
    };
    greet(app, &running);
    tokio::select! {
        () = stop_signal() => {}
        () = running.died() => {}
        () = input_ended(), if dev => {}
    }
    std::thread::spawn(|| {
        std::thread::sleep(DRAIN_WITHIN);
        say_error("did not stop in time");
        std::process::exit(1);
    });
    tokio::spawn(async {
        stop_signal().await;
        std::process::exit(EXIT_INTERRUPTED);
    });
    tracing::info!("draining");
    match running.stop().await {
        Ok(stopped) => {
            let downbeat::Stopped {
                ticks_run,
                ticks_dropped,
                rooms,
            } = stopped;
            tracing::info!(ticks_run, ticks_dropped, rooms, "stopped");
            ExitCode::SUCCESS
        }
        Err(error) => failure(&error.to_string()),
    }
}

/// The one line that a person waits for.
fn greet(app: &App, running: &Running) {
    let names = app.game_names().join(", ");
    let url = url(running.addr());
    // An error means that nobody reads.
    let _ = writeln!(io::stdout(), "Serving {names} at {url}  (Ctrl-C stops)");
    if let Some(admin) = running.admin_addr() {
        tracing::info!(players = %running.addr(), operators = %admin, "listening");
    }
}

/// An address that a browser can open.
fn url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{address}")
}

#[expect(clippy::print_stdout, reason = "what a person does next")]
fn tell_next_steps(folder: &Path) -> ExitCode {
    println!(
        "Made {}. Next:\n\n  cd {}\n  cargo run -- dev\n",
        folder.display(),
        folder.display()
    );
    ExitCode::SUCCESS
}

/// Resolves when nobody holds the other end of standard input any more.
async fn input_ended() {
    let (ended, wait) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ended = ended;
        // Whatever is typed is nothing to us; an error is an end as well.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    });
    let _ = wait.await;
}

/// Resolves when this process is asked to stop.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        _ = interrupt => {}
        () = terminate => {}
    }
}

/// A SIGHUP asks for the certificate to be read again, which [`Tls`](crate::tls::Tls) does; without
/// TLS there is nothing to read, and no reason to end. At a terminal it says that the terminal is
/// gone, and ends this process as it ends any.
#[cfg(unix)]
fn outlive_hangups(tls: bool) {
    use tokio::signal::unix::{SignalKind, signal};
    if io::stdin().is_terminal() {
        return;
    }
    // An error means that the system has no such signal.
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return;
    };
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            if !tls {
                tracing::info!("SIGHUP: without TLS there is no certificate to be read again");
            }
        }
    });
}

fn mistake(text: &str) -> ExitCode {
    say_error(text);
    ExitCode::from(EXIT_MISTAKE)
}

fn failure(text: &str) -> ExitCode {
    say_error(text);
    ExitCode::FAILURE
}

fn say_error(text: &str) {
    // An error means that nobody reads.
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let _ = writeln!(io::stderr(), "error: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn an_address_that_means_all_is_shown_as_one_that_opens() {
        let shown = |text: &str| url(text.parse().expect("an address"));
        assert_eq!(shown("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(shown("[::]:80"), "http://127.0.0.1:80");
        assert_eq!(shown("10.0.0.5:7777"), "http://10.0.0.5:7777");
    }
}
